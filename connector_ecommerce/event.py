"""Events that are common to e-commerce.

Consumers take ``(session, model_name, record_id)``, and what the event says more. An event that
nobody subscribes to costs nothing: its hook only looks whether somebody does.
"""

from typing import Any

from odoo.addons.connector import Change, ConnectorSession, Event, on_record_change
from odoo.addons.connector_stock.collecting import collect

on_picking_out_done = Event("record_id", "method")
"""An outgoing transfer is done. \
``method`` is ``partial`` if a backorder follows it, else ``complete``."""

on_picking_dropship_done = Event("record_id", "method")
"""A supplier has delivered to the customer. ``method`` as of an outgoing transfer."""

on_return_done = Event("record_id")
"""What a customer sends back was received."""

on_tracking_number_added = Event("record_id")
"""A transfer got another tracking number."""

on_invoice_validated = Event("record_id")
"""An invoice or a credit note of a customer was posted."""

on_invoice_paid = Event("record_id")
"""An invoice or a credit note of a customer is paid. It is told once, also if it is paid again."""

on_refund_posted = Event("record_id")
"""A credit note of an order of a shop was posted."""

on_order_canceled = Event("record_id")
"""An order of a shop was cancelled here, and not by an import."""


class ChangesEvent(Event):
    """An event of changes of records that are told together, after the commit.

    The records are only looked at in databases in which an addon that subscribes is installed.

    :param listened: dict, model to the names of the fields whose change counts
    :param fire: ``function(session, noted)``, called with the noted ``(model, id)``
    """

    def __init__(self, *arguments: str, listened: dict[str, tuple[str, ...]], fire: Any) -> None:
        super().__init__(*arguments)
        self._listened, self._fire_noted = listened, fire

    def _subscribe(self, consumer: Any, model_names: Any, replacing: Any, addon: str | None, **options: Any) -> None:
        super()._subscribe(consumer, model_names, replacing, addon, **options)
        for model_name, fields in self._listened.items():
            wanted = {"fields": frozenset(fields), "old_values": False}
            on_record_change._subscribe(self._note, frozenset([model_name]), None, addon, **wanted)

    def _note(self, session: ConnectorSession, model_name: str, record_id: int, change: Change) -> None:
        if change.kind == "write":
            collect(session, self._fire_noted, (model_name, record_id))


def _fire_prices(session: ConnectorSession, noted: list[tuple[str, int]]) -> None:
    """Fire the event once for each variant whose price has changed."""
    env = session.env(su=True)
    found = env["product.product"]
    for model_name, record_id in noted:
        record = env[model_name].browse(record_id).exists()
        found |= {
            "product.product": lambda record: record,
            "product.template": lambda record: record.product_variant_ids,
            "product.template.attribute.value": lambda record: record.ptav_product_variant_ids,
        }[model_name](record)
    for product in found:
        on_product_price_changed.fire(session, "product.product", product.id)


on_product_price_changed = ChangesEvent(
    "record_id",
    listened={
        "product.product": ("lst_price", "standard_price"),
        "product.template": ("list_price", "standard_price"),
        "product.template.attribute.value": ("price_extra",),
    },
    fire=_fire_prices,
)
"""The sale price, the cost or an extra of a product has changed. \
It is fired once for each variant and transaction."""


class PricelistEvent(Event):
    """Items of a pricelist were created, changed or deleted.

    It is fired once for each pricelist and product of a transaction, after the commit. Consumers
    take ``(session, "product.pricelist", record_id, product_id)``; the product is False if the item
    is not for one product.
    """

    def _subscribe(self, consumer: Any, model_names: Any, replacing: Any, addon: str | None, **options: Any) -> None:
        super()._subscribe(consumer, model_names, replacing, addon, **options)
        on_record_change._subscribe(
            note_item, frozenset(["product.pricelist.item"]), None, addon, fields=frozenset(), old_values=True
        )


on_pricelist_changed = PricelistEvent("record_id", "product_id")

_ITEM = ("pricelist_id", "product_id", "product_tmpl_id")


def note_item(session: ConnectorSession, model_name: str, record_id: int, change: Change) -> None:
    """Note for which pricelist and product an item is, and was before the transaction."""
    item = session.env[model_name].sudo().browse(record_id).exists()
    now = {name: item[name].id for name in _ITEM} if item else {}
    before = {**now, **{name: value for name, value in change.old.items() if name in _ITEM}}
    for side in (now, before):
        if side.get("pricelist_id"):
            collect(session, _fire_pricelists, tuple(side.get(name) or False for name in _ITEM))


def _fire_pricelists(session: ConnectorSession, noted: list[tuple[int, int | bool, int | bool]]) -> None:
    templates = session.env(su=True)["product.template"]
    told: dict[tuple[int, int | bool], None] = {}
    for pricelist_id, product_id, template_id in noted:
        products = (
            [product_id] if product_id or not template_id else templates.browse(template_id).product_variant_ids.ids
        )
        told.update(dict.fromkeys((pricelist_id, product) for product in products))
    for pricelist_id, product_id in told:
        on_pricelist_changed.fire(session, "product.pricelist", pricelist_id, product_id)
