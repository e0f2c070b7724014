"""Field type: the many2one from a binding to the record that it binds."""

from typing import Any

from odoo import api, fields, models
from odoo.orm.model_classes import pop_field

_NO_MODEL = "_unknown"  # Odoo's own name for it


class BoundMany2one(fields.Many2one):
    """A many2one to the model that a binding model names for it in ``_inherits``.

    Its label is the name of that model, with a word more, as the inherited fields may have the name
    alone. It belongs to the addon of the binding model, as if its author had written it there. A
    field that the author has written replaces it as a whole.
    """

    def _get_attrs(self, model_class: type[models.BaseModel], name: str) -> dict[str, Any]:
        attrs = super()._get_attrs(model_class, name)
        names = [model_name for model_name, field in model_class._inherits.items() if field == name]
        if len(names) > 1:
            raise TypeError(
                f"_inherits of {model_class._name} names the field {name} for several models: {', '.join(names)}. "
                "Name another field for each model but the one that is bound, and write these fields"
            )
        attrs["comodel_name"] = names[0] if names else _NO_MODEL
        if names:  # it is a model of a registry, as a class in the source has no _inherits of its own
            addon = model_class._original_module
            label = f"{model_class.pool[names[0]]._description} Here"
            attrs.update(string=label, _module=addon, _modules=(addon,))
        return attrs

    def _description_string(self, env: api.Environment) -> str:
        """Return the label in the user's language, also where only the model's name is translated."""
        label = super()._description_string(env)
        if label != self.string or not env.lang:
            return label
        return env._("%s Here", env["ir.model"]._get(self.comodel_name).name or self.comodel_name)


def drop_if_unbound(model: models.BaseModel) -> None:
    """Take such fields from a model that has no model in ``_inherits`` for them.

    :param model: model whose fields are set up
    """
    for name, field in list(model._fields.items()):
        if isinstance(field, BoundMany2one) and field.comodel_name == _NO_MODEL:
            pop_field(type(model), name)
