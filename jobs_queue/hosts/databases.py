"""Names of the databases that the workers of this configuration serve."""

from odoo.service.db import list_dbs
from odoo.tools import config


def served_databases() -> list[str]:
    """Return the names of the databases that the configuration names, else of all databases."""
    return config["db_name"] or list_dbs(force=True)
