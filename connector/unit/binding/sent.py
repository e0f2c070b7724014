"""Checksums of the values that were last exported, so that an export sends only what differs.

It is what was last sent, or what an import has written. So the first export of a record that was imported does not send what came from
there, and may be out of date by now. The checksums of a binding are a JSON object, name of the field there to checksum, in its field
``export_checksum``.
"""

import hashlib
import json

from ...exception import MappingError
from .state import recall, remember


def checksum(value):
    """Return a short text that is the same for equal values, and another for different ones."""
    content = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def not_sent(binding, values):
    """Return those of the values of an export that differ from what the other side has of a binding."""
    known = _known(binding)
    return {target: value for target, value in values.items() if known.get(target) != checksum(value)}


def sent_with(binding, values):
    """Return what a binding keeps when some values were sent, beside what the other side has of it otherwise."""
    return _dump(_known(binding) | {target: checksum(value) for target, value in values.items()})


def note_created(mapper, written):
    """Note that the other side has what an import has written to new bindings. What an export would send besides is still to be sent.

    :param mapper: mapper of the model's export
    :param written: dict, record of the binding model to the names of the fields that the import has written
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


def note_updated(mapper, binding, fields, before):
    """Note that the other side has what an import has changed here; what was changed here and not sent yet is still to be sent.

    :param mapper: mapper of the model's export
    :param binding: record of the binding model
    :param fields: names of the fields that the import has written
    :param before: what :func:`would_send` returned before it did
    """
    changed = would_send(mapper, binding, fields).items() - before.items()
    remember(binding, {"export_checksum": _dump(_known(binding) | dict(changed))})


def would_send(mapper, binding, fields):
    """Return the checksums of what an export of some fields would send now, as a dict; of what cannot be mapped, none.

    :param mapper: mapper of the model's export
    :param binding: record of the binding model
    :param fields: names of fields of the binding
    """
    found = _checksums(mapper, binding, fields)
    _forget_inherited(binding)
    return found


def _checksums(mapper, binding, fields):
    try:
        values = mapper.map_record(binding).values(fields=fields)
    except MappingError:
        return {}
    return {target: checksum(value) for target, value in values.items()}


def _forget_inherited(binding):
    """Empty the cache of what bindings inherit: with it, each write of the import to a record would search for its bindings."""
    inherited = [name for name, field in binding._fields.items() if field.inherited]
    binding.browse().invalidate_model(inherited, flush=False)


def _known(binding):
    return json.loads(recall(binding, "export_checksum") or "{}")


def _dump(checksums):
    return json.dumps(checksums, sort_keys=True)
