"""Units for purchases: import, and cancellation."""

from decimal import Decimal

from odoo import fields

from odoo.addons.connector_ecommerce import (
    LINES,
    Address,
    CancellationExporter,
    CancellationMapper,
    Charge,
    Customer,
    Line,
    OrderImporter,
    OrderLineChild,
    OrderLineMapper,
    OrderMapper,
    Payment,
    ShopOrder,
)

from ..backend import corner

_CENTS = Decimal(100)


class PurchaseMapper(OrderMapper):
    children = [(LINES, "shop_line_ids", "corner.sale.order.line")]


class PurchaseImporter(OrderImporter):
    _partner_model, _product_model = "corner.res.partner", "corner.product.product"

    def said(self):
        purchase = self.external_record
        buyer, paid = purchase["buyer"], purchase["paid_by"]
        return ShopOrder(
            number=purchase["ref"],
            total=purchase["to_pay_minor"] / _CENTS,
            tax=purchase["levy_minor"] / _CENTS,
            currency=purchase["money"],
            date=_date(purchase["placed"]),
            customer=Customer(buyer["key"], buyer["mail"], buyer["full_name"], buyer["firm"], buyer["vat_no"]),
            invoice=_address(buyer, purchase["bill_to"]),
            delivery=_address(buyer, purchase["send_to"]) if purchase["send_to"] else None,
            payment=Payment(
                paid["means"], paid["settled_minor"] / _CENTS, paid["held"], paid["at"] and _date(paid["at"])
            ),
            lines=[_line(row) for row in purchase["positions"]],
            charges=[
                _charge("shipping", purchase["carriage"], purchase["carriage"]["way"]),
                *([_charge("discount", purchase["rebate"])] if purchase["rebate"]["minor"] else []),
            ],
            is_cancelled=purchase["state"] == "dropped",
            replaces=purchase["replaces"],
        )


def _line(row):
    return Line(
        line_id=row["pos"],
        product=row["good"],
        quantity=Decimal(row["count"]),
        price=row["unit_minor"] / _CENTS,
        total=row["row_minor"] / _CENTS,
        rates=[Decimal(levy["percent"]) for levy in row["levies"]],
        tax_included=True,
        sku=row["code"],
        name=row["title"],
    )


def _charge(kind, charge, code=""):
    rates = [Decimal(charge["percent"])]
    return Charge(kind, charge["minor"] / _CENTS, rates, tax_included=True, code=code, name=charge["label"])


def _address(buyer, place):
    return Address(
        name=buyer["full_name"],
        company=buyer["firm"],
        street=place["road"],
        zip=place["post_code"],
        city=place["town"],
        country=place["land"],
        email=buyer["mail"],
        vat=buyer["vat_no"],
    )


def _date(text):
    return fields.Datetime.to_datetime(text[:19].replace("T", " "))


corner.register("corner.sale.order", PurchaseMapper, PurchaseImporter, CancellationMapper, CancellationExporter)
corner.register("corner.sale.order.line", OrderLineMapper, OrderLineChild)
