from . import odoo_sale_order
from . import odoo_sale_order_line
