from . import test_export_stock
