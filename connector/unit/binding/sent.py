"""Checksums of the values that the external system has, so that an export sends only differences.

They are of the values that were last exported, or that an import has written. So the first export
after an import does not send the imported values back, which may be out of date by then.

The checksums of a binding are a JSON object in its field ``export_checksum``: name of the external
field to checksum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from odoo.models import BaseModel

from ...exception import MappingError
from ..types import Values
from .state import recall, remember


class _Mapper(Protocol):
    """The mapper of an export, which is above the bindings."""

    def page(self, records: list[BaseModel], fields: Iterable[str] | None = None) -> AbstractContextManager[None]: ...

    def map_record(self, record: BaseModel) -> Any: ...


def checksum(value: object) -> str:
    """Return a short text that is the same for equal values and differs for different ones."""
    content = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def not_sent(binding: BaseModel, values: Mapping[str, Any]) -> Values:
    """Return the values of an export that differ from those that the external system has."""
    known = _known(binding)
    return {target: value for target, value in values.items() if known.get(target) != checksum(value)}


def sent_with(binding: BaseModel, values: Mapping[str, Any]) -> str:
    """Return the new ``export_checksum`` of a binding after some values were sent.

    The checksums of the other values stay.
    """
    return _dump(_known(binding) | {target: checksum(value) for target, value in values.items()})


def forget_fields(mapper: _Mapper, binding: BaseModel, fields: Iterable[str] | None) -> None:
    """Forget the external values of some Odoo fields.

    :param mapper: mapper of the model's export
    :param binding: record of the binding model
    :param fields: names of fields of the binding
    """
    forget_targets(binding, _checksums(mapper, binding, fields))


def forget_targets(binding: BaseModel, targets: Container[str]) -> bool:
    """Forget the external values of some external fields; return whether any was known.

    :param binding: record of the binding model
    :param targets: names of the external fields
    """
    known = _known(binding)
    others = {target: value for target, value in known.items() if target not in targets}
    if others != known:
        remember(binding, {"export_checksum": _dump(others)})
    return others != known


def note_created(mapper: _Mapper, written: Mapping[BaseModel, Iterable[str]]) -> None:
    """Note that the external system has the values that an import has written to new bindings.

    Other values of their export still have to be sent.

    :param mapper: mapper of the model's export
    :param written: dict, record of the binding model to the names of the fields that the import has
        written
    """
    with mapper.page(list(written)):
        for binding, fields in written.items():
            unrelated = _checksums(mapper, binding, ())  # what depends on all fields says nothing about these
            known = {
                target: value
                for target, value in _checksums(mapper, binding, fields).items()
                if target not in unrelated
            }
            remember(binding, {"export_checksum": _dump(known)})
    if written:
        _forget_inherited(next(iter(written)))


def note_updated(mapper: _Mapper, binding: BaseModel, fields: Iterable[str] | None, before: Mapping[str, str]) -> None:
    """Note that the external system has the values that an import has changed in a binding.

    Values that were changed in Odoo and not sent yet still have to be sent.

    :param mapper: mapper of the model's export
    :param binding: record of the binding model
    :param fields: names of the fields that the import has written
    :param before: the result of :func:`would_send` before the import has written
    """
    changed = would_send(mapper, binding, fields).items() - before.items()
    remember(binding, {"export_checksum": _dump(_known(binding) | dict(changed))})


def would_send(mapper: _Mapper, binding: BaseModel, fields: Iterable[str] | None) -> dict[str, str]:
    """Return the checksums of the values that an export of some fields would send now, as a dict.

    It is empty if the record cannot be mapped.

    :param mapper: mapper of the model's export
    :param binding: record of the binding model
    :param fields: names of fields of the binding
    """
    found = _checksums(mapper, binding, fields)
    _forget_inherited(binding)
    return found


def _checksums(mapper: _Mapper, binding: BaseModel, fields: Iterable[str] | None) -> dict[str, str]:
    try:
        values = mapper.map_record(binding).values(fields=fields)
    except MappingError:
        return {}
    return {target: checksum(value) for target, value in values.items()}


def _forget_inherited(binding: BaseModel) -> None:
    """Empty the cache of the inherited fields of bindings.

    With these fields in the cache, each write of the import to a record would search for its
    bindings.
    """
    inherited = [name for name, field in binding._fields.items() if field.inherited]
    binding.browse().invalidate_model(inherited, flush=False)


def _known(binding: BaseModel) -> dict[str, str]:
    return json.loads(recall(binding, "export_checksum") or "{}")


def _dump(checksums: Mapping[str, str]) -> str:
    return json.dumps(checksums, sort_keys=True)
