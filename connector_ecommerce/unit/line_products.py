"""Products of the lines of orders."""

from collections import defaultdict

from odoo.addons.connector import ConnectorUnit, external_id_text, general


@general
class LineProducts(ConnectorUnit):
    """Finds the products of lines, those of a page of orders at once."""

    def find(self, lines, product_model):
        """Return the products of lines that are known here.

        A product is found by its id in the shop. Where the shop says none, or one that it has
        deleted, it is found by the SKU, if one product alone has that.

        :param lines: list of :class:`~odoo.addons.connector_ecommerce.said.Line`
        :param product_model: name of the binding model of products
        :return: dict, :meth:`key` of a line to product.product record
        """
        ids = {line.product for line in lines if external_id_text(line.product) is not None}
        bound = self.binder_for(product_model).to_internal_many(ids)
        unknown = {line.sku.strip() for line in lines if external_id_text(line.product) not in bound}
        by_sku = self._by_sku(unknown - {""})
        found = {}
        for line in lines:
            binding = bound.get(external_id_text(line.product))
            product = binding.odoo_id if binding else by_sku.get(line.sku.strip())
            if product:
                found[self.key(line)] = product
        return found

    def key(self, line):
        """Return by what a line names its product."""
        return external_id_text(line.product), line.sku.strip()

    def _by_sku(self, skus):
        """Return the products with SKUs that one product alone has, a dict."""
        if not skus:
            return {}
        products = self.env["product.product"].with_context(active_test=False)
        company = self.backend_record.company_id or self.env.company
        found = defaultdict(products.browse)
        for product in products.search([*products._check_company_domain(company), ("default_code", "in", list(skus))]):
            found[product.default_code] |= product
        return {sku: product for sku, product in found.items() if len(product) == 1}
