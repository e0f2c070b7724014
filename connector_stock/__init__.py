"""What connectors that tell stock share: the event of its changes, and which quantity is told."""

from . import models
from .consumer import delay_stock_export
from .event import on_stock_changed
from .unit.stock import StockExporter, StockExportMapper, StockFlow

__all__ = ["StockExportMapper", "StockExporter", "StockFlow", "delay_stock_export", "on_stock_changed"]
