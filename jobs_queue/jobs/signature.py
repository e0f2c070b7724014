"""Check a call against the signature of its function.

This is done when the call is delayed, so an error is raised at once.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sized

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Signature:
    """The parameters of a function: how many it has, and their names.

    It is computed once, as ``inspect`` takes longer than all the rest of a delay.

    :param implicit: how many arguments come before those of the call
    :ivar names: the names of the arguments that may be given by name, in their order; None if any
        name may be given
    :raise TypeError, ValueError: it is a callable that does not tell its parameters
    """

    __slots__ = ("_implicit", "_is_taken", "_is_missing", "_takes_more", "_names", "names")

    names: list[str] | None

    def __init__(self, func: Callable[..., object], implicit: int) -> None:
        parameters = inspect.signature(func).parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
        self._implicit = implicit
        self._takes_more = inspect.Parameter.VAR_POSITIONAL in kinds
        self.names = None if inspect.Parameter.VAR_KEYWORD in kinds else named_parameters(func)
        self._names = None if self.names is None else frozenset(self.names)
        named_only = _required(p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
        # by the number of positional arguments: the names that must still be given, and the names
        # that cannot be given any more
        counts = range(len(positional) + 1)
        self._is_missing = [_required(positional[count:]) | named_only for count in counts]
        self._is_taken = [frozenset(p.name for p in positional[:count] if p.kind in _NAMED) for count in counts]

    def takes(self, args: Sized, kwargs: Mapping[str, object]) -> bool:
        """Return whether the function takes these arguments."""
        count = self._implicit + len(args)
        if count >= len(self._is_missing):
            if not self._takes_more:
                return False
            count = len(self._is_missing) - 1
        missing = self._is_missing[count]
        if not kwargs:
            return not missing
        # a plain loop: comparing sets takes longer
        taken, names = self._is_taken[count], self._names
        for name in kwargs:
            if name in taken or (names is not None and name not in names):
                return False
        return not missing or missing <= kwargs.keys()


def named_parameters(func: Callable[..., object]) -> list[str]:
    """Return the names of the parameters that can be given by name, in their order."""
    return [name for name, parameter in inspect.signature(func).parameters.items() if parameter.kind in _NAMED]


def _required(parameters: Iterable[inspect.Parameter]) -> frozenset[str | tuple[str]]:
    # a positional-only parameter has no name for the caller. It can be missing, but not be given by
    # name: as a tuple it equals no name that the caller gives
    return frozenset(
        (parameter.name,) if parameter.kind is inspect.Parameter.POSITIONAL_ONLY else parameter.name
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty
    )
