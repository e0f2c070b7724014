"""Mails that a preview would send are not sent."""

from odoo import models

from ..event.trap import is_trapped


class IrMailServer(models.Model):
    _inherit = "ir.mail_server"

    def _connect__(self, *args, **kwargs):
        return None if is_trapped(self.env.cr) else super()._connect__(*args, **kwargs)

    def send_email(self, message, *args, **kwargs):
        return message["Message-Id"] if is_trapped(self.env.cr) else super().send_email(message, *args, **kwargs)
