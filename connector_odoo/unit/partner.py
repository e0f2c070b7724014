"""Partners: imported with their company first; name, e-mail and phone are exported."""

from odoo.addons.connector.exception import FailedJobError, IDMissingInBackend
from odoo.addons.connector.unit.backend_adapter import BackendAdapter
from odoo.addons.connector.unit.exporter import RecordExporter
from odoo.addons.connector.unit.mapper import ExportMapper, ImportMapper, changed_by, external_to_m2o, mapping

from ..backend import odoo
from .importer import OdooImporter


@odoo
class PartnerImportMapper(ImportMapper):
    _model_name = "odoo.res.partner"

    direct = [
        ("name", "name"),
        ("active", "active"),
        ("is_company", "is_company"),
        (external_to_m2o("parent_id", binding="odoo.res.partner"), "parent_id"),
        ("street", "street"),
        ("street2", "street2"),
        ("zip", "zip"),
        ("city", "city"),
        ("email", "email"),
        ("phone", "phone"),
        ("website", "website"),
        ("function", "function"),
        ("ref", "ref"),
        ("vat", "vat"),
        ("comment", "comment"),
        ("image_1920", "image_1920"),
    ]

    @mapping
    @changed_by("type")
    def type(self, record):
        known = self.model._fields["type"].get_values(self.env)
        return {"type": record["type"] if record["type"] in known else "other"}

    @mapping
    @changed_by("country_id", "state_id")
    def country_and_state(self, record):
        country = self._by_code("res.country", record["country_id"], [])
        state = self._by_code("res.country.state", record["state_id"], [("country_id", "=", country.id)])
        return {"country_id": country.id, "state_id": state.id}

    def _by_code(self, model_name, external_id, domain):
        """Return the record here that has the code of the record there; an empty recordset when there is none."""
        model = self.env[model_name]
        if not external_id:
            return model
        code = self.unit_for(BackendAdapter).read_code(model_name, external_id)
        return model.search([("code", "=", code), *domain], limit=1)


@odoo
class PartnerImporter(OdooImporter):
    _model_name = "odoo.res.partner"

    def _import_dependencies(self):
        self._import_dependency(self.external_record["parent_id"], "odoo.res.partner")


@odoo
class PartnerExportMapper(ExportMapper):
    _model_name = "odoo.res.partner"

    direct = [("name", "name"), ("email", "email"), ("phone", "phone")]


@odoo
class PartnerExporter(RecordExporter):
    _model_name = "odoo.res.partner"

    def _update(self, values):
        try:
            super()._update(values)
        except IDMissingInBackend as error:
            raise FailedJobError(
                self.env._(
                    "%s\nDelete the partner's binding, unless it shall be restored there; then requeue or cancel the job.",
                    error,
                )
            ) from error
