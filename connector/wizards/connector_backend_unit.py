"""Wizard: list the unit classes of a backend."""

from odoo import api, fields, models

from ..extension import class_name
from ..unit.unit_list import list_units


class ConnectorBackendUnit(models.TransientModel):
    _name = "connector.backend.unit"
    _description = "Unit of a Backend"
    _order = "model_name, id"

    model_name = fields.Char(string="Model", readonly=True)
    kind = fields.Char(readonly=True, help="What the framework asks the backend for")
    name = fields.Char(string="Class", readonly=True)
    addons = fields.Char(readonly=True, help="The addons that the parts of the class come from")
    parts = fields.Text(
        readonly=True, help="The classes of which it consists, in the order in which Python looks for a method"
    )
    error = fields.Text(readonly=True)

    @api.model
    def _list(self, backend):
        """Return a record for each unit of a backend.

        :param backend: :class:`~odoo.addons.connector.backend.Backend`
        """
        return self.create(
            [
                {
                    "model_name": unit.model_name,
                    "kind": unit.kind.__name__,
                    "name": unit.unit_class and class_name(unit.unit_class),
                    "addons": ", ".join(dict.fromkeys(addon for _part, addon in unit.parts if addon)),
                    "parts": "\n".join(part for part, _addon in unit.parts),
                    "error": unit.error,
                }
                for unit in list_units(backend, self.env)
            ]
        )
