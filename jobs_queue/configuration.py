"""Options of Odoo's configuration file, section ``[jobs_queue]`` or formerly ``[connector]``."""

import configparser

from odoo.tools import config

from . import addon

# If both sections have an option, the first section wins
_SECTIONS = (addon.NAME, addon.FORMER_NAME)


def section() -> dict[str, str]:
    """Return the options, or an empty dict without a file or a section.

    :raise ValueError: the file cannot be read as a configuration file
    """
    return {name: value for name, (_section, value) in _options().items()}


def number(name: str, default: int, least: int = 0) -> int:
    """Return an option that is a whole number.

    :param least: the smallest valid value
    :raise ValueError: it is no whole number, or it is smaller
    """
    section_name, value = _options().get(name, (None, str(default)))
    if not value.strip().isdecimal() or int(value) < least:
        raise ValueError(
            f"{config['config']}, section [{section_name}]: {name} = {value.strip()} is no number of {least} or more"
        )
    return int(value)


def _options() -> dict[str, tuple[str, str]]:
    """Return ``{name: (section, value)}``."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read([config["config"]] if config["config"] else [])
    except configparser.Error as error:
        raise ValueError(f"The configuration file {config['config']} cannot be read: {error}") from error
    found: dict[str, tuple[str, str]] = {}
    for name in filter(parser.has_section, reversed(_SECTIONS)):
        found.update((option, (name, value)) for option, value in parser[name].items())
    return found
