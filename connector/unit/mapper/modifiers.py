"""Modifiers: functions in the ``direct`` of a mapper, in place of the name of a source field.

They can be nested, with the field's name innermost. A modifier is a function (mapper, record,
target) -> value, so a connector may define its own. Its attributes are optional:

``source``
    name of the source field it depends on; without it, it counts as depending on all fields
``how``
    its description in the explanation of a value
``inner``
    the field's name or the modifier that it modifies
``look_up``
    function (mapper, record, target) -> (binding model, whether records are looked up, what) for
    its look-up in bindings: an external id, or the id of a bound record; None for no look-up. For a
    page of records, all of these are looked up together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from odoo.models import BaseModel

from odoo.addons.jobs_queue.texts import VALUE, storable

from ...exception import MappingError, ValueNotMatched
from ..backend_adapter.masking import is_secret
from ..connector_unit import external_id_text
from ..types import Source
from .checked import shown_safely

if TYPE_CHECKING:
    from .mapper import Mapper


#: A function (mapper, record, target) -> value
Modifier: TypeAlias = Callable[[Any, Any, str], Any]
#: A function (mapper, record, target) -> (binding model, whether to look up records, what) or None
LookUp: TypeAlias = Callable[[Any, Any, str], tuple[str, bool, Any] | None]


def none(field: str | Modifier) -> Modifier:
    """Modifier: an empty value of Odoo (False for a text, a date or a relation) becomes None.

    Numbers and booleans stay.

    :param field: name of the source field, or a modifier
    """

    @_modifier("none", field)
    def modifier(mapper: Mapper, record: Source, target: str) -> Any:
        value = _read(mapper, record, field, target)
        return None if _is_empty(mapper, record, field, value) else value

    return modifier


def none_if(field: str | Modifier, *values: object) -> Modifier:
    """Modifier: a value that means "none" becomes None, as in ``none_if("parent", 0)``.

    It goes inside of other modifiers: ``external_to_m2o(none_if("parent", 0, "0"))``.

    :param field: name of the source field, or a modifier
    :param values: what means "none"; 0, ``"0"`` and False are three of them
    """
    if not values:
        raise TypeError('none_if() is told the values that mean "none", as in none_if("parent", 0)')

    @_modifier(f"none_if({', '.join(map(repr, values))})", field)
    def modifier(mapper: Mapper, record: Source, target: str) -> Any:
        value = _read(mapper, record, field, target)
        return None if is_one_of(value, values) else value

    return modifier


def is_one_of(value: object, values: Iterable[object]) -> bool:
    """Return whether a value is among some values; a boolean is no number."""
    return any(isinstance(value, bool) == isinstance(other, bool) and value == other for other in values)


_BOOLEANS = {
    **dict.fromkeys(("1", "true", "yes", "y", "on", "t"), True),
    **dict.fromkeys(("0", "false", "no", "n", "off", "f"), False),
}


def as_boolean(field: str | Modifier) -> Modifier:
    """Modifier: what shops send for a boolean becomes True or False, in capitals or not.

    It reads 1, true, yes, y, on and t, and 0, false, no, n, off and f, as texts or numbers. None
    stays None.

    :param field: name of the source field, or a modifier
    :raise MappingError: it is something else; also "" has to be said: ``none_if(field, "")``
    """

    @_modifier("as_boolean", field)
    def modifier(mapper: Mapper, record: Source, target: str) -> bool | None:
        value = _read(mapper, record, field, target)
        if value is None or isinstance(value, bool):
            return value
        known = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, str | int) else None
        if known is None:
            problem = mapper._(
                "%s is neither true nor false: convert() can say which it is", shown_safely(target, value)
            )
            raise mapper.error(target, problem)
        return known

    return modifier


def convert(field: str | Modifier, conv_type: Callable[[Any], Any]) -> Modifier:
    """Modifier: convert a value, except None, as in ``(convert("price", float), "list_price")``.

    :param field: name of the source field, or a modifier
    :param conv_type: function of one argument; a ValueError, TypeError or ArithmeticError becomes a
        MappingError
    """
    name = getattr(conv_type, "__name__", conv_type)

    @_modifier(f"convert({name})", field)
    def modifier(mapper: Mapper, record: Source, target: str) -> Any:
        value = _read(mapper, record, field, target)
        if value is None:
            return None
        try:
            return conv_type(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            said = type(error).__name__ if is_secret(target) else storable(error, VALUE)  # it may quote the value
            names = {"value": shown_safely(target, value), "name": name, "error": said}
            problem = mapper._("%(value)s cannot be converted by %(name)s: %(error)s", **names)
            raise mapper.error(target, problem) from error

    return modifier


def m2o_to_external(field: str | Modifier, binding: str | None = None) -> Modifier:
    """Modifier for exports: a many2one becomes the external id of its record, or None if empty.

    :param field: name of the many2one, or a modifier that returns a record
    :param binding: name of the binding model, if the many2one points to the bound record and not to
        its binding
    :raise MappingError: that record has no external id
    """

    def related_record(mapper: Mapper, record: Source, target: str) -> BaseModel:
        related = _read(mapper, record, field, target)
        if related and not isinstance(related, BaseModel):
            raise mapper.error(target, f"{related!r} is not a record, so it has no external id")
        return related

    def look_up(mapper: Mapper, record: Source, target: str) -> tuple[str, bool, Any] | None:
        related = related_record(mapper, record, target)
        return (binding, True, related.id) if binding and related else None

    @_modifier(f"m2o_to_external({binding or ''})", field, look_up)
    def modifier(mapper: Mapper, record: Source, target: str) -> str | None:
        related = related_record(mapper, record, target)
        if not related:
            return None
        external_id = mapper.binder_for(binding or related._name).to_external(related, wrap=bool(binding))
        if external_id is None:
            problem = mapper._(
                "%(record)s (%(model)s, id %(id)s) is not known to %(backend)s; export it first",
                record=related.display_name,
                model=related._name,
                id=related.id,
                backend=mapper.environment.backend_name,
            )
            raise mapper.error(target, problem)
        return external_id

    return modifier


def external_to_m2o(field: str | Modifier, binding: str | None = None) -> Modifier:
    """Modifier for imports: an external id becomes the id of a many2one's record, or None if empty.

    :param field: name of the source field, or a modifier that returns an external id
    :param binding: name of the binding model, if the many2one points to the bound record and not to
        its binding
    :raise MappingError: no Odoo record has that external id
    """

    def look_up(mapper: Mapper, record: Source, target: str) -> tuple[str, bool, Any]:
        model_name = binding or mapper.model._fields[target].comodel_name
        if not model_name:
            raise mapper.error(target, "is no relation, so external_to_m2o() has to be told the binding model")
        return model_name, False, _read(mapper, record, field, target)

    @_modifier(f"external_to_m2o({binding or ''})", field, look_up)
    def modifier(mapper: Mapper, record: Source, target: str) -> int | None:
        model_name, _records, external_id = look_up(mapper, record, target)
        if external_id_text(external_id) is None:
            return None
        related = mapper.binder_for(model_name).to_internal(external_id, unwrap=bool(binding))
        if not related:
            raise _not_found(mapper, target, model_name, external_id)
        return related.id

    return modifier


def _not_found(mapper: Mapper, target: str, model_name: str, external_id: Any) -> MappingError:
    names = {"model": model_name, "id": external_id, "backend": mapper.environment.backend_name}
    if not getattr(mapper.env[model_name], "_matched_by_hand", False):
        problem = mapper._(
            "%(model)s has no record with the external id %(id)s of %(backend)s; import it first", **names
        )
        return mapper.error(target, problem)
    names["model"] = mapper.env[model_name]._description
    problem = mapper._(
        "Nobody has said yet what %(model)s %(id)s of %(backend)s is here. Pick ours in Connectors / Matches and press “Bind”, "
        "then requeue the job.",
        **names,
    )
    return ValueNotMatched(mapper.error(target, problem), mapper.backend_record, model_name, external_id)


def follow_m2o_relations(path: str) -> Modifier:
    """Modifier for exports: the value at the end of a path of many2ones, None if one is empty.

    :param path: such as ``"product_id.categ_id.name"``
    """
    first, *_rest = path.split(".")

    @_modifier(f"follow_m2o_relations({path})", first)
    def modifier(mapper: Mapper, record: Source, target: str) -> Any:
        end, name = _follow(record, path)
        return end[name] if end else None

    modifier.path = path
    return modifier


def nested(modifier: Any) -> list[Any]:
    """Return the modifiers nested in one, the outermost first; none for a field's name."""
    found = []
    while callable(modifier):
        found.append(modifier)
        modifier = getattr(modifier, "inner", None)
    return found


