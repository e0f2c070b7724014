from . import test_import_orders
