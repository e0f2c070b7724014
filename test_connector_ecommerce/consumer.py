"""Consumers of events."""

from odoo.addons.connector_stock import delay_stock_export, on_stock_changed

on_stock_changed.subscribe(delay_stock_export)
