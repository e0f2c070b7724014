"""Bindings of lines, such as the lines of an order.

They live and die with a record that has a binding, too.
"""

from odoo import api, models

from ..exception import InvalidDataError


class ExternalBindingLine(models.AbstractModel):
    """The link of a line to a backend.

    A connector inherits it in a model per model and backend::

        class ShopOrderLine(models.Model):
            _name = "shop.sale.order.line"
            _inherit = "external.binding.line"
            _inherits = {"sale.order.line": "odoo_id"}
            _description = "Shop Order Line"
            _backend_model = "shop.backend"
            _parent_binding_field = "shop_order_id"
            _parent_field = "order_id"

            shop_order_id = fields.Many2one(
                "shop.sale.order", required=True, index=True, ondelete="cascade"
            )

    The order's binding has the one2many that ``children`` of its mapper names. Its import creates
    and deletes bindings there. The lines of these bindings come and go with them.
    """

    _name = "external.binding.line"
    _inherit = "external.binding"
    _description = "External Binding of a Line"

    _parent_binding_field = None  # the many2one to the binding of the record that the line belongs to
    _parent_field = None  # the many2one of the line to that record

    def _link_fields(self):
        return [*super()._link_fields(), self._parent_binding_field]

    # Their views are shown in the form of the parent: what it says already is hidden

    @api.model
    def _get_default_list_view(self):
        view = super()._get_default_list_view()
        for name in ("backend_id", self._parent_binding_field, "sync_state", "sync_date"):
            view.find(f"field[@name='{name}']").set("optional", "hide")
        return view

    @api.model
    def _get_default_kanban_view(self):
        view = super()._get_default_kanban_view()
        for name in ("backend_id", self._parent_binding_field, "sync_state"):
            view.find(f".//field[@name='{name}']").set("invisible", "1")
        return view

    @api.model_create_multi
    def create(self, vals_list):
        """Create bindings, and their lines in the record that the parent binding binds."""
        self.check_access("create")
        parents = self.env[self._fields[self._parent_binding_field].comodel_name]
        if any(not values.get(self._parent_binding_field) for values in vals_list):
            raise InvalidDataError(
                f"{self._name} needs {self._parent_binding_field}, the binding of the record to which its line belongs"
            )
        return super().create(
            [
                {**values, self._parent_field: parents.browse(values[self._parent_binding_field]).odoo_id.id}
                for values in vals_list
            ]
        )

    def unlink(self):
        """Delete bindings with their lines.

        A line that does not exist there does not exist here.
        """
        lines = self.odoo_id
        result = super().unlink()
        lines.unlink()
        return result

    def _can_import(self):
        """Return False: a line is imported with its record."""
        return False

    def _can_export(self):
        """Return False: a line is exported with its record."""
        return False
