"""Rights that are looked at after a write, too: nobody moves a record to where he may not go, or points it to what he may not read.

Odoo looks at the rules of a record before it writes it, not at what comes of it: a binding could be moved to the backend of another
company.
"""

from odoo import api, models
from odoo.exceptions import AccessError


class CheckedAccess(models.AbstractModel):
    """What each model inherits whose records people write and a rule is for."""

    _name = "connector.checked.access"
    _description = "Rights That Are Looked At After a Write"

    #: names of fields that code alone writes, as superuser
    _written_by_code = ()

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            for vals in vals_list:
                self._check_pointed_to(vals)
        return super().create(vals_list)  # Odoo looks at the rules of what was created

    def write(self, vals):
        if self.env.su:
            return super().write(vals)
        self._check_not_written_by_code(vals)
        is_pointed = self._check_pointed_to(vals)
        result = super().write(vals)
        if is_pointed:
            self.check_access("write")
        return result

    def _check_not_written_by_code(self, vals):
        if refused := sorted(vals.keys() & {*self._written_by_code}):
            raise AccessError(
                self.env._(
                    "%(fields)s of %(model)s: that is written by code alone.",
                    fields=", ".join(self._fields[name]._description_string(self.env) for name in refused),
                    model=self._description,
                )
            )

    def _check_pointed_to(self, vals):
        """Return whether values point the record to others, on which its rules may depend.

        :raise AccessError: the user may not read these
        """
        values = {**self._pointing_defaults(), **vals}
        pointing = [name for name in values if self._is_pointing(name)]
        for name in pointing:
            self.env[self._fields[name].comodel_name].browse(values[name] or ()).check_access("read")
        return bool(pointing)

    def _pointing_defaults(self):
        prefix = "default_"
        return {key.removeprefix(prefix): value for key, value in self.env.context.items() if key.startswith(prefix)}

    def _is_pointing(self, name):
        field = self._fields.get(name)
        return field is not None and field.store and field.type == "many2one"
