"""The event of a changed stock: ``on_stock_changed``."""

from typing import Any

from odoo.addons.connector import Change, ConnectorSession, Event, on_record_change

from .collecting import collect

#: Of a quant: a write of one of them changes what is on hand or reserved.
_QUANT_FIELDS = ("quantity", "reserved_quantity", "product_id", "location_id")
#: Of a move: a write of one of them changes what is forecast.
_MOVE_FIELDS = (
    "state",
    "product_id",
    "product_uom",
    "product_uom_qty",
    "location_id",
    "location_dest_id",
    "location_final_id",
)
_LOCATIONS = ("location_id", "location_dest_id", "location_final_id")
_LINKS = ("product_id", *_LOCATIONS)


class StockEvent(Event):
    """The stock of a product in a warehouse may have changed, and that is committed.

    It is fired once for each product and warehouse of a transaction, whatever has changed: what is
    on hand, what is reserved, or what is planned to come and go. Consumers take ``(session,
    model_name, record_id, warehouse_id)``; the model is ``product.product``::

        on_stock_changed.subscribe(delay_stock_export)

    Quants and moves are only looked at in databases in which an addon that subscribes is installed.
    """

    def _subscribe(self, consumer: Any, model_names: Any, replacing: Any, addon: str | None, **options: Any) -> None:
        super()._subscribe(consumer, model_names, replacing, addon, **options)
        for model, fields in (("stock.quant", _QUANT_FIELDS), ("stock.move", _MOVE_FIELDS)):
            options = {"fields": frozenset(fields), "old_values": True}
            on_record_change._subscribe(note_stock, frozenset([model]), None, addon, **options)


on_stock_changed = StockEvent("record_id", "warehouse_id")


def note_stock(session: ConnectorSession, model_name: str, record_id: int, change: Change) -> None:
    """Note a quant or a move that was created, changed or deleted, and what it was of before."""
    before = tuple((name, value) for name, value in change.old.items() if name in _LINKS and value)
    collect(session, _fire, (model_name, record_id, before))


def _fire(session: ConnectorSession, noted: list[tuple[str, int, tuple[tuple[str, int], ...]]]) -> None:
    """Fire the event for the products and warehouses of noted quants and moves."""
    env = session.env(su=True)
    places: dict[tuple[int, int], None] = {}
    for model_name in ("stock.quant", "stock.move"):
        before = {record_id: dict(old) for name, record_id, old in noted if name == model_name}
        there = {record.id: record for record in env[model_name].browse(before).exists()}
        for record_id, old in before.items():
            places.update(dict.fromkeys(_places(there.get(record_id), old)))
    locations = env["stock.location"].browse(dict.fromkeys(location_id for _product_id, location_id in places))
    warehouses = {location.id: location.warehouse_id.id for location in locations.exists()}
    pairs = dict.fromkeys((product_id, warehouses.get(location_id)) for product_id, location_id in places)
    for product_id, warehouse_id in pairs:
        if warehouse_id:
            on_stock_changed.fire(session, "product.product", product_id, warehouse_id)


def _places(record: Any, old: dict[str, int]) -> list[tuple[int, int]]:
    """Return the products and locations that a record concerns, and has concerned.

    :param record: quant or move; None: it was deleted
    :param old: dict of the values before the transaction that were written
    """
    sides = [old] if record is None else [old, {name: record[name].id for name in _LINKS if name in record._fields}]
    products = {side.get("product_id") for side in sides}
    locations = {side.get(name) for side in sides for name in _LOCATIONS}
    return [(product, location) for product in products if product for location in locations if location]
