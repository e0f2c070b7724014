"""Aspect of ``queue.job.channel``: import from Odoo's configuration, see ``channel_config.py``."""

import logging
from typing import Any, Self

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config

from .channel_config import configured_channels, parse_channels

_logger = logging.getLogger(__name__)

# System parameter: the text from which channels were last created.
_IMPORTED = "jobs_queue.imported_channels"


class QueueJobChannel(models.Model):
    _inherit = "queue.job.channel"

    def _register_hook(self) -> None:
        """Import the channels of the configuration file after an install or update of addons.

        They are not imported if they are the same as last time.
        """
        super()._register_hook()
        if not self.env.registry.updated_modules:
            return
        try:
            text = configured_channels()
            if text and text != self.env["ir.config_parameter"].sudo().get_param(_IMPORTED):
                self.sudo()._import_channels(text)
        except ValueError as error:
            # the installation of addons must not fail because of it; the button reports the error
            # again
            _logger.warning("No channel was imported from the configuration file: %s", error)

    @api.model
    def _import_channels(self, text: str) -> Self:
        """Create or change the channels that are written in a text, and return them.

        Other channels stay as they are.

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

    def action_import_configuration(self) -> dict[str, Any]:
        """Import the channels of the configuration file, and show them."""
        self.check_access("write")
        try:
            text = configured_channels()
            if not text:
                raise UserError(
                    self.env._(
                        "The configuration file %s has no channels: write “channels = root:4, root.shop:1” in its section [jobs_queue].",
                        config["config"],
                    )
                )
            channels = self._import_channels(text)
        except ValueError as error:
            raise UserError(self.env._("The channels in the configuration file: %s", error)) from error
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Imported Channels"),
            "res_model": self._name,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", channels.ids)],
        }
