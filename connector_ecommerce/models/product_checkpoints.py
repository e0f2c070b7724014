"""Aspect of ``product.product``: the records of a product that a checkpoint can be about."""

from odoo import models


class ProductProduct(models.Model):
    _inherit = "product.product"

    def _ids_by_checkpoint_model(self):
        """Return the records that checkpoints about these products are about.

        They are the products, their templates and the bindings of both.

        :return: list of (id of the ``ir.model``, ids)
        """
        found = {}
        for records in (self, self.product_tmpl_id):
            found[records._name] = records.ids
            for name, path in self.env["connector.bound.record"]._paths_to(records):
                if name not in found:  # those of a variant lead to its template, too
                    bindings = self.env[name].sudo().with_context(active_test=False)
                    found[name] = bindings.search([(path, "in", records.ids)]).ids
        return [(self.env["ir.model"]._get_id(name), ids) for name, ids in found.items() if ids]
