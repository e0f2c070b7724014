"""Field types: a 64-bit integer, and a many2one without a foreign key."""

from typing import Any

from odoo import fields, models


class BigInteger(fields.Integer):
    """A 64-bit integer, for numbers from a sequence that never ends."""

    _column_type = ("int8", "int8")


class PlainMany2one(fields.Many2one):
    """A many2one without a foreign key.

    With a foreign key, each new job would lock its user, company and channel, which are rows that
    everybody shares. The price is that the id stays when the other record is deleted. Odoo then
    shows an empty field.
    """

    def update_db_foreign_key(self, model: models.BaseModel, column: dict[str, Any]) -> None:
        return
