"""Field types: the many2ones from a binding to its record and to its backend."""

from typing import Any

from odoo import api, fields, models
from odoo.orm.model_classes import pop_field

_NO_MODEL = "_unknown"  # Odoo's own name for it


class _Link(fields.Many2one):
    """A many2one to a model that the class of the binding model names.

    It belongs to the addon of the binding model, as if its author had written it there. A field
    that the author has written replaces it as a whole.
    """

    def _get_attrs(self, model_class: type[models.BaseModel], name: str) -> dict[str, Any]:
        attrs = {**super()._get_attrs(model_class, name), "comodel_name": _NO_MODEL}
        if getattr(model_class, "pool", None) is None:  # a class in the source, not that of a registry
            return attrs
        named = self._named(model_class, name)
        addon = model_class._original_module
        return {**attrs, **named, "_module": addon, "_modules": (addon,)} if named else attrs

    def _named(self, model_class: type[models.BaseModel], name: str) -> dict[str, Any]:
        """Return the name of the model, and what depends on it; empty if there is none.

        :raise TypeError: what the class says is not possible
        """
        raise NotImplementedError


class BackendLink(_Link):
    """The many2one to the backend: the model is in ``_backend_model``."""

    def _named(self, model_class: type[models.BaseModel], name: str) -> dict[str, Any]:
        backend = model_class._backend_model
        if backend is None and model_class._abstract:
            return {}
        registry = model_class.pool
        backends = registry.descendants(["connector.backend"], "_inherit")
        if backend not in backends or registry[backend]._abstract:
            known = [known for known in backends if not registry[known]._abstract] or ["shop.backend"]
            raise TypeError(
                f"_backend_model of {model_class._name} is {backend!r}, but must be the model of its backends, such as "
                f"{', '.join(map(repr, known))}"
            )
        return {"comodel_name": backend}


class BoundLink(_Link):
    """The many2one to the record that is bound: the model is in ``_inherits``.

    The label is the name of that model, with a word more, as the inherited fields may have the name
    alone.
    """

    def _named(self, model_class: type[models.BaseModel], name: str) -> dict[str, Any]:
        names = [model_name for model_name, field in model_class._inherits.items() if field == name]
        if len(names) > 1:
            raise TypeError(
                f"_inherits of {model_class._name} names the field {name} for several models: {', '.join(names)}. "
                "Name another field for each model but the one that is bound, and write these fields"
            )
        if not names:
            return {}
        return {"comodel_name": names[0], "string": f"{model_class.pool[names[0]]._description} Here"}

    def _description_string(self, env: api.Environment) -> str:
        """Return the label in the user's language, also if only the model's name is translated."""
        label = super()._description_string(env)
        if label != self.string or not env.lang:
            return label
        return env._("%s Here", env["ir.model"]._get(self.comodel_name).name or self.comodel_name)


def drop_links_to_nothing(model: models.BaseModel) -> None:
    """Take the links from a model whose class names no model for them.

    :param model: model whose fields are set up
    """
    for name, field in list(model._fields.items()):
        if isinstance(field, _Link) and field.comodel_name == _NO_MODEL:
            pop_field(type(model), name)
