"""Units for parcels: what the shop is told of deliveries."""

from odoo.addons.connector_ecommerce import DeliveryExporter, DeliveryMapper

from ..backend import corner

corner.register("corner.stock.picking", DeliveryMapper, DeliveryExporter)
