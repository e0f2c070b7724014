"""Units for partners: import and export.

The company of a partner is imported first. Name, e-mail and phone are exported.
"""

from odoo.addons.connector import BackendAdapter, ExportMapper, ImportMapper, changed_by, external_to_m2o, mapping

from ..backend import odoo
from .importer import OdooImporter


class PartnerImportMapper(ImportMapper):
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
        adapter = self.unit_for(BackendAdapter)
        country, state = self.env["res.country"], self.env["res.country.state"]
        if record["country_id"]:
            code = adapter.read_code("res.country", record["country_id"])
            country = country.search([("code", "=", code)])
        if record["state_id"]:
            code = adapter.read_code("res.country.state", record["state_id"])
            state = state.search([("country_id", "=", country.id), ("code", "=", code)])
        return {"country_id": country.id, "state_id": state.id}


class PartnerImporter(OdooImporter):
    def _import_dependencies(self):
        self._import_dependency(self.external_record["parent_id"], "odoo.res.partner")


class PartnerExportMapper(ExportMapper):
    direct = [("name", "name"), ("email", "email"), ("phone", "phone")]


odoo.register("odoo.res.partner", PartnerImportMapper, PartnerImporter, PartnerExportMapper)
