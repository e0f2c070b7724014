"""Two kinds of columns that the tables of the queue need and Odoo has not."""

from odoo import fields


class BigInteger(fields.Integer):
    """A 64 bit integer, for numbers that a sequence hands out for ever."""

    _column_type = ("int8", "int8")


class PlainMany2one(fields.Many2one):
    """A many2one without a foreign key.

    A foreign key would make each new job lock its user, company and channel, which are rows that everybody shares. The price:
    the id stays when the other record is deleted. Odoo then shows an empty field.
    """

    def update_db_foreign_key(self, model, column):
        return
