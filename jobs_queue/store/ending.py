"""Class ``Ending``: the message, traceback, log and usage to store when an attempt ends."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from ..texts import LOG, NAME, TRACEBACK, storable

#: The resources that an attempt has used: queries, CPU seconds, growth of the memory in MB.
Usage: TypeAlias = Sequence[float | None]

NOT_MEASURED: Usage = (None, None, None)


class Holder(Protocol):
    """The worker that has a lease."""

    @property
    def id(self) -> int: ...

    @property
    def name(self) -> str: ...


class Ending(NamedTuple):
    """The texts about the end of an attempt, for people, and the resources that it has used.

    :ivar message: what the job returned, or why it did not end well
    :ivar exc_name: name of the exception that ended it; None: its code was not called, or has
        returned
    :ivar exc_info: traceback of the exception
    :ivar log: the lines that the job has logged
    """

    message: str | None
    exc_name: str | None = None
    exc_info: str | None = None
    log: str | None = None
    usage: Usage = NOT_MEASURED

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns, in a form that PostgreSQL can store."""
        queries, cpu, memory = self.usage
        return {
            "message": storable(self.message),
            "exc_name": storable(self.exc_name, NAME),
            "exc_info": storable(self.exc_info, TRACEBACK),
            "log": storable(self.log, LOG),
            "queries": queries,
            "cpu": cpu,
            "memory": memory,
        }
