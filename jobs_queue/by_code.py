"""Context keys that only code can set: nobody can send their values over RPC.

The caller of an RPC chooses the context freely. So the values of these keys are of classes that
neither JSON nor XML can produce. If such a value goes out to a client and comes back, it is plain
text or a plain number. It has no meaning any more.
"""

import functools
import logging
from collections.abc import Mapping
from typing import Any

_logger = logging.getLogger(__name__)


class ByCode(str):
    """A text that code has put into the context. It is equal to no plain text.

    Odoo keeps one environment for all equal contexts. If a plain text were equal, the same
    environment would serve both contexts.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is ByCode and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


class IdByCode(int):
    """An id that code has put into the context. It is equal to no plain number."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is IdByCode and int.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


#: The key of the running job, for our own code. The code of jobs finds the same id under
#: ``job_id``.
JOB = "connector_job_id"


#: The value of a key that only has to be present: ``with_context(connector_no_delay=BY_CODE)``
BY_CODE = ByCode("by code")


def by_code(context: Mapping[str, Any], key: str) -> Any:
    """Return the value that code has set for a key of the context: a text, an id, or None.

    None means that code has set no value. The value may be missing, or come from somebody else.
    """
    value = context.get(key)
    if value is None or type(value) is ByCode:
        return value
    if type(value) is IdByCode:
        return int(value)
    if value:
        _tell(key)
    return None


@functools.cache
def _tell(key: str) -> None:
    _logger.warning(
        "A plain value of %r in the context has no meaning, as anybody could have sent it; see docs/migration.md", key
    )
