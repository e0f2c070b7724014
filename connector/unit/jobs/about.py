"""The external id and the name of the record of a synchronizer's job; see ``about`` of ``@job``."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from odoo import api
from odoo.exceptions import MissingError
from odoo.models import BaseModel

from odoo.addons.jobs_queue.jobs.record_number import LookUp

from ...exception import InvalidDataError
from ..connector_unit import external_id_text

#: The external id and the name of the record of a job.
About: TypeAlias = tuple[str | None, str | LookUp | None]

# the largest value of a column of ids
_LARGEST_ID = 2**31 - 1


def imported(
    env: api.Environment, model_name: str, backend_id: object, external_id: object, *args: Any, **kwargs: Any
) -> About:
    """Return the external id and the name of the record of an import job.

    The job is called with ``(backend_id, external_id)``. The record has a name only if it is bound
    already.
    """
    try:
        text = external_id_text(external_id)
    except InvalidDataError:
        # the job itself raises this error
        return None, None
    may_be_bound = text is not None and isinstance(backend_id, int) and 0 < backend_id <= _LARGEST_ID
    return text, LookUp(_names_of_bindings, (model_name, backend_id, text)) if may_be_bound else None


def _names_of_bindings(env: api.Environment, keys: Iterable[tuple[str, int, str]]) -> dict[Any, str | None]:
    """Return the names of bindings by ``(name of the model, id of the backend, external id)``.

    Only the fields that the name needs are read: it may be a page of thousands.
    """
    ids: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for model_name, backend_id, external_id in keys:
        ids[model_name, backend_id].append(external_id)
    # a language that is not active any more may still be in the context of the caller of ``delay``
    lang = env["res.lang"]._get_code(env.context.get("lang"))
    env = env(su=True, context={"lang": lang, "active_test": False, "prefetch_fields": False})
    names: dict[Any, str | None] = {}
    for (model_name, backend_id), external_ids in ids.items():
        model = env[model_name]
        if not {"backend_id", "external_id"} <= model._fields.keys():
            # a model with its own binder keeps them in other fields
            continue
        domain = [("backend_id", "=", backend_id), ("external_id", "in", external_ids)]
        for binding in model.search_fetch(domain, ["external_id"], order="id"):
            names[model_name, backend_id, binding.external_id] = name_of(binding)
    return names


def exported(env: api.Environment, model_name: str, binding_id: int, *args: Any, **kwargs: Any) -> About:
    """Return the external id and the name of the record of an export job.

    The job is called with ``(binding_id)``.
    """
    binding = env(su=True)[model_name].browse(binding_id)
    try:
        # a model with its own binder may keep the id in another field
        return getattr(binding, "external_id", None) or None, name_of(binding)
    except MissingError:
        # the job itself reports that
        return None, None


def exported_in_bulk(
    env: api.Environment, model_name: str, backend_id: object, binding_id: int, *args: Any, **kwargs: Any
) -> About:
    """Return the external id and the name of the record of a bulk export job.

    The job is called with ``(backend_id, binding_id)``.
    """
    return exported(env, model_name, binding_id)


def name_of(binding: BaseModel) -> str | None:
    """Return the name by which people find the jobs of a record, None if it has none."""
    name = binding.display_name
    # the name that Odoo gives to a record of a model without names
    return None if name == f"{binding._name},{binding.id}" else name or None
