"""Orders that a test gives in our words, without a shop that has them."""

from datetime import datetime
from decimal import Decimal

from odoo.addons.connector import ConnectorSession, RecordImporter, get_environment
from odoo.addons.connector.testing import extending
from odoo.addons.connector_ecommerce import Address, Charge, Customer, Line, Payment, ShopOrder

from ..backend import corner
from ..unit.purchase import PurchaseImporter
from .shop_case import ShopCase

_GIVEN = {}
HOME = Address("Ada Lovelace", street="Main Street 1", zip="10115", city="Berlin", country="DE")


class GivenOrders(PurchaseImporter):
    """Importer of orders that the test gives."""

    def said(self):
        return _GIVEN[self.external_id]


class GivenOrdersCase(ShopCase):
    """A test case that imports orders that it gives."""

    def setUp(self):
        super().setUp()
        self.enterContext(extending(corner, GivenOrders))
        self.addCleanup(_GIVEN.clear)

    def import_order(self, total, tax, lines, shipping=None, **more):
        """Import an order of a shop with its lines, and run what follows; return it.

        :param lines: list of arguments of :func:`line` without the number
        """
        charges = [Charge("shipping", Decimal(shipping), [Decimal(19)], code="flat")] if shipping else []
        number = more.pop("number", f"P-{len(_GIVEN)}")
        lines = [line(position, *values) for position, values in enumerate(lines)]
        return self.import_said(number, total, tax, lines, **{"charges": charges, **more})

    def import_said(self, number, total, tax, lines, **more):
        """Import an order, again if it is here already, and run what follows; return it."""
        self.give(number, total, tax, lines, **more)
        session = ConnectorSession.from_env(self.env)
        with get_environment(session, "corner.sale.order", self.backend.id) as environment:
            environment.get_connector_unit(RecordImporter).run(number, force=True, data={"ref": number})
        self.assertDone(self.run_jobs())
        return self.order(number)

    def give(self, number, total, tax, lines, **more):
        """Let the shop have an order, or have it otherwise."""
        values = {
            "currency": "EUR",
            "date": datetime(2026, 11, 28, 12, 0),
            "customer": Customer(email="ada@example.com", name="Ada Lovelace"),
            "invoice": HOME,
            "delivery": HOME,
            "payment": Payment("card", Decimal(total)),
            **more,
        }
        _GIVEN[number] = ShopOrder(number=number, total=Decimal(total), tax=Decimal(tax), lines=lines, **values)

    @property
    def rounding(self):
        return self.env.ref("connector_ecommerce.product_rounding")


def line(number, quantity, price, total, rate=19, discount=0, included=False, product="g-1", **more):
    """Return a line of an order."""
    return Line(
        line_id=number,
        product=product,
        quantity=Decimal(quantity),
        price=Decimal(price),
        total=Decimal(total),
        discount=Decimal(discount),
        rates=[Decimal(rate)],
        tax_included=included,
        **{"sku": "SKU-1", "name": "Chair", **more},
    )
