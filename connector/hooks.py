from odoo.exceptions import UserError
from odoo.tools.sql import table_exists

from .queue import store


def pre_init_hook(env):
    """Refuse the database of another suite whose models have the same names as ours."""
    if table_exists(env.cr, "queue_job"):
        raise UserError(
            env._(
                "The addon “Connector” cannot be installed in this database: it holds a table “queue_job” of another suite, such as OCA's "
                "queue_job. Uninstall that suite first, or use another database."
            )
        )


def uninstall_hook(env):
    """Leave nothing of what Odoo does not know to be ours: the sequences of the queue, and what was noted of this database."""
    store.drop_sequences(env.cr)
    env["ir.config_parameter"].sudo().search([("key", "=like", "connector.%")]).unlink()
