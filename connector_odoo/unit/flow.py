"""Flows: what is synchronised with the other Odoo, in the order of a first run."""

from odoo.tools import LazyTranslate

from odoo.addons.connector import ExportFlow, ImportFlow

from ..backend import odoo

_lt = LazyTranslate(__name__)


@odoo
class PartnersFlow(ImportFlow):
    _model_name = "odoo.res.partner"
    code, label = "partners", _lt("Partners")
    schedule = "*/15 * * * *"


@odoo
class PartnersExportFlow(ExportFlow):
    _model_name = "odoo.res.partner"
    code, label = "partners_export", _lt("Partners")
    after = ("partners",)


@odoo
class CategoriesFlow(ImportFlow):
    _model_name = "odoo.product.category"
    code, label = "categories", _lt("Product Categories")
    schedule = "*/15 * * * *"


@odoo
class ProductsFlow(ImportFlow):
    _model_name = "odoo.product.product"
    code, label = "products", _lt("Products")
    after = ("categories",)
    schedule = "*/15 * * * *"
