"""Migration: keep the API keys. Their column has the name of the field from now on."""

from odoo.tools.sql import column_exists, rename_column


def migrate(cr, version):
    """Rename the column before Odoo creates an empty one, and drops that of the former field."""
    if column_exists(cr, "odoo_backend", "stored_api_key"):
        rename_column(cr, "odoo_backend", "stored_api_key", "api_key")
