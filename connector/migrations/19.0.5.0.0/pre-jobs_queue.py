"""Refuse the update as long as jobs_queue was not updated: its table lacks new columns."""

from odoo.exceptions import UserError
from odoo.tools.sql import column_exists


def migrate(cr, version):
    if not column_exists(cr, "queue_job", "waits_for"):
        raise UserError(
            "This version of connector needs jobs_queue 19.0.1.3.0, which was not updated. Nothing was changed. "
            "Update both: -u jobs_queue,connector"
        )
