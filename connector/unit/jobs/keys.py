"""Identity keys of synchronisation jobs: if jobs with the same key wait, only one of them runs.

An import also uses them to find changes that still wait to be exported. So code that delays such a
job must give it its key.
"""

from collections.abc import Mapping
from typing import Any

from odoo.exceptions import MissingError

from ..connector_unit import external_id_text


def import_identity(model_name: str, backend_id: int, external_id: object, force: object = False) -> str:
    """Return the identity key of a job that imports a record.

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    :param force: whether the job imports the record even if it has not changed
    """
    return f"import,{model_name},{backend_id},{external_id_text(external_id)}{',force' if force else ''}"


def export_identity(model_name: str, binding_id: int) -> str:
    """Return the identity key of a job that exports a record.

    :param model_name: name of the binding model
    :param binding_id: id of the binding
    """
    return f"export,{model_name},{binding_id}"


def export_group_key(arguments: Mapping[str, Any]) -> str:
    """Return the concurrency key of an export job: exports of one thing run one after the other.

    A binding names the thing by ``_export_group()``. By default it is the binding itself. A shop
    that gets two deliveries of one order at once may ship its goods twice.

    Jobs that run as one call, as those of a bulk export, have no concurrency key: a bulk export is
    for values of the binding itself, and locks it.

    :param arguments: those of the job by their names, see ``concurrency_key`` of ``@job``
    """
    binding = arguments["session"].env[arguments["model_name"]].sudo().browse(arguments["binding_id"])
    try:
        group = binding._export_group() if hasattr(binding, "_export_group") else binding
    except MissingError:
        group = binding  # the job will say so
    return f"export,{group._name},{group.id}"


def bulk_export_identity(model_name: str, binding_id: int, flow: str | None = None) -> str:
    """Return the identity key of a job that exports changes of a record in bulk with others.

    :param model_name: name of the binding model
    :param binding_id: id of the binding
    :param flow: code of its flow, if it is not the first bulk export of the model
    """
    return f"export_bulk,{model_name},{binding_id}{',' + flow if flow else ''}"


def delete_identity(model_name: str, backend_id: int, external_id: object) -> str:
    """Return the identity key of a job that deletes a record in the external system.

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    """
    return f"delete,{model_name},{backend_id},{external_id_text(external_id)}"
