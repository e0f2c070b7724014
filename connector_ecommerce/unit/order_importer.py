"""Import of the orders of a shop, always by the same steps."""

from collections import Counter
from functools import cached_property

from odoo.addons.connector import RecordImporter
from odoo.addons.connector.exception import InvalidDataError

from ..said import ShopOrder
from .customers import Customers
from .delivery_methods import DeliveryMethods
from .line_builder import (
    CashOnDeliveryLineBuilder,
    DiscountLineBuilder,
    GiftWrappingLineBuilder,
    ProductLineBuilder,
    ShippingLineBuilder,
)
from .line_products import LineProducts
from .payment_rules import PaymentRules


class OrderImporter(RecordImporter):
    """Importer of orders. A connector writes :meth:`said`, and names its models.

    The steps of an order: its payment rule lets it pass, its customer and products are imported,
    then it is written with its lines, its total is compared, and what is wrong with it is stored.
    What follows, such as the confirmation, are jobs of their own.
    """

    #: Names of the binding models of customers and products
    _partner_model: str
    _product_model: str

    #: Who builds the line of which kind of charge; an addon adds kinds
    _line_builders = {
        "shipping": ShippingLineBuilder,
        "cash_on_delivery": CashOnDeliveryLineBuilder,
        "discount": DiscountLineBuilder,
        "gift_wrapping": GiftWrappingLineBuilder,
    }

    def __init__(self, environment):
        super().__init__(environment)
        self._said = {}  # by record on its way: an importer lives as long as its page
        self._products = {}

    def said(self) -> ShopOrder:
        """Return what the shop says of the order in ``self.external_record``; a hook.

        :raise InvalidDataError: the shop says something that cannot be
        """
        raise NotImplementedError(f"{type(self).__name__} does not define said()")

    @property
    def order(self) -> ShopOrder:
        """What the shop says of the order that the importer is at."""
        if self.incoming not in self._said:
            self._said[self.incoming] = self.said()
        return self._said[self.incoming]

    @cached_property
    def _rules(self):
        return self.unit_for(PaymentRules)

    # Steps

    def _name_there(self):
        return self.order.number

    def _must_skip(self):
        if not self.incoming.is_new:
            return super()._must_skip()
        if self.order.is_cancelled:
            return self._("Order %s was cancelled in the shop, and is not known here: not imported.", self.order.number)
        return self._rules.check(self.order) or super()._must_skip()

    def _keep_while_waiting(self):
        """Keep the rule of a kind of payment that is new here: somebody has to look at it."""
        self._rules.rule_of(self.order.payment.code)

    def _import_dependencies(self):
        self._import_dependency(self.order.customer.external_id, self._partner_model)
        for line in self.order.lines:
            self._import_dependency(line.product, self._product_model)

    def _write_page(self, page, alone):
        orders = [self.order for _incoming in self.each(page)]
        lines = [line for order in orders for line in order.lines]
        self._products = self.unit_for(LineProducts).find(lines, self._product_model)
        super()._write_page(page, alone)
        self._finish([incoming for incoming in page if incoming.outcome in ("created", "updated")])

    def _map_data(self):
        order = self.order
        known = self.binding.odoo_id.partner_id
        partners = self.unit_for(Customers).partners_of(order, self._partner_model, known)
        source = {
            **self.external_record,
            "_order": order,
            "_rule": self._rules.rule_of(order.payment.code),
            "_partners": partners,
            "_carrier": self._carrier_of(order),
        }
        if not self._keeps_lines(order):
            source["_lines"] = self._lines_of(order, partners[2].country_id)
        return self.mapper.map_record(source, binding=self.binding)

    def _keeps_lines(self, order):
        """Return whether the lines here stay: the order ends, or somebody has locked it."""
        return bool(self.binding) and (order.is_cancelled or self.binding.odoo_id.locked)

    def _carrier_of(self, order):
        """Return the carrier of the order, empty if it says none."""
        shipping = next((charge for charge in order.charges if charge.kind == "shipping" and charge.code), None)
        methods = self.unit_for(DeliveryMethods)
        return methods.carrier_of(shipping.code, shipping.name) if shipping else self.env["delivery.carrier"]

    def _lines_of(self, order, country):
        """Return what the lines of the order are made of, a list of dicts with their values."""
        builder, products = self.unit_for(ProductLineBuilder), self.unit_for(LineProducts)
        known = {line.external_id: line.product_id for line in self.binding.shop_line_ids}
        items = []
        for line in order.lines:
            line_id = self._line_id(line.line_id)
            product = self._products.get(products.key(line)) or known.get(line_id)
            items.append({"id": line_id, "values": builder.values(line, product or None, country)})
        return items + self._charges_of(order, country)

    def _charges_of(self, order, country):
        """Return what the lines of the charges are made of, as :meth:`_lines_of`."""
        times = Counter()
        items = []
        for charge in order.charges:
            times[charge.line_id] += 1  # such as two vouchers without a code
            same = "" if times[charge.line_id] == 1 else f":{times[charge.line_id]}"
            values = self._builder_of(charge, order).values(charge, country)
            items.append({"id": self._line_id(charge.line_id + same), "values": values})
        return items

    def _builder_of(self, charge, order):
        if charge.kind in self._line_builders:
            return self.unit_for(self._line_builders[charge.kind])
        names = {"order": order.number, "kind": charge.kind, "importer": type(self).__name__}
        raise InvalidDataError(
            self._(
                "Order %(order)s has a charge of the kind %(kind)s, which has no line builder: "
                "add one to _line_builders of %(importer)s, or let its said() say another kind.",
                **names,
            )
        )

    def _line_id(self, line_id):
        """Return the external id of a line: many shops number the lines of each order from 1."""
        return f"{self.external_id}/{line_id}"

    def _finish(self, page):
        """Compare the totals of orders that were written, and begin what follows."""
        # together, so that what is read of one is read of all
        bindings = self.model.concat(*(incoming.binding for incoming in page))
        for _incoming, binding in zip(self.each(page), bindings, strict=True):
            binding._balance(self.order.total)
            if self.order.is_cancelled:
                binding.odoo_id._cancel_from_shop()
            else:
                binding.odoo_id._reopen_from_shop()
        bindings._link_versions()
        bindings.odoo_id._renew_shop_reasons()
        bindings._delay_workflow()
