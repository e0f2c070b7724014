from . import test_import_orders, test_security
