"""Parser for channels written in Odoo's configuration file.

Channels were written there before they became records.

::

    [jobs_queue]
    channels = root:4, root.magento:1:sequential, root.shop:2:throttle=5

Each channel is ``name:capacity:option:option=value``. A name may leave out ``root.``. Without a
capacity it is 1, and for ``root`` it is without limit. The options are ``sequential`` and
``throttle=5``. The latter lets one job start in 5 seconds.
"""

from typing import TypeAlias

from .. import configuration

_Values: TypeAlias = dict[str, int | bool]


def configured_channels() -> str | None:
    """Return the configured channels as text, or None.

    They are the key ``channels`` in the section ``[jobs_queue]`` of Odoo's configuration file.

    :raise ValueError: the file is not readable as a configuration file
    """
    return configuration.section().get("channels", "").strip() or None


def parse_channels(text: str) -> dict[str, _Values]:
    """Parse channels written as above; parents come first in the result.

    :return: ``{complete name: values of the queue.job.channel}``
    :raise ValueError: the text cannot be understood; the message names the entry
    """
    channels: dict[str, _Values] = {}
    for entry in filter(None, (entry.strip() for entry in text.replace("\n", ",").split(","))):
        name, *options = (part.strip() for part in entry.split(":"))
        names = name.split(".")
        if not all(names):
            raise ValueError(f"{entry!r}: a channel's name has words between its dots, as in root.shop.import")
        complete_name = name if names[0] == "root" else f"root.{name}"
        if complete_name in channels:
            raise ValueError(f"{entry!r}: the channel {complete_name} is there twice")
        channels[complete_name] = _parse_options(entry, complete_name, options)
    return dict(sorted(channels.items()))


def _parse_options(entry: str, complete_name: str, options: list[str]) -> _Values:
    values: _Values = {
        "capacity": 0 if complete_name == "root" else 1,
        "is_sequential": False,
        "rate": 0,
        "rate_period": 1,
    }
    if options and options[0][:1] in {*"0123456789-"}:
        values["capacity"] = _number(entry, "the capacity", options.pop(0), least=0)
    elif options and not options[0]:
        options.pop(0)
    for option in options:
        key, _equals, value = option.partition("=")
        if key == "sequential" and not value:
            values["is_sequential"] = True
        elif key == "throttle":
            values.update(rate=1, rate_period=_number(entry, "throttle", value, least=1))
        else:
            raise ValueError(f"{entry!r}: {option!r} is unknown; write a capacity, sequential, or throttle=<seconds>")
    return values


def _number(entry: str, what: str, text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{entry!r}: {what} is {text!r}, and must be a whole number from {least}")
    return int(text)
