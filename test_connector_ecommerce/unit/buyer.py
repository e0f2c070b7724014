"""Units for buyers with an account: import."""

from odoo.addons.connector import ImportMapper

from ..backend import corner


class BuyerMapper(ImportMapper):
    direct = [("full_name", "name"), ("mail", "email")]


corner.register("corner.res.partner", BuyerMapper)
