"""Consumer of events that delays the export of a partner that was changed."""

from odoo.addons.connector import delay_export_all_bindings, on_record_write


@on_record_write(model_names="res.partner")
def delay_partner_export(session, model_name, record_id, vals):
    """Delay the export of a partner to each Odoo it is bound to."""
    delay_export_all_bindings(session, model_name, record_id, vals, binding_models=["odoo.res.partner"])
