"""Rights that are looked at after a write, too: nobody moves a record to where he may not go, or points it to what he may not read.

Odoo looks at the rules of a record before it writes it, not at what comes of it: a binding could be moved to the backend of another
company.
"""

from typing import Any, Self

from odoo import api, models
from odoo.exceptions import AccessError


class CheckedAccess(models.AbstractModel):
    """What each model inherits whose records people write and a rule is for."""

    _name = "queue.checked.access"
    _description = "Rights That Are Looked At After a Write"

    #: names of fields that code alone writes, as superuser: a person's write of them is refused, a new record does without them
    _written_by_code: tuple[str, ...] = ()

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        model = self
        if not self.env.su:
            model, vals_list = self._without_values_of_code(vals_list)
            for vals in vals_list:
                model._check_pointed_to(vals)
        vals_list = [{**vals, **self._values_by_code(vals)} for vals in vals_list]
        return super(CheckedAccess, model).create(vals_list)  # Odoo looks at the rules of what was created

    def write(self, vals: dict[str, Any]) -> bool:
        if self.env.su:
            return super().write(vals)
        self._check_not_written_by_code(vals)
        is_pointed = self._check_pointed_to(vals)
        result = super().write(vals)
        if is_pointed:
            self.check_access("write")
        return result

    def _without_values_of_code(self, vals_list: list[dict[str, Any]]) -> tuple[Self, list[dict[str, Any]]]:
        """Return the model and the values for new records without what code alone writes, whether said or by a default of the context."""
        defaults = {f"default_{name}" for name in self._written_by_code}
        context = {key: value for key, value in self.env.context.items() if key not in defaults}
        vals_list = [
            {name: value for name, value in vals.items() if name not in self._written_by_code} for vals in vals_list
        ]
        return self.with_context(context), vals_list  # pylint: disable=context-overridden

    def _values_by_code(self, vals: dict[str, Any]) -> dict[str, Any]:
        """Return what code alone writes of a record that is created with some values; a hook."""
        return {}

    def _check_not_written_by_code(self, vals: dict[str, Any]) -> None:
        if refused := sorted(vals.keys() & {*self._written_by_code}):
            raise AccessError(
                self.env._(
                    "%(fields)s of %(model)s: that is written by code alone.",
                    fields=", ".join(self._fields[name]._description_string(self.env) for name in refused),
                    model=self._description,
                )
            )

    def _check_pointed_to(self, vals: dict[str, Any]) -> bool:
        """Return whether values point the record to others, on which its rules may depend.

        :raise AccessError: the user may not read these
        """
        values = {**self._pointing_defaults(), **vals}
        pointing = [name for name in values if self._is_pointing(name)]
        for name in pointing:
            self.env[self._fields[name].comodel_name].browse(values[name] or ()).check_access("read")
        return bool(pointing)

    def _pointing_defaults(self) -> dict[str, Any]:
        prefix = "default_"
        return {key.removeprefix(prefix): value for key, value in self.env.context.items() if key.startswith(prefix)}

    def _is_pointing(self, name: str) -> bool:
        field = self._fields.get(name)
        return field is not None and field.store and field.type == "many2one"
