"""Migration: keep the policies of backends. They are chosen on the flows from now on."""

from odoo import SUPERUSER_ID, api
from odoo.tools.sql import column_exists


def migrate(cr, version):
    """Copy what people have chosen to all binding models, before Odoo drops the columns."""
    if not column_exists(cr, "odoo_backend", "conflict_policy"):
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    cr.execute("SELECT id, conflict_policy, missing_policy FROM odoo_backend")
    for backend_id, conflict, missing in cr.fetchall():
        backend = env["odoo.backend"].browse(backend_id)
        for model in backend._binding_models():
            env["connector.flow"]._policy(backend, model._name).write({"conflict": conflict, "missing": missing})
