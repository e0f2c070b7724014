"""Mails of a preview go nowhere."""

from odoo import models

from ..event.trap import is_trapped


class Nowhere:
    """A connection to a mail server that sends nothing."""

    from_filter = smtp_from = False

    def send_message(self, *_message, **_options):
        """Do not send it."""

    def quit(self):
        """End the connection, which there is not."""


class IrMailServer(models.Model):
    _inherit = "ir.mail_server"

    def _connect__(self, *args, **kwargs):
        return Nowhere() if is_trapped(self.env.cr) else super()._connect__(*args, **kwargs)
