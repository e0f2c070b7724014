"""The binding models that lead to a model, and the path from each of them."""

from collections.abc import Iterator

from odoo.models import BaseModel

from odoo.addons.jobs_queue.registration import lookups


def paths_to(model: BaseModel) -> list[tuple[str, str]]:
    """Return the binding models that lead to a model, found once for a registry.

    :param model: recordset of the model, perhaps empty
    :return: list of (name of the binding model, path of many2ones)
    """
    found = lookups(model.env.registry)
    key = paths_to, model._name
    if key not in found:
        found[key] = [
            (name, path)
            for name in sorted(model.env.registry.descendants(["external.binding"], "_inherit"))
            if not model.env[name]._abstract
            for path in _inherits_paths(model.env[name], model._name)
        ]
    return found[key]


def _inherits_paths(model: BaseModel, target: str) -> Iterator[str]:
    """Yield the paths of many2ones from a model to a target.

    The many2ones are those of ``_inherits``, and ``odoo_id``.
    """
    parents = {field: name for name, field in model._inherits.items()}
    if "odoo_id" in model._fields:
        parents["odoo_id"] = model._fields["odoo_id"].comodel_name
    for field, name in parents.items():
        if name == target:
            yield field
        else:
            yield from (f"{field}.{path}" for path in _inherits_paths(model.env[name], target))
