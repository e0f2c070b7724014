from . import test_agreed_prices, test_contract, test_fresh_import, test_import_orders, test_security
