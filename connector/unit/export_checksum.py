"""What was last sent of a record: a checksum of each value, so that the next export sends what differs.

The checksums of a binding are a JSON object, name of the field there to checksum, in its field ``export_checksum``.
"""

import hashlib
import json

from ..exception import MappingError
from .mapper import ExportMapper
from .sync_state import recall, remember


def checksum(value):
    """Return a short text that is the same for equal values, and another for different ones."""
    content = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def not_sent(binding, values):
    """Return those of the values of an export that differ from what was last sent of a binding."""
    sent = _sent(binding)
    return {target: value for target, value in values.items() if sent.get(target) != checksum(value)}


def sent_with(binding, values):
    """Return what a binding keeps when some values were sent, beside what was sent before."""
    return json.dumps(_sent(binding) | {target: checksum(value) for target, value in values.items()}, sort_keys=True)


def forget_overwritten(environment, bindings):
    """Forget what was last sent of the fields that contain something else now, after an import has written records.

    Without that, who changes such a field back to what was last sent would change it here only.

    :param environment: :class:`~odoo.addons.connector.connector.Environment` of the binding model
    :param bindings: recordset of the binding model
    """
    for binding in bindings.filtered(_sent):
        sent = _sent(binding)
        still = {target: known for target, known in _present(environment, binding).items() if sent.get(target) == known}
        if still != sent:
            remember(binding, {"export_checksum": json.dumps(still, sort_keys=True)})


def _present(environment, binding):
    """Return the checksums of what an export would send now; of what cannot be mapped, none."""
    try:
        values = environment.get_connector_unit(ExportMapper).map_record(binding).values()
    except MappingError:
        return {}
    return {target: checksum(value) for target, value in values.items()}


def _sent(binding):
    return json.loads(recall(binding, "export_checksum") or "{}")
