"""Units for product categories: import, parents first."""

from odoo.addons.connector import ImportMapper, external_to_m2o

from ..backend import odoo
from .importer import OdooImporter


@odoo
class ProductCategoryImportMapper(ImportMapper):
    _model_name = "odoo.product.category"

    direct = [("name", "name"), (external_to_m2o("parent_id", binding="odoo.product.category"), "parent_id")]


@odoo
class ProductCategoryImporter(OdooImporter):
    _model_name = "odoo.product.category"

    def _import_dependencies(self):
        self._import_dependency(self.external_record["parent_id"], "odoo.product.category")
