from . import odoo_backend
from . import odoo_product
