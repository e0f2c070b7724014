"""Mixin: check access rights after a write too, and protect fields that only code may write.

Nobody can move a record to a place where he may not go, or point it to a record that he may not
read.

Odoo checks the rules of a record before it writes the record, but it does not check the result.
Without this module, a binding could be moved to the backend of another company.
"""

from typing import Any, Self

from odoo import api, models
from odoo.exceptions import AccessError


class CheckedAccess(models.AbstractModel):
    """Mixin for models that have access rules and whose records people write."""

    _name = "queue.checked.access"
    _description = "Rights That Are Looked At After a Write"

    #: Names of fields that only code writes, as superuser. A person's write of them is refused. For
    #: a new record, a person's values of them are dropped.
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
        """Drop the fields that only code writes from the values of new records.

        They are dropped from ``vals_list`` and from the defaults in the context.

        :return: ``(the model with its context, the values)``
        """
        defaults = {f"default_{name}" for name in self._written_by_code}
        context = {key: value for key, value in self.env.context.items() if key not in defaults}
        vals_list = [
            {name: value for name, value in vals.items() if name not in self._written_by_code} for vals in vals_list
        ]
        return self.with_context(context), vals_list  # pylint: disable=context-overridden

    def _values_by_code(self, vals: dict[str, Any]) -> dict[str, Any]:
        """Return the values of the fields that only code writes, for a new record; a hook.

        :param vals: values with which the record is created
        """
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
        """Check that the user may read the records to which these values point.

        The rules of the written record may depend on them.

        :return: whether the values point to other records
        :raise AccessError: the user may not read them
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
