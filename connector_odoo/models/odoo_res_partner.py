"""Bindings of partners to another Odoo."""

from odoo import models


class OdooResPartner(models.Model):
    _name = "odoo.res.partner"
    _inherit = "odoo.binding"
    _inherits = {"res.partner": "odoo_id"}
    _description = "Partner of another Odoo"
    _screen_fields = ("email",)
