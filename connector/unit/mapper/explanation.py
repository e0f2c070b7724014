"""Explanation of mapped values: which rule gave each value, or which error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odoo.addons.jobs_queue.exception import ConnectorException

from ..types import Values
from .compiled import CompiledMapping
from .modifiers import how
from .record import MapRecord

if TYPE_CHECKING:
    from .mapper import Mapper

_LONGEST_VALUE = 300  # characters


@dataclass(frozen=True)
class Explanation:
    """How a target field gets its value.

    ``target`` is "" for a method that failed, as its targets are not known. ``source`` names the
    source fields, "" if the mapping does not declare them. ``how`` is the modifier or the method.
    There is either a ``value``, or an ``error`` as text. If ``is_absent``, there is neither: the
    source field is not in the record, so the target is not changed.
    """

    target: str
    source: str
    how: str
    value: object = None
    error: str | None = None
    is_absent: bool = False

    @property
    def value_text(self) -> str:
        """The ``repr`` of the value, cut if it is long."""
        if self.is_absent:
            return "not in the record"
        text = repr(self.value)
        return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"

    def __str__(self) -> str:
        origin = f"{self.how} from {self.source}" if self.source else self.how
        return f"{self.target or '?'}: {self.error or self.value_text} ({origin})"


def explain(mapper: Mapper, map_record: MapRecord, compiled: CompiledMapping) -> list[Explanation]:
    """Return the explanations of the values of a record, as a list of :class:`Explanation`.

    Each step is run in a savepoint, so that a step that fails does not hide the next ones.

    :param mapper: :class:`~odoo.addons.connector.unit.mapper.mapper.Mapper` with its options
    :param map_record: :class:`~odoo.addons.connector.unit.mapper.record.MapRecord`
    :param compiled: :class:`~odoo.addons.connector.unit.mapper.compiled.CompiledMapping`
    """
    explanations: list[Explanation] = []
    values: Values = {}
    for target, source, what, part in _steps(mapper, compiled):
        try:
            with mapper.env.cr.savepoint():
                mapped = mapper._map(map_record, part)
        except Exception as error:  # pylint: disable=broad-except  # whatever it is, it is what is asked for
            explanations.append(Explanation(target, source, what, error=_text(error)))
        else:
            values.update(mapped)
            if target and not mapped:
                explanations.append(Explanation(target, source, what, is_absent=True))
            explanations += [Explanation(name, source, what, value) for name, value in mapped.items()]
    return explanations + _explain_finalize(mapper, map_record, values)


def _steps(mapper: Mapper, compiled: CompiledMapping) -> Iterator[tuple[str, str, str, CompiledMapping]]:
    """Yield each step of a mapping as (target, source, how, mapping of this step alone)."""
    for entry in compiled.plain:
        yield entry[1], entry[0], "direct", CompiledMapping(plain=(entry,))
    for entry in compiled.modified:
        yield entry[2], entry[1] or "", how(entry[0]), CompiledMapping(modified=(entry,))
    for entry in compiled.methods:
        name, for_create_only, fields = entry
        if mapper.options.for_create or not for_create_only:
            yield "", ", ".join(sorted(fields)), f"{name}()", CompiledMapping(methods=(entry,))
    for entry in compiled.children:
        yield entry[1], entry[0], f"children ({entry[2]})", CompiledMapping(children=(entry,))


def _explain_finalize(mapper: Mapper, map_record: MapRecord, values: Values) -> list[Explanation]:
    """Return the explanations of the values that ``finalize`` changes."""
    before = dict(values)
    try:
        with mapper.env.cr.savepoint():
            finalized = mapper.finalize(map_record, values)
    except Exception as error:  # pylint: disable=broad-except  # as above
        return [Explanation("", "", "finalize()", error=_text(error))]
    return [
        Explanation(name, "", "finalize()", value)
        for name, value in finalized.items()
        if name not in before or before[name] != value
    ]


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, ConnectorException) else f"{type(error).__name__}: {error}"
