from . import test_contract, test_export_stock, test_fresh_import
