"""What people may choose of the records of an adapter, declared as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from odoo.api import Environment
from odoo.fields import Date as DateField
from odoo.models import BaseModel
from odoo.tools.translate import LazyGettext

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.texts import shown

from ...exception import InvalidDataError
from ..connector_unit import external_id_text
from .dates import as_datetime


class UnusableFilters(FailedJobError):
    """What people have chosen of an import flow cannot be used; nothing else is imported."""


class FilterValueError(ValueError):
    """A value cannot be chosen, or not any more. The message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What people may choose of the records of an adapter; the base of all kinds.

    :param label: name for the user, by default the name in ``filters``
    :param parameter: as what the value is sent with a list, by default the name in ``filters``
    :param at: JMESPath to the value in a record. With it a record that comes by another way than
        the list, as by a webhook, is checked; None: such a record is always imported
    """

    kind: ClassVar[str]
    label: str | LazyGettext | None = None
    parameter: Any = None
    at: str | None = None

    def __post_init__(self) -> None:
        if self.at is not None:
            from .json_paths import check_path  # where no filter has a path, JMESPath is not imported

            check_path(self.at, f"{type(self).__name__}, at")

    def told(self, name: str, env: Environment) -> dict[str, Any]:
        """Return what the screen needs to let people choose.

        :param name: the name in ``filters``
        """
        return {"name": name, "label": self.label_of(name, env), "kind": self.kind}

    def label_of(self, name: str, env: Environment) -> str:
        """Return the name for the user."""
        return _translated(self.label, env) if self.label else name.replace("_", " ").capitalize()

    def in_words(self, value: Any, env: Environment) -> str:
        """Return a value for people, as it is stored."""
        return str(value)

    def sent(self, value: Any, backend: BaseModel) -> Any:
        """Return what the system is asked with.

        :param value: what people have chosen, as it is stored
        :raise FilterValueError: it cannot be chosen, or not any more
        """
        raise NotImplementedError

    def allows(self, record: Any, sent: Any) -> bool:
        """Return whether a record is one of those that are chosen; yes if it does not say so.

        :param sent: see :meth:`sent`
        """
        if self.at is None:
            return True
        from .json_paths import value_at

        return self._is_same(value_at(self.at, record), sent)

    def _is_same(self, found: Any, sent: Any) -> bool:
        return bool(_text_of(found) == _text_of(sent))


@dataclass(frozen=True, kw_only=True)
class Text(Filter):
    """A text that people enter."""

    kind = "text"

    def sent(self, value: Any, backend: BaseModel) -> str:
        if not isinstance(value, str):
            raise FilterValueError(backend.env._("%s is no text", shown(value)))
        return value


@dataclass(frozen=True, kw_only=True)
class Date(Filter):
    """A day that people choose. A record is chosen if its date at ``at`` is not before it.

    :param form: how the day is written, as for :meth:`datetime.strftime`
    """

    kind = "date"
    form: str = "%Y-%m-%d"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.form, str) or "%" not in self.form:
            raise ValueError(f"Date, form is {shown(self.form)}: it must be such as '%Y-%m-%dT%H:%M:%SZ'")

    def sent(self, value: Any, backend: BaseModel) -> str:
        return _day(value, backend).strftime(self.form)

    def _is_same(self, found: Any, sent: str) -> bool:
        try:
            return as_datetime(found) >= datetime.strptime(sent, self.form).replace(tzinfo=None)
        except (OverflowError, OSError, TypeError, ValueError):
            return True  # it has no date that could be compared


@dataclass(frozen=True, kw_only=True)
class Flag(Filter):
    """A box that people tick. Unticked, nothing is asked for.

    :param value: what is sent if it is ticked
    """

    kind = "flag"
    value: Any = True

    def in_words(self, value: Any, env: Environment) -> str:
        return env._("yes")

    def sent(self, value: Any, backend: BaseModel) -> Any:
        if value is not True:
            raise FilterValueError(backend.env._("%s is neither yes nor no", shown(value)))
        return self.value


@dataclass(frozen=True, init=False)
class Choice(Filter):
    """One of some values, or several of them.

    ``Choice(("paid", "Paid"), ("shipped", "Shipped"), several=True, at="status")``

    ``Choice(model="shop.product.category", at="category_id")``

    :param options: pairs of the value that is sent, and its name for the user
    :param model: binding model, in place of options: people choose among the records that are bound
        to the backend, and the external id is sent
    :param several: whether people may choose several; then a list is sent
    """

    kind = "choice"
    options: tuple[tuple[Any, str | LazyGettext], ...] = ()
    model: str | None = None
    several: bool = False

    def __init__(
        self,
        *options: tuple[Any, str | LazyGettext],
        model: str | None = None,
        several: bool = False,
        label: str | LazyGettext | None = None,
        parameter: Any = None,
        at: str | None = None,
    ) -> None:
        values = {"options": options, "model": model, "several": several}
        for name, value in {**values, "label": label, "parameter": parameter, "at": at}.items():
            object.__setattr__(self, name, value)
        for option in options:
            if not isinstance(option, tuple | list) or len(option) != 2:
                raise ValueError(f"Choice, {shown(option)}: it must be a value and its name, such as ('paid', 'Paid')")
        if bool(options) == bool(model):
            raise ValueError('Choice: either options, such as ("paid", "Paid"), or a binding model is expected')
        self.__post_init__()

    def told(self, name: str, env: Environment) -> dict[str, Any]:
        told = {**super().told(name, env), "several": self.several}
        if self.model:
            return {**told, "model": self.model}
        return {**told, "options": [[value, _translated(text, env)] for value, text in self.options]}

    def sent(self, value: Any, backend: BaseModel) -> Any:
        values = value if isinstance(value, list) else [value]
        if not self.several and len(values) > 1:
            raise FilterValueError(backend.env._("only one can be chosen"))
        sent = [self._sent(item, backend) for item in values]
        return sent if self.several else sent[0]

    def in_words(self, value: Any, env: Environment) -> str:
        values = value if isinstance(value, list) else [value]
        if self.model:
            return ", ".join(env[self.model].sudo().browse(values).exists().mapped("display_name"))
        return ", ".join(_translated(text, env) for known, text in self.options if known in values)

    def _sent(self, value: Any, backend: BaseModel) -> Any:
        if self.model:
            return self._external_id(value, backend)
        for known, _label in self.options:
            if known == value and type(known) is type(value):
                return known
        raise FilterValueError(backend.env._("%s can not be chosen any more", shown(value)))

    def _external_id(self, value: Any, backend: BaseModel) -> str:
        model = backend.env.get(self.model)
        if model is None:
            raise FilterValueError(backend.env._("there are no records of %s any more", self.model))
        bound = isinstance(value, int) and model.sudo().with_context(active_test=False).search(
            [("id", "=", value), ("backend_id", "=", backend.id), ("external_id", "!=", False)]
        )
        if not bound:
            raise FilterValueError(backend.env._("the chosen record (%s) is not bound any more", shown(value)))
        return str(bound.external_id)

    def _is_same(self, found: Any, sent: Any) -> bool:
        chosen = {_text_of(item) for item in (sent if isinstance(sent, list) else [sent])}
        return any(_text_of(item) in chosen for item in (found if isinstance(found, list) else [found]))


def check_filters(name: str, filters: object) -> None:
    """Check what an adapter lets people choose.

    :param name: complete name of the class
    :raise ValueError: it is something else than names and filters
    """
    example = '{"status": Choice(("paid", "Paid"), at="status")}'
    if not isinstance(filters, Mapping):
        raise ValueError(f"{name}, filters is {shown(filters)}: it must be a dict such as {example}")
    for key, found in filters.items():
        if not isinstance(key, str) or not isinstance(found, Filter):
            raise ValueError(f"{name}, filters[{key!r}] is {shown(found)}: it must be such as in {example}")


def sent_values(filters: Mapping[str, Filter], chosen: Mapping[str, Any], backend: BaseModel) -> dict[str, Any]:
    """Return what a system is asked with for what people have chosen.

    :param filters: as an adapter declares them
    :param chosen: dict, name of a filter to what people have chosen, as it is stored
    :return: dict, name of a filter to the value that is sent
    :raise UnusableFilters: one cannot be chosen any more; the message names it, and the way out
    """
    sent = {}
    for name, value in chosen.items():
        try:
            if name not in filters:
                raise FilterValueError(backend.env._("the connector does not offer it any more"))
            sent[name] = filters[name].sent(value, backend)
        except FilterValueError as error:
            label = filters[name].label_of(name, backend.env) if name in filters else name
            raise UnusableFilters(
                backend.env._(
                    "“%(filter)s” of what is imported cannot be used: %(reason)s. Nothing is imported until somebody chooses anew "
                    "on the flow.",
                    filter=label,
                    reason=error,
                )
            ) from None
    return sent


def parameters_of(filters: Mapping[str, Filter]) -> dict[Any, str]:
    """Return as what filters are sent: a dict, parameter to the name of the filter."""
    return {found.parameter or name: name for name, found in filters.items()}


def _translated(text: str | LazyGettext, env: Environment) -> str:
    return text._translate(env.lang or "en_US") if isinstance(text, LazyGettext) else text


def _day(value: Any, backend: BaseModel) -> date:
    try:
        day = DateField.to_date(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        raise FilterValueError(backend.env._("%s is no day", shown(value)))
    return day


def _text_of(value: Any) -> str | None:
    """Return a value as it is compared: systems write a number also as a text."""
    try:
        return str(value).lower() if isinstance(value, bool) else external_id_text(value)
    except InvalidDataError:
        return shown(value)
