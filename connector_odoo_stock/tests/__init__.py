from . import test_export_stock, test_fresh_import
