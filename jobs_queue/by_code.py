"""Context keys that only code can set: their values are of classes that no JSON and no XML makes, so nobody sends them over RPC.

The context of a call over RPC is what its caller likes. A value of ours that goes out to a client and comes back is plain text or a plain
number, and has no meaning any more.
"""

import functools
import logging
from collections.abc import Mapping
from typing import Any

_logger = logging.getLogger(__name__)


class ByCode(str):
    """A text that code has put into the context. It equals no plain text: environments with equal contexts are one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is ByCode and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


class IdByCode(int):
    """An id that code has put into the context; it equals no plain number."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is IdByCode and int.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


#: The key for the running job, by which our own code finds it; ``job_id`` tells the code of jobs the same.
JOB = "connector_job_id"


#: The value of a key that is just there: ``with_context(connector_no_delay=BY_CODE)``
BY_CODE = ByCode("by code")


def by_code(context: Mapping[str, Any], key: str) -> Any:
    """Return the value that code has given a key of the context, a text or an id; None where it has given none, or somebody else has."""
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
