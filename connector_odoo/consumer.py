"""What is exported when something is written here."""

from odoo.addons.connector.event import on_record_write
from odoo.addons.connector.session import ConnectorSession
from odoo.addons.connector.unit.exporter import export_record

_EXPORTED_FIELDS = {"name", "email", "phone"}


@on_record_write(model_names="res.partner")
def delay_partner_export(session, model_name, record_id, vals):
    """Delay the export of a partner to each Odoo it is bound to.

    The job exports what the partner's fields contain when it runs, so that one job does for all writes before it. It runs in
    the backend's company, with all rights: who changes a partner need not be allowed to see backends.
    """
    if session.context.get("no_connector_export") or _EXPORTED_FIELDS.isdisjoint(vals):
        return
    partner = session.env[model_name].sudo().with_context(active_test=False).browse(record_id)
    for binding in partner.odoo_bind_ids.filtered("backend_id.active"):
        export_record.delay(
            ConnectorSession.from_env(session.env(su=True)).with_company(binding.backend_id.company_id),
            binding._name,
            binding.id,
            description=session.env._(
                "Export %(partner)s to %(backend)s", partner=partner.name, backend=binding.backend_id.name
            ),
            identity_key=f"export {binding._name} {binding.id}",
        )
