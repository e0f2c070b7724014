from . import test_agreed_prices, test_import_orders, test_security
