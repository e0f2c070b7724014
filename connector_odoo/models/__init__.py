from . import odoo_backend
from . import odoo_binding
from . import odoo_res_partner
from . import odoo_product_category
from . import odoo_product_product
