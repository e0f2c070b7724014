from . import test_product_views