def how(source: str | Modifier) -> str:
    """Return a description of an entry of ``direct``: its modifiers, as text."""
    return " of ".join(getattr(modifier, "how", f"{modifier.__name__}()") for modifier in nested(source)) or "direct"


def _modifier(name: str, field: str | Modifier, look_up: LookUp | None = None) -> Callable[[Any], Any]:
    """Return a decorator that sets the attributes of a modifier."""

    def mark(modifier: Any) -> Any:
        modifier.source = getattr(field, "source", None) if callable(field) else field
        modifier.how = name
        modifier.inner = field
        modifier.look_up = look_up
        return modifier

    return mark


def _read(mapper: Mapper, record: Source, field: str | Modifier, target: str) -> Any:
    return field(mapper, record, target) if callable(field) else mapper.read_source(record, field)


def _is_empty(mapper: Mapper, record: Source, field: str | Modifier, value: Any) -> bool:
    """Return whether a value is empty; this depends on the type of the field it was read from."""
    if isinstance(value, BaseModel):
        return not value
    if not callable(field):
        return mapper.is_empty(record, field, value)
    if path := getattr(field, "path", None):
        return mapper.is_empty(*_follow(record, path), value)
    return value is None


def _follow(record: Any, path: str) -> tuple[Any, str]:
    """Return the last record, maybe an empty one, and the last name of a path of relations."""
    *relations, last = path.split(".")
    for relation in relations:
        record = record[relation]
    return record, last
