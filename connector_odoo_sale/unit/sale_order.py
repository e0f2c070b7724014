"""Units for sale orders: import.

The customer and the products of an order are imported first, then the order with its lines. It is
confirmed here if the totals are equal.
"""

from odoo import Command
from odoo.exceptions import UserError

from odoo.addons.connector import (
    ImportMapChild,
    ImportMapper,
    add_checkpoint,
    changed_by,
    external_to_m2o,
    mapping,
)
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.importer import ChangedRecordsImporter, OdooImporter

_MORE_THAN_ANY_ROUNDING = 1000  # of a currency
_PARTNERS = ("partner_id", "partner_invoice_id", "partner_shipping_id")


class SaleOrderImportMapper(ImportMapper):
    direct = [
        ("name", "origin"),
        ("client_order_ref", "client_order_ref"),
        ("date_order", "date_order"),
        *((external_to_m2o(name, binding="odoo.res.partner"), name) for name in _PARTNERS),
    ]
    children = [("order_line", "odoo_line_ids", "odoo.sale.order.line")]


class SaleOrderLineImportMapper(ImportMapper):
    """Import mapper of order lines.

    Taxes and the unit of measure are those that the product has here. If they are not right, the
    total shows it.

    The price is the one that was agreed there. So it is a price that somebody has given: Odoo does
    not take that of the product when the quantity is changed here.
    """

    _written_with = {"technical_price_unit": ("price_unit",)}  # alone it is not written

    direct = [
        ("name", "name"),
        ("display_type", "display_type"),
        ("sequence", "sequence"),
        (external_to_m2o("product_id", binding="odoo.product.product"), "product_id"),
        ("product_uom_qty", "product_uom_qty"),
        ("price_unit", "price_unit"),
        ("discount", "discount"),
    ]

    @mapping
    @changed_by("price_unit", "display_type")
    def technical_price(self, record):
        # Odoo takes a price that differs from it for one that somebody has given
        differs = record["price_unit"] + _MORE_THAN_ANY_ROUNDING
        return {"technical_price_unit": 0 if record["display_type"] else differs}


class SaleOrderLineChild(ImportMapChild):
    """Maps the lines of an order; a line that cannot be deleted gets the quantity 0.

    Odoo deletes no line of a confirmed order, since it may have been delivered. To set its quantity
    to 0 is what Odoo itself advises.
    """

    def remove_item(self, record):
        if not record.odoo_id._check_line_unlink():
            return super().remove_item(record)
        return Command.update(record.id, {"product_uom_qty": 0}) if record.product_uom_qty else None


class ChangedOrdersImporter(ChangedRecordsImporter):
    """Imports the orders that were confirmed there, and their later changes."""

    def _filters_since(self, watermark):
        confirmed = [("state", "in", ["sale", "done", "cancel"])]
        if not watermark:
            return confirmed
        return [*confirmed, "|", ("write_date", ">=", watermark), ("order_line.write_date", ">=", watermark)]


class SaleOrderImporter(OdooImporter):
    def _fields_to_read(self):
        return [*super()._fields_to_read(), "state", "amount_total", "currency_id"]

    def _must_skip(self):
        if self.external_record["state"] == "cancel" and not self.binding:
            return self._("Cancelled in the other Odoo, and not known here: not imported.")
        return super()._must_skip()

    def _import_dependencies(self):
        for name in _PARTNERS:
            self._import_dependency(self.external_record[name], "odoo.res.partner")
        for line in self.external_record["order_line"]:
            self._import_dependency(line["product_id"], "odoo.product.product")

    def _after_import(self, binding):
        """Confirm the order if the totals are equal, otherwise ask somebody to review it.

        The totals are compared because the customer has to pay here what was agreed there.
        """
        order = binding.odoo_id
        if self.external_record["state"] == "cancel":
            if order.state != "cancel":
                message = self._("Cancelled in the other Odoo. Once reviewed, it is cancelled here.")
                self._ask(order, message, "action_cancel_reviewed")
        elif not self._is_total_equal(order):
            self._ask_about_total(order)
        elif order.state in ("draft", "sent"):
            self._confirm(order)

    def _confirm(self, order):
        """Confirm an order as a user does.

        The effects of the confirmation are no import: so they are tracked and exported.
        """
        try:
            with self.env.cr.savepoint():
                order.with_env(self.environment.user_session.env).action_confirm()
        except UserError as error:
            self._ask(
                order,
                self._("It cannot be confirmed: %s\nOnce reviewed, it is confirmed.", error),
                "action_confirm_reviewed",
            )
        else:
            self._in_import(order).date_order = self.external_record["date_order"]

    def _is_total_equal(self, order):
        return (
            order.currency_id.name == self._external_currency
            and order.currency_id.compare_amounts(order.amount_total, self.external_record["amount_total"]) == 0
        )

    @property
    def _external_currency(self):
        return self.backend_adapter.read_code("res.currency", self.external_record["currency_id"], "name")

    def _ask_about_total(self, order):
        totals = {
            "here": order.currency_id.format(order.amount_total),
            "there": f"{self.external_record['amount_total']:.2f} {self._external_currency}",
        }
        if order.state in ("draft", "sent"):
            message = self._(
                "The total is %(here)s here and %(there)s there. Once reviewed, it is confirmed.", **totals
            )
            self._ask(order, message, "action_confirm_reviewed")
        else:
            self._ask(order, self._("The total is %(here)s here and %(there)s there.", **totals))

    def _ask(self, order, message, on_review=None):
        add_checkpoint(
            self.session, "sale.order", order.id, self.backend_record, message, severity="warning", on_review=on_review
        )


odoo.register("odoo.sale.order", SaleOrderImportMapper, ChangedOrdersImporter, SaleOrderImporter)
odoo.register("odoo.sale.order.line", SaleOrderLineImportMapper, SaleOrderLineChild)
