"""Effects: records that jobs create.

Tests count them to see what was done once, twice or never.
"""

from odoo import fields, models


class Effect(models.Model):
    _name = "test.effect"
    _description = "Test Effect"

    job_id = fields.Integer()
    name = fields.Char()
