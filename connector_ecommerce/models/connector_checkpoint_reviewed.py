"""Aspect of ``connector.checkpoint``: one about a product blocks orders until it is closed."""

from odoo import models


class ConnectorCheckpoint(models.Model):
    _inherit = "connector.checkpoint"

    def _mark_reviewed(self):
        super()._mark_reviewed()
        if products := self.sudo()._products():
            orders = self.env["sale.order"]._blocked_by("checkpoint", [("order_line.product_id", "in", products.ids)])
            orders._check_shop_reasons_again()

    def _products(self):
        """Return the products that the checkpoints are about."""
        products = self.env["product.product"]
        bound = self.env["connector.bound.record"]._paths_to
        paths = {
            products._name: "id",
            products.product_tmpl_id._name: "product_variant_ids",
            **{name: f"{path}.product_variant_ids" for name, path in bound(products.product_tmpl_id)},
            **dict(bound(products)),
        }
        for name, checkpoints in self.grouped("model").items():
            if name in paths:
                products |= (
                    checkpoints._records().mapped(paths[name]) if paths[name] != "id" else checkpoints._records()
                )
        return products
