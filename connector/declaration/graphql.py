"""Adapter of a system with a GraphQL API, declared: its lists, records and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import requests

from odoo.addons.jobs_queue.texts import shown

from ..exception import IDMissingInBackend, UnreadableAnswer
from ..unit.backend_adapter.bookmark import Bookmark
from ..unit.backend_adapter.errors import Refusal
from ..unit.backend_adapter.filters import parameters_of
from ..unit.backend_adapter.json_paths import value_at
from ..unit.backend_adapter.paging import Page, PageAnswer
from ..unit.types import ExternalId, ExternalRecord
from .endpoint import NO_ENDPOINT, EndpointAdapter
from .paginators import LinkPages, Paginator
from .selection import is_only_query, is_selectable, root_of, selection, variables_of, with_values
from .values import ID_NAMES, Header, id_values

#: Statuses of HTTP to which the codes of errors correspond; for all others it is 422.
_STATUSES = {
    "UNAUTHENTICATED": 401,
    "UNAUTHORIZED": 401,
    "ACCESS_DENIED": 403,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "RATE_LIMITED": 429,
    "THROTTLED": 429,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}
_LONGEST_WAIT = 86_400  # seconds
#: Names by which the extensions of an error may tell a status.
_STATUS_NAMES = ("status", "statusCode", "http_code", "httpStatus")


def _is_refusing(status: object) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600


class GraphQLAdapter(EndpointAdapter):
    """Adapter of a system with a GraphQL API.

    ::

        @shop
        class Orders(GraphQLAdapter):
            _model_name = "shop.sale.order"
            base = field("location")
            fields = "id number total { amount } lines { id sku quantity }"
            list = "orders(first: $size, after: $cursor, updatedAfter: $since)"
            one = "order(id: $id)"
            paginator = CursorPages(
                size=50, next="orders.pageInfo.endCursor", more="orders.pageInfo.hasNextPage"
            )

    The queries are made of that. Variables are replaced by their values: ``$size`` by the size of
    the paginator, ``$cursor`` by its parameter of this name, ``$id`` by the id as a text,
    ``$number`` by the id as a whole number, and others by the filters of the importer; one without
    a value is ``null``. All paths are below ``data``.

    Errors that come with the status 200 are read by :meth:`refusal`. An answer with errors is
    refused as a whole, also if it has data.
    """

    #: Path of the endpoint, below the base address
    path: str = "/graphql"
    #: What is selected of a record
    fields: str | None = None
    #: The field that lists records, with its arguments
    list: str | None = None
    #: The field that returns one record, with its arguments
    one: str | None = None
    #: JMESPath to the list of records below ``data``; by default ``nodes`` in the field of the list
    records: str | None = None
    #: Statuses of HTTP to which further codes of errors correspond: ``{"NO_SUCH_ORDER": 404}``
    codes: Mapping[str, int] = {}

    @classmethod
    def _check_declaration(cls, name: str) -> None:
        super()._check_declaration(name)
        for attribute in ("fields", "list", "one"):
            text = cls._declaration_of(attribute)
            if text is not None and not (isinstance(text, str) and text.strip()):
                raise ValueError(f"{name}, {attribute} is {shown(text)}: it must be a text of GraphQL")
        for attribute in ("list", "one"):
            text = cls._declaration_of(attribute)
            if text is not None and root_of(text) is None:
                raise ValueError(
                    f"{name}, {attribute} is {text!r}: it must begin with the name of a field of the query"
                )
        one, listing = cls._declaration_of("one"), cls._declaration_of("list")
        if one is not None and variables_of(one).isdisjoint(ID_NAMES):
            raise ValueError(f"{name}, one is {one!r}, which asks for no record: write $id where the id is")
        codes = cls._declaration_of("codes") or {}
        if not isinstance(codes, Mapping) or not all(map(_is_refusing, codes.values())):
            raise ValueError(
                f'{name}, codes is {shown(codes)}: it must be statuses of HTTP by codes, such as {{"NO_SUCH_ORDER": 404}}'
            )
        if listing is not None:
            params, *asking = map(cls._declaration_of, ("params", "paginator", "changed", "records"))
            _check_list(
                name, listing, {**(params or {}), **parameters_of(cls._declaration_of("filters") or {})}, *asking
            )

    def pages(self, filters: Mapping[str, Any] | None = None, bookmark: Bookmark | None = None) -> Iterator[Page]:
        """Yield the pages of the list, each a list of records as they come.

        :param filters: dict of variables in :attr:`list`
        :param bookmark: where it goes on
        :raise ValueError: the list has no such variable
        """
        pages = super().pages(filters, bookmark)
        params = {**self.params, **(filters or {})}
        _check_list(type(self).__name__, self.list or "", params, self.paginator, self.changed, self.records)
        return pages

    def refusal(self, answer: requests.Response) -> Refusal | None:
        """Return the refusal of the first error in an answer.

        Its code decides, which is ``code`` or ``category`` in its extensions, or its ``type``: see
        :attr:`codes`, and ``_STATUSES`` in ``graphql.py``. Where it has none, a status that it
        names. The record is missing only if the error is not about a part of it. ``retryAfter`` in
        its extensions are seconds to wait.
        """
        body = self.json_of(answer)
        errors = body.get("errors") if isinstance(body, dict) else None
        if not errors:
            return None
        error = errors[0] if isinstance(errors, Sequence) and not isinstance(errors, str) else errors
        if not isinstance(error, dict):
            return Refusal(422, str(error))
        extensions = error.get("extensions")
        extensions = extensions if isinstance(extensions, dict) else {}
        codes = [extensions.get("code"), error.get("code"), error.get("type"), extensions.get("category")]
        known = {str(code).upper(): status for code, status in {**_STATUSES, **self.codes}.items()}
        meant = (known.get(str(code).upper()) for code in codes)
        named = (found for found in (*codes, *map(extensions.get, _STATUS_NAMES)) if _is_refusing(found))
        status: Any = next(filter(None, meant), None) or next(named, 422)
        if status in NO_ENDPOINT and not _is_about_record(error.get("path"), answer):
            status = 422
        message = str(error.get("message") or next(filter(None, codes), None))
        wait = extensions.get("retryAfter")
        is_number = isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait < _LONGEST_WAIT
        return Refusal(status, message, seconds=wait if is_number else None)

    def _said(self, response: requests.Response) -> str:
        with suppress(UnreadableAnswer):
            if refusal := self.refusal(response):
                return refusal.message
        return super()._said(response)

    def query(self, text: str, variables: Mapping[str, Any] | None = None) -> Any:
        """Send a query or a mutation, and return the ``data`` of the answer.

        ``self.query("mutation ($order: OrderInput!) { ... }", {"order": data})``

        :param text: the whole text
        :param variables: dict, name of a variable without ``$`` to its value
        :raise ConnectorException: the answer has errors, see :meth:`refusal`
        """
        return self._data_of(self._sent(text, variables))

    def read(self, external_id: ExternalId, fields: Sequence[str] | None = None) -> ExternalRecord:
        """Return a record as a dict.

        :param fields: has no effect: :attr:`fields` is what is selected
        :raise IDMissingInBackend: the system returns ``null`` for it
        """
        if self.one is None or self.fields is None:
            raise NotImplementedError(f"{self._refusal('read')}, nor one and fields")
        values = id_values(external_id, variables_of(self.one))
        call = with_values(self.one, {**values, "id": str(external_id)})
        text = f"query {{ {call} {{ {self.fields} }} }}"
        data = self._data_of(self._sent(text))
        record = data.get(root_of(self.one))
        if record is None and root_of(self.one) in data:
            raise IDMissingInBackend(
                self._("%(system)s does not have the record %(id)s.", system=self._label, id=shown(external_id))
            )
        if not isinstance(record, dict):
            raise self._nonsense()
        return record

    # How it does it

    @property
    def _list_path(self) -> str:
        if self.list is None or self.fields is None:
            raise NotImplementedError(f"{self._refusal('search')}, nor list and fields")
        return self.path

    def _ask(self, path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
        call, fields = self.list, self.fields
        assert call is not None and fields is not None  # by _list_path
        values = {"size": getattr(self._used_paginator, "size", None), **(params or {})}
        calls = {str(root_of(call)): with_values(call, values)}
        text = f"query {selection(calls, _places_of(self.paginator), self._records_path, fields)}"
        response = self._sent(text)
        return PageAnswer(self._data_of(response), response.headers, response.url)

    @property
    def _records_path(self) -> str:
        return self.records or _usual_records(self.list or "")

    def _records_of(self, answer: PageAnswer) -> Any:
        return self._list_at(self._records_path, answer)

    def _sent(self, text: str, variables: Mapping[str, Any] | None = None) -> requests.Response:
        body = {"query": text, **({"variables": variables} if variables else {})}
        return self.request("POST", self.path, json=body, idempotent=True if is_only_query(text) else None)

    def _data_of(self, response: requests.Response) -> Any:
        data = value_at("data", self.json_of(response))
        if not isinstance(data, dict):
            raise self._nonsense()
        return data


def _check_list(name: str, text: str, params: Any, paginator: Any, changed: Any, records: str | None) -> None:
    """Check that a list sends all that it is asked with, and selects what has to be found.

    :param name: name of the class, for the message
    :param text: the field that lists records
    :raise ValueError: it does not; the message names the way out
    """
    asking = [(found, "a parameter or filter") for found in params or {}]
    for declared in (paginator, changed):
        for attribute in ("parameter", "from_parameter", "to_parameter", "until"):
            asking.append((getattr(declared, attribute, None), type(declared).__name__))
    for parameter, what in asking:
        if isinstance(parameter, Header):
            raise ValueError(f"{name}: {what} asks with the {parameter}, which is not sent: name a variable of list")
        if parameter is not None and parameter not in variables_of(text):
            raise ValueError(
                f"{name}, list is {text!r}, which never sends what {what} asks with: write ${parameter} in it, outside of any text"
            )
    if isinstance(paginator, LinkPages):
        raise ValueError(f"{name}, paginator is LinkPages: an answer of GraphQL has no links")
    for path in (records or _usual_records(text), *_places_of(paginator)):
        if not is_selectable(path) or path.split(".")[0].partition("[")[0] != root_of(text):
            raise ValueError(
                f"{name}: {path!r} does not say what has to be selected. It must be the names of fields, from {root_of(text)} on, "
                f"such as '{root_of(text)}.pageInfo.endCursor'"
            )


def _usual_records(text: str) -> str:
    return f"{root_of(text)}.nodes"


def _places_of(paginator: Paginator | None) -> tuple[str, ...]:
    """Return the paths where a paginator looks into an answer."""
    found = (getattr(paginator, name, None) for name in ("next", "more", "total"))
    return tuple(path for path in found if isinstance(path, str))


def _is_about_record(path: object, answer: requests.Response) -> bool:
    """Return whether an error at a path is about the whole record, and not about a part of it.

    Without a path it is, unless the status says that nobody may have read the query.
    """
    if path is None:
        return answer.status_code < 300
    return isinstance(path, Sequence) and len(path) == 1
