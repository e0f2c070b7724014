"""Units for cancellations: an order that is cancelled here is cancelled in the shop.

A connector registers subclasses for its model of orders. ``write(external_id, data)`` of its
adapter gets ``{"is_cancelled": True}``. It raises InvalidDataError if the shop refuses that, for
instance as a part was delivered.
"""

from odoo.addons.connector import ExportMapper, RecordExporter, changed_by, mapping


class CancellationMapper(ExportMapper):
    @mapping
    @changed_by("state")
    def is_cancelled(self, record):
        return {"is_cancelled": True} if record.odoo_id.state == "cancel" else {}


class CancellationExporter(RecordExporter):
    def _must_skip(self):
        if self.binding.odoo_id.state != "cancel":
            return self._("The order is not cancelled here any more.")
        if self.binding.odoo_id.canceled_in_backend:
            return self._("The shop has cancelled it already.")
        return super()._must_skip()
