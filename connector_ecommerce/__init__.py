"""What every shop connector needs, for authors of such connectors.

::

    from odoo.addons.connector_ecommerce import OrderImporter, ShopOrder
"""

from . import consumer, event, models, unit, wizards, workflow
from .said import Address, Charge, Customer, Line, Payment, ShopOrder
from .unit.cancellation import CancellationExporter, CancellationMapper
from .unit.customers import Customers
from .unit.delivery import DeliveryExporter, DeliveryMapper
from .unit.delivery_methods import DeliveryMethods
from .unit.line_builder import (
    CashOnDeliveryLineBuilder,
    ChargeLineBuilder,
    DiscountLineBuilder,
    GiftWrappingLineBuilder,
    ProductLineBuilder,
    ShippingLineBuilder,
)
from .unit.line_products import LineProducts
from .unit.order_importer import OrderImporter
from .unit.order_mapper import LINES, OrderLineChild, OrderLineMapper, OrderMapper
from .unit.payment_rules import PaymentRules
from .unit.tax_matcher import TaxMatcher

__all__ = [
    "LINES",
    "Address",
    "CancellationExporter",
    "CancellationMapper",
    "CashOnDeliveryLineBuilder",
    "Charge",
    "ChargeLineBuilder",
    "Customer",
    "Customers",
    "DeliveryExporter",
    "DeliveryMapper",
    "DeliveryMethods",
    "DiscountLineBuilder",
    "GiftWrappingLineBuilder",
    "Line",
    "LineProducts",
    "OrderImporter",
    "OrderLineChild",
    "OrderLineMapper",
    "OrderMapper",
    "Payment",
    "PaymentRules",
    "ProductLineBuilder",
    "ShippingLineBuilder",
    "ShopOrder",
    "TaxMatcher",
]
