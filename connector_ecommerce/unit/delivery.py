"""Units for deliveries: the export of a transfer that is done, and of its tracking number.

A connector registers subclasses for its model of transfers, and gives its adapter two methods.
``create(data, idempotency_key=None)`` gets

- ``order``, the id of the order in the shop
- ``lines``, a dict: id of the line in the shop to the quantity
- ``is_last``, whether nothing of the order will follow
- ``capture``, whether the payment rule wants the shop to capture the payment now
- ``carrier``, the shop's code of the carrier, "" if there is none
- ``tracking``, the tracking number, "" if there is none

``write(external_id, data)`` gets ``carrier`` and ``tracking`` when the number is known later. A
shop that finds deliveries only below their order needs an external id that has both: let
``create`` return it.
"""

from odoo.addons.connector import ExportMapper, RecordExporter, changed_by, mapping, only_create

from .delivery_methods import DeliveryMethods


class DeliveryMapper(ExportMapper):
    """Maps a transfer to what a shop is told of a delivery."""

    @mapping
    @only_create
    def delivered(self, record):
        order = record._shop_order()
        return {
            "order": order.external_id,
            "lines": record._delivered_lines(),
            "is_last": record._is_last(),
            "capture": order.payment_rule_id.capture,
        }

    @mapping
    @changed_by("carrier_tracking_ref", "carrier_id")
    def tracking(self, record):
        carrier = record.carrier_id
        code = self.unit_for(DeliveryMethods).code_of(carrier) if carrier else ""
        return {"tracking": record.carrier_tracking_ref or "", "carrier": code or ""}


class DeliveryExporter(RecordExporter):
    """Exports deliveries, those of one order one after the other.

    A delivery whose creation was not answered is looked for by its key. The key begins with the id
    of the order, as many shops find a delivery below its order only: ``P-1001|WH/OUT/00042|17``.
    """

    def _get_idempotency_key(self, values):
        picking = self.binding.odoo_id
        return f"{values['order']}|{picking.name}|{picking.id}"

    def _must_skip(self):
        if not self.binding._delivered_lines():
            return self._("Nothing of this transfer is of a line that the shop knows.")
        return super()._must_skip()
