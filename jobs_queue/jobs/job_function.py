"""The types of job functions, for type checkers and editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, Unpack, overload

from ..session import ConnectorSession
from .options import DelayOptions, JobOptions

if TYPE_CHECKING:
    from .handle import Job

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Delay(Protocol[P]):
    """A callable that makes a job of a call.

    It takes the further arguments of the function, and the options of
    :class:`~.options.DelayOptions`.
    """

    @overload
    def __call__(self, session: ConnectorSession, model_name: str | None, *args: P.args, **kwargs: P.kwargs) -> Job: ...

    # Typing allows no parameter between P.args and P.kwargs. So in a call with options the
    # arguments are positional and of any type; they are checked when the call is delayed

    @overload
    def __call__(
        self, session: ConnectorSession, model_name: str | None, *args: Any, **options: Unpack[DelayOptions]
    ) -> Job: ...


class JobFunction(Protocol[P, R_co]):
    """A function that may be delayed.

    :ivar job_options: its options, as ``@job`` gives them
    :ivar delay: delays a call; it is stored if the caller's transaction commits
    :ivar delayable: prepares a call: a part of a graph, see ``graph.py``, or a job to delay later
    """

    job_options: JobOptions
    delay: Delay[P]
    delayable: Delay[P]

    def __call__(
        self, session: ConnectorSession, model_name: str | None, *args: P.args, **kwargs: P.kwargs
    ) -> R_co: ...
