"""Aspect of ``connector.flow``: which records of the other system an import flow is for."""

from odoo import fields, models


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    filters = fields.Json(help="What people have chosen of what the adapter declares: a dict, name to value")
