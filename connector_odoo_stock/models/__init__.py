from . import odoo_backend
