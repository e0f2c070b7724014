"""What jobs leave behind, so that tests can count what was done once, twice or never."""

from odoo import fields, models


class Effect(models.Model):
    _name = "test.effect"
    _description = "Test Effect"

    job_id = fields.Integer()
    name = fields.Char()
