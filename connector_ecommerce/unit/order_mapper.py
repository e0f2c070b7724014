"""Mappers of orders and their lines."""

from odoo import Command
from odoo.tools import plaintext2html

from odoo.addons.connector import ImportMapChild, ImportMapper, external_id_text, mapping, only_create

from ..said import ROUNDING

#: The field of what an order is mapped from that has its lines
LINES = "_lines"


class OrderMapper(ImportMapper):
    """Mapper of an order from what the shop says of it.

    A connector adds its model of lines::

        class PurchaseMapper(OrderMapper):
            children = [(LINES, "shop_line_ids", "corner.sale.order.line")]

    ``direct`` and mapping methods of its own read the external record as ever.
    """

    @mapping
    def told(self, record):
        order = record["_order"]
        return {
            "external_number": order.number,
            "external_total": float(order.total),
            "external_tax": float(order.tax),
            "external_currency": order.currency,
            "payment_code": record["_rule"].code,
            "paid_amount": float(order.payment.paid),
            "is_authorised": order.payment.is_authorised,
            "payment_date": order.payment.date or False,
            "external_replaces": external_id_text(order.replaces) or False,
        }

    @mapping
    def head(self, record):
        order, (partner, invoice, delivery) = record["_order"], record["_partners"]
        return {
            "client_order_ref": order.number,
            "partner_id": partner.id,
            "partner_invoice_id": invoice.id,
            "partner_shipping_id": delivery.id,
            "carrier_id": record["_carrier"].id,
        }

    @mapping
    @only_create
    def settings(self, record):
        order, backend = record["_order"], self.backend_record
        company = backend.company_id or self.env.company
        warehouse = backend.stock_warehouse_id
        payment_method = record["_rule"].payment_method_line_id
        return {
            "origin": order.number,
            "company_id": company.id,
            "date_order": order.date,
            "note": plaintext2html(order.note) if order.note else False,
            "pricelist_id": self._pricelist_of(order.currency, company).id,
            **({"name": f"{backend.order_prefix}{order.number}"} if backend.order_prefix else {}),
            **({"warehouse_id": warehouse.id} if warehouse else {}),
            **({"preferred_payment_method_line_id": payment_method.id} if payment_method else {}),
            **({"team_id": backend.sales_team_id.id} if backend.sales_team_id else {}),
        }

    def _pricelist_of(self, code, company):
        """Return a pricelist with the currency of an order, empty for that of the company.

        The prices are those of the shop. Odoo takes the currency of an order from its pricelist. A
        currency that is not active is taken all the same: such an order is blocked.
        """
        pricelists = self.env["product.pricelist"].sudo()
        if code == company.currency_id.name:
            return pricelists
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", code)], limit=1)
        if not currency:
            return pricelists
        known = [("currency_id", "=", currency.id), ("company_id", "in", (company.id, False))]
        return pricelists.search(known, order="company_id, id", limit=1) or pricelists.create(
            {"name": code, "currency_id": currency.id, "company_id": company.id}
        )


class OrderLineMapper(ImportMapper):
    """Mapper of a line from what its line builder has made of it.

    The price is the one that was agreed in the shop, so Odoo does not take that of the product when
    the quantity is changed here.
    """

    _written_with = {"technical_price_unit": ("price_unit",)}

    @mapping
    def line(self, record):
        return record["values"]


class OrderLineChild(ImportMapChild):
    """Maps the lines of an order.

    A line that the order lacks now, and that Odoo does not delete any more, gets the quantity 0.
    The rounding line is ours.
    """

    def _match(self, map_records, existing, target, options):
        """Match by external id; a line whose product was found or lost since is made anew.

        Odoo makes no product line of a note, nor the other way round.
        """
        super()._match(map_records, existing, target, options)
        for map_record in map_records:
            is_note = bool(map_record.source["values"].get("display_type"))
            known = map_record.binding
            if known and bool(known.display_type) != is_note and not known.odoo_id._check_line_unlink():
                map_record.binding = self.model

    def get_item_values(self, map_record, target, options):
        """Return the values of a line. Odoo refuses to order less than was delivered."""
        values = super().get_item_values(map_record, target, options)
        if not (known := map_record.binding):
            return values
        if "product_uom_qty" in values:
            values["product_uom_qty"] = max(values["product_uom_qty"], known.qty_delivered)
        return {name: value for name, value in values.items() if name != "display_type"}

    def remove_item(self, record):
        if record._id_in_order() == ROUNDING:
            return None
        if not record.odoo_id._check_line_unlink():
            return super().remove_item(record)
        left = record.qty_delivered
        return Command.update(record.id, {"product_uom_qty": left}) if record.product_uom_qty != left else None
