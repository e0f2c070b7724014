"""What a shop says of an order, in the same words for every shop.

The importer of a connector's orders returns a :class:`ShopOrder`. Amounts are those of the order's
currency. They are decimals: a shop's "49.9000" is ``Decimal("49.9000")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

#: An id in the shop
ExternalId: TypeAlias = str | int

ZERO = Decimal(0)
#: The id of the line in the order that makes our total that of the shop
ROUNDING = "rounding"


@dataclass(frozen=True)
class Address:
    """An address of a customer.

    :param country: ISO code of two letters; "" if the shop does not know it
    :param state: code or name of the state or region
    """

    name: str = ""
    company: str = ""
    street: str = ""
    street2: str = ""
    zip: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    vat: str = ""


@dataclass(frozen=True)
class Customer:
    """Who has ordered.

    :param external_id: id of the customer in the shop; None: a guest
    """

    external_id: ExternalId | None = None
    email: str = ""
    name: str = ""
    company: str = ""
    vat: str = ""


@dataclass(frozen=True)
class Payment:
    """How an order is paid.

    :param code: the shop's code of the kind of payment
    :param paid: what was paid already
    :param is_authorised: whether the money is reserved for us
    :param date: when it was paid, naive datetime in UTC
    """

    code: str
    paid: Decimal = ZERO
    is_authorised: bool = False
    date: datetime | None = None
    reference: str = ""


@dataclass(frozen=True)
class Line:
    """A line of an order with a product.

    :param line_id: id of the line in the shop
    :param product: id of the product in the shop; None: it tells only the SKU, or the product is
        deleted there
    :param price: of one piece, before the discount, with tax if ``tax_included``
    :param total: of the line, after the discount, with tax if ``tax_included``; None: what Odoo
        computes from the price. Shops round it otherwise than the price, so what the shop says
        counts
    :param discount: percent
    :param rates: tax rates in percent
    """

    line_id: ExternalId
    product: ExternalId | None
    quantity: Decimal
    price: Decimal
    total: Decimal | None = None
    discount: Decimal = ZERO
    rates: Sequence[Decimal] = ()
    tax_included: bool = False
    sku: str = ""
    name: str = ""


@dataclass(frozen=True)
class Charge:
    """What an order costs beside its products, or what is taken off it.

    :param kind: ``shipping``, ``cash_on_delivery``, ``discount``, ``gift_wrapping``, or what
        another addon has a line builder for
    :param amount: never negative, also of a discount; with tax if ``tax_included``
    :param rates: tax rates in percent
    :param code: the shop's code, such as that of the shipping method
    """

    kind: str
    amount: Decimal
    rates: Sequence[Decimal] = ()
    tax_included: bool = False
    code: str = ""
    name: str = ""

    @property
    def line_id(self) -> str:
        """The external id of the line that is made of it."""
        return f"{self.kind}:{self.code}" if self.code else self.kind


@dataclass(frozen=True)
class ShopOrder:
    """An order as the shop has it.

    :param number: by which people know it
    :param total: what the customer has to pay
    :param tax: the part of it that is tax
    :param currency: ISO code
    :param date: when it was placed, naive datetime in UTC
    :param delivery: None: nothing is delivered
    :param replaces: id of the order that this one replaces, in a shop where an edited order is a
        new one
    """

    number: str
    total: Decimal
    tax: Decimal
    currency: str
    date: datetime
    customer: Customer
    invoice: Address
    delivery: Address | None
    payment: Payment
    lines: Sequence[Line]
    charges: Sequence[Charge] = ()
    is_cancelled: bool = False
    replaces: ExternalId | None = None
    note: str = ""
