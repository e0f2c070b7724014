"""Adapter of a system with a REST API, declared: its paths, lists and verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import requests

from odoo.addons.jobs_queue.texts import shown

from ..exception import IDMissingInBackend, UnreadableAnswer
from ..unit.backend_adapter.json_paths import value_at
from ..unit.backend_adapter.paging import PageAnswer
from ..unit.backend_adapter.paths import path_below, quoted
from ..unit.types import ExternalId, ExternalRecord, Values
from .adapter import DeclaredAdapter
from .values import ID, NUMBER, Header, Verb, check_path_template

#: Methods of an adapter to their usual verb, and whether it is about one record.
_VERBS = {
    "search": (Verb("GET"), False),
    "read": (Verb("GET"), True),
    "create": (Verb("POST"), False),
    "write": (Verb("PUT"), True),
    "delete": (Verb("DELETE"), True),
}


class RestAdapter(DeclaredAdapter):
    """Adapter of a system with a REST API.

    What a system has in common is declared once, and what each kind of record has, once a model::

        class ShopAdapter(RestAdapter):
            headers = {"X-Api-Key": secret("token")}

        @shop
        class Customers(ShopAdapter):
            _model_name = "shop.res.partner"
            path, records, id_field = "/customers", "data.customers", "uuid"
            paginator = CursorPages(size=100, next="meta.next", parameter="cursor")
            verbs = {"write": Verb("PATCH"), "delete": Verb("POST", "/customers/{id}/archive")}

    An id is quoted where it stands for ``{id}``. A declaration that is wrong is refused when its
    class is made, by a ValueError that names it.
    """

    #: Path of the list, below the base address
    path: str | None = None  # type: ignore[assignment]  # path() of HttpAdapter; here path_of()
    #: Path of one record, with ``{id}``; by default ``{id}`` below the path of the list
    one: str | None = None
    #: JMESPath to the record in an answer about one record; None: the answer is the record
    record: str | None = None
    #: Methods of the adapter whose verb is not the usual one, {name: :class:`~.values.Verb`}. Usual
    #: are GET for search and read, POST for create, PUT for write and DELETE for delete. The
    #: parameters of a search by POST are its body
    verbs: Mapping[str, Verb] = {}
    #: How a record is found by the number that people know, ``{number}``: parameters of the list,
    #: as in ``?number={number}``, or the path of one record, as in ``/orders/by-number/{number}``
    find: str | None = None

    _how_to_quote = "self.path_of(external_id)"

    _json_paths = (*DeclaredAdapter._json_paths, "record")

    @classmethod
    def _check_declaration(cls, name: str) -> None:
        super()._check_declaration(name)
        for attribute, has_id in (("path", False), ("one", True)):
            if (path := cls._declaration_of(attribute)) is not None:
                check_path_template(path, f"{name}, {attribute}", has_id)
        verbs = cls._declaration_of("verbs") or {}
        if not isinstance(verbs, Mapping):
            raise ValueError(f'{name}, verbs is {shown(verbs)}: it must be a dict such as {{"write": Verb("PATCH")}}')
        for method, verb in verbs.items():
            if method not in _VERBS:
                raise ValueError(f"{name}, verbs has {method!r}, which no adapter has. There are: {', '.join(_VERBS)}")
            if not isinstance(verb, Verb):
                raise ValueError(f'{name}, verbs["{method}"] is {shown(verb)}: it must be such as Verb("PATCH")')
            if verb.path is not None:
                check_path_template(verb.path, f'{name}, the path of verbs["{method}"]', _VERBS[method][1])
        if (find := cls._declaration_of("find")) is not None:
            _check_find(find, f"{name}, find")

    # The methods that synchronizers use; search and search_read are those of every declared adapter

    def read(self, external_id: ExternalId, fields: Sequence[str] | None = None) -> ExternalRecord:
        """Return a record as a dict.

        :param fields: has no effect: the system returns what it returns
        """
        verb, path = self._verb("read"), self._path_for("read", external_id)
        return self._record_in(self.request_json(verb.method, path, idempotent=True, reads=True))

    def create(self, data: Values) -> ExternalId:  # type: ignore[override]  # the system knows no key
        """Create a record and return its id: the answer is the id, or has it as :attr:`id_field`.

        :raise UnreadableAnswer: the answer has no id: nobody knows whether it was created
        """
        verb = self._verb("create")
        path = verb.path or self._declared_path("create")
        created = value_at(self.record, self.request_json(verb.method, path, json=data, reads=False))
        try:
            external_id = self.id_of(created) if isinstance(created, dict) else created
        except KeyError:
            raise self._nonsense() from None
        if isinstance(external_id, bool) or not isinstance(external_id, str | int) or external_id == "":
            raise self._nonsense()
        return external_id

    def find_by_number(self, number: str) -> Sequence[ExternalId]:
        """Return the ids of the records with a number, by one request: see :attr:`find`."""
        if self.find is None:
            raise NotImplementedError(f'{self._refusal("find_by_number")}, nor find: find = "?number={NUMBER}"')
        if self.find.startswith("?"):
            asked = {key: value.replace(NUMBER, number) for key, value in parse_qsl(self.find[1:], True)}
            answer = self._ask(self._list_path, {**self._values(self.params), **asked})
            return [self._listed_id(record) for record in self._records_of(answer)]
        if number in (".", ".."):  # no part of a path
            return []
        try:
            found = self.request_json("GET", self.find.replace(NUMBER, quoted(number)), idempotent=True)
        except IDMissingInBackend:
            return []
        return [self.id_of(self._record_in(found))]

    def write(self, external_id: ExternalId, data: Values) -> object:
        """Change the values of a record; the answer may be anything but a web page.

        :raise UnreadableAnswer: it is one, such as a login form: nobody knows what was done
        """
        return self._done(self._verb("write").method, self._path_for("write", external_id), json=data)

    def delete(self, external_id: ExternalId) -> object:
        """Delete a record; the answer may be anything but a web page, see :meth:`write`."""
        return self._done(self._verb("delete").method, self._path_for("delete", external_id))

    def path_of(self, external_id: ExternalId, *below: ExternalId) -> str:
        """Return the path of one record, or of what is below it; all are quoted.

        ``self.path_of("A/1", "orders")`` is ``/customers/A%2F1/orders``.

        :raise InvalidDataError: an id is empty, ``.`` or ``..``
        """
        one = self.one
        if one is None:
            path = self._declared_path("read")
            one = f"{path}{ID}/" if path.endswith("/") else f"{path}/{ID}"
        path = one.replace(ID, quoted(external_id))
        return path_below(path, *below) if below else path

    # How they do it

    @property
    def _list_path(self) -> str:
        return self._verb("search").path or self._declared_path("search")

    def _done(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self.request(method, path, reads=False, **options)
        is_called_html = answer.headers.get("Content-Type", "").lower().startswith("text/html")
        if is_called_html and answer.content.lstrip().startswith(b"<"):  # some say so of JSON, or of nothing
            raise self._nonsense()
        return answer

    def _verb(self, method: str) -> Verb:
        return self.verbs.get(method, _VERBS[method][0])

    def _declared_path(self, method: str) -> str:
        if self.path is None:
            raise NotImplementedError(f'{self._refusal(method)}, nor a path: path = "/customers"')
        return self.path

    def _path_for(self, method: str, external_id: ExternalId) -> str:
        """Return the path at which a method asks about one record."""
        path = self._verb(method).path
        return path.replace(ID, quoted(external_id)) if path else self.path_of(external_id)

    def _ask(self, path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
        if params is None:
            response = self.request("GET", path)
        else:
            verb = self._verb("search")
            headers = {name.name: str(value) for name, value in params.items() if isinstance(name, Header)}
            values = {name: value for name, value in params.items() if not isinstance(name, Header)}
            place = {"params": values} if verb.method == "GET" else {"json": values}
            response = self.request(verb.method, path, headers=headers, idempotent=True, reads=True, **place)
        return PageAnswer(self.json_of(response), response.headers, response.url)

    def _record_in(self, body: Any) -> ExternalRecord:
        found = value_at(self.record, body)
        if not isinstance(found, dict):
            raise UnreadableAnswer(
                f"{type(self).__name__}, record is {self.record!r}, where what {self._label} answers has no record"
            )
        return found


def _check_find(find: object, name: str) -> None:
    """Check how a record is declared to be found by its number.

    :param name: what it is declared as, for the message
    :raise ValueError: it does not do that; the message says how
    """
    if not isinstance(find, str) or NUMBER not in find:
        raise ValueError(f'{name} is {shown(find)}, which asks for no number: write {NUMBER}, as in "?number={NUMBER}"')
    if ID in find:
        raise ValueError(f"{name} is {find!r}: only {NUMBER} is replaced in it")
    if not find.startswith("?"):
        check_path_template(find.replace(NUMBER, ID), name, True)
    elif not any(NUMBER in value for _key, value in parse_qsl(find[1:], True)):
        raise ValueError(f'{name} is {find!r}, where no parameter has the number: write "?number={NUMBER}"')
