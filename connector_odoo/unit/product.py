"""Units for products: import.

The category of a product is imported first. Products are matched by their internal reference.
Somebody reviews each new one.
"""

from odoo.tools import LazyTranslate

from odoo.addons.connector import ImportMapper, add_checkpoint, changed_by, external_to_m2o, mapping, only_create
from odoo.addons.connector.declaration import Choice

from ..backend import odoo, odoo_19, odoo_legacy
from .backend_adapter import Json2Adapter, OdooAdapter, XmlRpcAdapter
from .importer import OdooImporter

_lt = LazyTranslate(__name__)


class ProductAdapter(OdooAdapter):
    """Base adapter of products, of which people may choose categories, with those below them."""

    filters = {"category": Choice(model="odoo.product.category", several=True, label=_lt("Categories"))}

    def with_chosen(self, filters):
        if not self.chosen:
            return filters
        return [*(filters or []), ("categ_id", "child_of", list(map(int, self.chosen["category"])))]


@odoo_19
class Json2ProductAdapter(ProductAdapter, Json2Adapter):
    _model_name = "odoo.product.product"


@odoo_legacy
class XmlRpcProductAdapter(ProductAdapter, XmlRpcAdapter):
    _model_name = "odoo.product.product"


@odoo
class ProductImportMapper(ImportMapper):
    """Import mapper of products, for which each variant there is its own product here.

    Therefore a product gets the name with the attributes, and the price with their extras.
    """

    _model_name = "odoo.product.product"

    direct = [
        ("display_name", "name"),
        ("active", "active"),
        ("default_code", "default_code"),
        ("barcode", "barcode"),
        ("lst_price", "list_price"),
        ("weight", "weight"),
        ("volume", "volume"),
        ("description_sale", "description_sale"),
        ("sale_ok", "sale_ok"),
        ("purchase_ok", "purchase_ok"),
        ("image_1920", "image_1920"),
        (external_to_m2o("categ_id", binding="odoo.product.category"), "categ_id"),
    ]

    @mapping
    @only_create
    @changed_by("type")
    def type(self, record):
        # Goods (storable or not) and combos are goods here: other addons add what else they need
        return {"type": "service" if record["type"] == "service" else "consu"}


@odoo
class ProductImporter(OdooImporter):
    _model_name = "odoo.product.product"

    def _import_dependencies(self):
        self._import_dependency(self.external_record["categ_id"], "odoo.product.category")

    def _match_key(self):
        return "default_code", self.external_record["default_code"]

    def _after_import(self, binding):
        if self.incoming.is_new and not self.incoming.match:
            add_checkpoint(
                self.session,
                "product.product",
                binding.odoo_id.id,
                self.backend_record,
                self._("A new product: check what was not imported, such as its taxes and its unit of measure."),
            )
        # A template is active as long as one of its variants is, as with Odoo's own buttons
        template = self._in_import(binding.odoo_id.product_tmpl_id).with_context(active_test=False)
        active = any(template.product_variant_ids.mapped("active"))
        if template.active != active:
            template.active = active
