"""Channels written in Odoo's configuration file, as they were before they became records.

::

    [connector]
    channels = root:4, root.magento:1:sequential, root.shop:2:throttle=5

Each is ``name:capacity:option:option=value``. A name may leave out ``root.``; without a capacity it is 1, and for ``root`` without limit.
Options: ``sequential``, and ``throttle=5``, which lets one job start in 5 seconds.
"""

import configparser
import logging

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config

_logger = logging.getLogger(__name__)

_IMPORTED = "connector.imported_channels"


def configured_channels():
    """Return the text of the key ``channels`` in the section ``[connector]`` of Odoo's configuration file, or None.

    :raise ValueError: the file is not readable as a configuration file
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read([config["config"]] if config["config"] else [])
    except configparser.Error as error:
        raise ValueError(f"The configuration file {config['config']} cannot be read: {error}") from error
    return parser.get("connector", "channels", fallback="").strip() or None


def parse_channels(text):
    """Return ``{complete name: values of the queue.job.channel}`` for channels written as above, parents first.

    :raise ValueError: what is written cannot be understood; the message names the entry
    """
    channels = {}
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


def _parse_options(entry, complete_name, options):
    values = {"capacity": 0 if complete_name == "root" else 1, "is_sequential": False, "rate": 0, "rate_period": 1}
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


def _number(entry, what, text, least):
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{entry!r}: {what} is {text!r}, and must be a whole number from {least}")
    return int(text)


class QueueJobChannel(models.Model):
    _inherit = "queue.job.channel"

    def _register_hook(self):
        """Import the channels of the configuration file after an install or update of addons, unless they are those imported last."""
        super()._register_hook()
        if not self.env.registry.updated_modules:
            return
        try:
            text = configured_channels()
            if text and text != self.env["ir.config_parameter"].sudo().get_param(_IMPORTED):
                self.sudo()._import_channels(text)
        except ValueError as error:
            # addons that are installed must not fail for it; the button says it again
            _logger.warning("No channel was imported from the section [connector] of the configuration file: %s", error)

    @api.model
    def _import_channels(self, text):
        """Create or change the channels that are written in a text; others stay as they are.

        :return: the channels
        :raise ValueError: see :func:`parse_channels`
        """
        channels = self.browse()
        for complete_name, values in parse_channels(text).items():
            channel = self._ensure(complete_name)
            channel.write(values)
            channels += channel
        self.env["ir.config_parameter"].sudo().set_param(_IMPORTED, text)
        _logger.info("Imported channels from the configuration file: %s", ", ".join(channels.mapped("complete_name")))
        return channels

    def action_import_configuration(self):
        """Import the channels of the configuration file, and show them."""
        self.check_access("write")
        try:
            text = configured_channels()
            if not text:
                raise UserError(
                    self.env._(
                        "The configuration file %s has no channels: write “channels = root:4, root.shop:1” in its section [connector].",
                        config["config"],
                    )
                )
            channels = self._import_channels(text)
        except ValueError as error:
            raise UserError(
                self.env._("The channels in the section [connector] of the configuration file: %s", error)
            ) from error
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Imported Channels"),
            "res_model": self._name,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", channels.ids)],
        }
