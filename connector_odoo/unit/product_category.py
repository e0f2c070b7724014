"""Units for product categories: import, parents first."""

from odoo.addons.connector import ImportMapper, external_to_m2o

from ..backend import odoo
from .importer import OdooImporter


class ProductCategoryImportMapper(ImportMapper):
    direct = [("name", "name"), (external_to_m2o("parent_id", binding="odoo.product.category"), "parent_id")]


class ProductCategoryImporter(OdooImporter):
    def _import_dependencies(self):
        self._import_dependency(self.external_record["parent_id"], "odoo.product.category")


odoo.register("odoo.product.category", ProductCategoryImportMapper, ProductCategoryImporter)
