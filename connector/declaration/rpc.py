"""Adapter of a system with remote procedures, declared: calls, session and faults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cached_property
from hashlib import sha256
from typing import Any, Self

import requests
from requests import PreparedRequest
from requests.auth import AuthBase

from odoo.tools import split_every
from odoo.tools.lru import LRU

from odoo.addons.jobs_queue.texts import shown

from ..exception import IDMissingInBackend, InvalidDataError, UnreadableAnswer
from ..unit.backend_adapter.bookmark import Bookmark
from ..unit.backend_adapter.decoding import TooManyValues
from ..unit.backend_adapter.errors import Refusal
from ..unit.backend_adapter.json_paths import value_at
from ..unit.backend_adapter.paging import Page, PageAnswer
from ..unit.backend_adapter.sending import prepared
from ..unit.connector_unit import external_id_text
from ..unit.types import ExternalId, ExternalRecord, Values
from .calls import WINDOW, Call, MultiCall, has_window
from .endpoint import EndpointAdapter
from .paginators import IdWindows, LinkPages, OnePage
from .protocols import PROTOCOLS, Fault, RpcProtocol
from .values import Header, check_path_template, id_values, ids_values

#: Stands for the session, which is known when a call is sent.
SESSION = object()

#: Characters of a session from which on it is masked: a shorter one is in other texts by chance. So
#: is a number, such as the id of a user.
_SHORTEST_SECRET = 4

#: Sessions that serve the later jobs of this process, by the key that stands for the login.
_KEPT = LRU(1000)

#: How a call is sent with the session, unless declared.
_THROUGH = Call("call", "{session}", "{method}", "{arguments}")

#: Methods of an adapter that are calls, and what their arguments may name.
_VERBS: dict[str, set[str]] = {
    "create": {"data"},
    "write": {"id", "data"},
    "delete": {"id"},
    "who_am_i": set(),
    "system_version": set(),
}
# What stands for ids as numbers are ids, too
_SAME = {"number": "id", "numbers": "ids"}
# Stands for filters that are no dict, among the parameters of a list
_FILTERS = object()


def _check_pages(name: str, call: Call | None, paginator: Any, asked: Any) -> None:
    """Check that a list sends all that it is asked with.

    :param name: name of the class, for the message
    :param asked: what it is asked with besides the page, None or empty for nothing
    :raise ValueError: it does not; the message names the way out
    """
    if isinstance(paginator, LinkPages):
        raise ValueError(f"{name}, paginator is LinkPages: a result has no links")
    for part in fields(paginator) if paginator else ():
        if isinstance(header := getattr(paginator, part.name), Header):
            raise ValueError(f"{name}, paginator has the {header}: a result has no headers, and a call sends none")
    if call is None:
        return
    sent = call.placeholders()
    if asked and sent.isdisjoint(("params", "filters")):
        raise ValueError(
            f"{name}, list never sends {shown(asked)}: it needs a Window, {{params}} or {{filters}} among its arguments"
        )
    if paginator is None:
        return
    if has_window(call) and not isinstance(paginator, IdWindows):
        raise ValueError(f"{name}, list has a Window: its paginator must be IdWindows(size=...)")
    if has_window(call) and (paginator.from_parameter, paginator.to_parameter) != WINDOW:
        raise ValueError(
            f"{name}, list has a Window: its IdWindows must not name parameters, as it has names of its own"
        )
    if "params" not in sent and not (isinstance(paginator, OnePage) or paginator.names <= sent):
        names = ", ".join(f"{{{name}}}" for name in sorted(paginator.names))
        raise ValueError(
            f"{name}, list sends no page: it needs a Window, {{params}}, or all of {names} among its arguments, or OnePage()"
        )


class RpcAdapter(EndpointAdapter):
    """Adapter of a system with remote procedures.

    ::

        @shop
        class OldCustomers(RpcAdapter):
            _model_name = "shop.res.partner"
            path, protocol = "/api/xmlrpc", "xmlrpc"
            login = Call("login", field("user"), secret("key"))
            expired, missing, denied = {5}, {102}, {2}
            list, one = Call("customer.list", Window("customer_id")), Call("customer.info", "{id}")
            id_field, paginator, many = "customer_id", IdWindows(size=1000), MultiCall(50)
            verbs = {"write": Call("customer.update", "{id}", "{data}")}

    The login gives a session. When it has expired, there is one new login. If :attr:`expired` says
    how that shows, a session serves later jobs of the process, too; else it serves until the end of
    the environment. Faults become what their codes are declared to mean; others are refusals. If it
    declares how one record or many are read, the records of its list count as excerpts.
    """

    #: ``xmlrpc``, ``jsonrpc``, or ``json`` for JSON by POST to ``path/method``
    protocol: str = "xmlrpc"
    #: Path of the endpoint, below the base address
    path: str = "/xmlrpc"
    #: Path of the endpoint of the login, if it has another one
    login_path: str | None = None
    #: Call whose result is the session, None if there is none
    login: Call | None = None
    #: JMESPath to the session in the result of the login; None: the result is the session
    session_at: str | None = None
    #: How each other call is sent, if there is a session: by default ``call(session, method,
    #: [arguments])``. If the session is the first argument of each method, it is
    #: ``Call("{method}", "{session}", "{*arguments}")``
    through: Call = _THROUGH
    #: Codes of faults: the session has expired
    expired: Collection[int | str] = ()
    #: Codes of faults: there is no such record
    missing: Collection[int | str] = ()
    #: Codes of faults: wrong credentials at the login, one missing right at a call
    denied: Collection[int | str] = ()
    #: Name of the kind of record in the system, such as ``customer``, for which ``{resource}``
    #: stands in calls; or a cached_property
    resource: Any = None
    #: Call that lists records, with :class:`~.calls.Window`, ``{params}`` or ``{filters}`` and the
    #: parameters of the paginator among its arguments
    list: Call | None = None
    #: Call that returns one record, with ``{id}``; by default :attr:`many` with one id
    one: Call | None = None
    #: How many records are read by one call: :class:`~.calls.MultiCall`, or a call with ``{ids}``
    #: that returns the list of those that exist. None: each by a call of its own
    many: MultiCall | Call | None = None
    #: Call that returns the ids or records with a number that people know, ``{number}``
    find: Call | None = None
    #: Calls that change records: create with ``{data}``, write with ``{id}`` and ``{data}``, delete
    #: with ``{id}``; and who_am_i and system_version, for the connection test
    verbs: Mapping[str, Call] = {}

    _json_paths = (*EndpointAdapter._json_paths, "session_at")
    _with_fields = (*EndpointAdapter._with_fields, "login", "through", "list", "one", "many", "find", "verbs")

    @classmethod
    def _check_declaration(cls, name: str) -> None:
        super()._check_declaration(name)
        if cls.protocol not in PROTOCOLS:
            raise ValueError(f"{name}, protocol is {shown(cls.protocol)}: it must be one of {', '.join(PROTOCOLS)}")
        for attribute in ("expired", "missing", "denied"):
            codes = cls._declaration_of(attribute)
            if isinstance(codes, str) or not isinstance(codes, Collection):
                raise ValueError(f"{name}, {attribute} is {shown(codes)}: it must be a set of codes, such as {{5}}")
        login, through = cls._declaration_of("login"), cls._declaration_of("through")
        cls._check_call(f"{name}, login", login, set())
        if login is not None:
            cls._check_arguments(f"{name}, login", login)
        if (login_path := cls._declaration_of("login_path")) is not None:
            check_path_template(login_path, f"{name}, login_path", False)
        known = {"session", "method", "arguments"}
        if login is not None or through is not _THROUGH:
            cls._check_call(f"{name}, through", through, known, known, {"arguments"})
            if through is not None:
                cls._check_arguments(f"{name}, through", through)
        cls._check_resource(name)
        cls._check_calls(name)
        if not cls._overrides("call"):  # else it says itself how its calls are sent
            cls._check_sending(name, through)

    @classmethod
    def _check_calls(cls, name: str) -> None:
        listing, one, many, verbs = map(cls._declaration_of, ("list", "one", "many", "verbs"))
        paginator, *asked = map(cls._declaration_of, ("paginator", "changed", "params", "filters"))
        of_page = paginator.names if paginator else ()
        cls._check_call(f"{name}, list", listing, {"params", "filters", "resource", *of_page}, lists={"filters"})
        cls._check_call(f"{name}, one", one, {"id", "fields", "resource"}, {"id"}, {"fields"})
        if not isinstance(many, MultiCall | None):
            example = 'MultiCall(50) or Call("customer.read", "{ids}")'
            of_many, lists = {"ids", "fields", "resource"}, {"ids", "numbers", "fields"}
            cls._check_call(f"{name}, many", many, of_many, {"ids"}, lists, example)
        # there it is not the id, but what somebody has typed
        find = cls._declaration_of("find")
        cls._check_call(f"{name}, find", find, {"number", "resource"}, required={"number"}, same={})
        for method, call in (verbs or {}).items():
            if method not in _VERBS:
                raise ValueError(f"{name}, verbs has {method!r}, which no adapter has. There are: {', '.join(_VERBS)}")
            known = _VERBS[method]
            cls._check_call(f'{name}, verbs["{method}"]', call, {*known, "resource"}, required=known)
        _check_pages(name, listing, paginator, next(filter(None, asked), None))

    @classmethod
    def _check_sending(cls, name: str, through: Any) -> None:
        """Check that the protocol, and :attr:`through`, can send the arguments of the calls."""
        listing, one, many, verbs = map(cls._declaration_of, ("list", "one", "many", "verbs"))
        protocol, is_multi = PROTOCOLS[cls.protocol], isinstance(many, MultiCall)
        of_verbs = {f'verbs["{method}"]': call for method, call in (verbs or {}).items()}
        find = cls._declaration_of("find")
        calls = {"list": listing, "one": one, "many": None if is_multi else many, "find": find, **of_verbs}
        for attribute, call in calls.items():
            if call is not None:
                cls._check_arguments(f"{name}, {attribute}", call)
        spreads = through is not None and through.spreads()
        if spreads and any(call is not None and call.named for call in calls.values()):
            raise ValueError(
                f"{name} has a call with arguments by name, but through has {{*arguments}}: give them by position"
            )
        if is_multi and not protocol.takes_positions:
            raise ValueError(
                f"{name}, many sends arguments by position, which {cls.protocol} does not have: override read_many()"
            )
        if is_multi and through not in (None, _THROUGH):
            raise ValueError(f"{name}, many does not send its calls as through says: override read_many() in its place")

    @classmethod
    def _check_resource(cls, name: str) -> None:
        resource = vars(cls).get("resource")
        if isinstance(resource, property):
            raise ValueError(
                f"{name}, resource is a property: make it a cached_property, so that of() can give another"
            )
        if not (resource is None or isinstance(resource, cached_property) or (isinstance(resource, str) and resource)):
            raise ValueError(f"{name}, resource is {shown(resource)}: it must be a text such as 'customer'")

    @classmethod
    def _check_call(
        cls,
        name: str,
        call: Any,
        known: set[str],
        required: Collection[str] = (),
        lists: Collection[str] = (),
        example: str = 'Call("customer.list")',
        same: Mapping[str, str] = _SAME,
    ) -> None:
        if call is None:
            return
        if not isinstance(call, Call):
            raise ValueError(f"{name} is {shown(call)}: it must be such as {example}")
        named = {same.get(placeholder, placeholder) for placeholder in call.placeholders()}
        for placeholder in sorted(named - known):
            raise ValueError(
                f"{name} has {{{placeholder}}}, for which there is no value. There is: {', '.join(sorted(known)) or 'none'}"
            )
        for placeholder in sorted(set(required) - named):
            raise ValueError(
                f'{name} has no {{{placeholder}}} among its arguments: Call("{call.method}", "{{{placeholder}}}")'
            )
        for placeholder in sorted(call.spreads().difference(lists)):
            raise ValueError(f"{name} has {{*{placeholder}}}, but it is no list: write {{{placeholder}}}")

    @classmethod
    def _check_arguments(cls, name: str, call: Call) -> None:
        if call.named and not PROTOCOLS[cls.protocol].takes_names:
            raise ValueError(f"{name} has arguments by name, which {cls.protocol} does not have: give them by position")
        if call.arguments and not PROTOCOLS[cls.protocol].takes_positions:
            raise ValueError(f"{name} has arguments by position, which {cls.protocol} does not have: give them by name")

    # The methods that synchronizers use; search and search_read are those of every declared adapter

    @property
    def lists_records(self) -> bool:
        is_read = self.one is not None or isinstance(self.many, Call)
        return self._overrides("search_read") or (not is_read and super().lists_records)

    @property
    def reads_many_at_once(self) -> bool:
        return self._overrides("read_many") or (self.many is not None and not self._overrides("read"))

    def pages(self, filters: Mapping[str, Any] | None = None, bookmark: Bookmark | None = None) -> Iterator[Page]:
        """Yield the pages of the list, each a list of records as they come.

        :param filters: dict, further filters; anything else for a list with ``{filters}``
        :param bookmark: where it goes on
        :raise ValueError: the list does not send them
        """
        pages = super().pages(filters, bookmark)
        _check_pages(type(self).__name__, self.list, self.paginator, filters or self.params)
        return pages

    def _params_of(self, filters: Any) -> dict[Any, Any]:
        is_alone = self.list is not None and "filters" in self.list.placeholders() and not self.params
        if is_alone and not isinstance(filters or {}, Mapping):
            return {_FILTERS: filters}
        return super()._params_of(filters)

    def read(self, external_id: ExternalId, fields: Sequence[str] | None = None) -> ExternalRecord:
        """Return a record as a dict.

        :param fields: names of the fields, for which ``{fields}`` stands
        :raise IDMissingInBackend: the system has no such record
        """
        if self.one is None and isinstance(self.many, Call):
            found = (record for record in self.read_many([external_id], fields) if self._has_id(record, external_id))
            return self._record(next(found, None), external_id)
        one = self._declared(self.one, "read", "one")
        values = {**id_values(external_id, one.placeholders()), "fields": fields}
        return self._record(self._call_declared(one, values, True), external_id)

    @property
    def _kind(self) -> str:
        """The kind of record, as the system calls it if that is known."""
        return self.resource or self.environment.model_name

    def _has_id(self, record: ExternalRecord, external_id: ExternalId) -> bool:
        return external_id_text(self.id_of(record)) == external_id_text(external_id)

    def read_once(self, external_id: ExternalId, fields: Sequence[str] | None = None) -> ExternalRecord:
        """Return a record that many others refer to, such as a country; a job reads it once.

        ``self.of("country").read_once(31, ["code"])["code"]``

        :param fields: as for :meth:`read`
        :raise IDMissingInBackend: the system has no such record
        """
        known = self.environment.open("records of RpcAdapter that are read once", dict)
        key = self.path, self._kind, external_id_text(external_id), *(fields or ())
        if key not in known:
            known[key] = self.read(external_id, fields)
        return known[key]

    def of(self, resource: str) -> Self:
        """Return an adapter like this one for another kind of record, such as one without bindings.

        :param resource: what ``{resource}`` stands for in its calls
        """
        adapter = type(self)(self.environment)
        adapter.resource = resource
        return adapter

    def read_many(
        self, external_ids: Iterable[ExternalId], fields: Sequence[str] | None = None
    ) -> Sequence[ExternalRecord]:
        """Return records as a list of dicts; records that do not exist are left out.

        They are read by :attr:`many`, if that is declared and :meth:`read` is not overridden.

        :param fields: as for :meth:`read`
        """
        if self.many is None or self._overrides("read"):
            return super().read_many(external_ids, fields)
        external_ids = [*external_ids]
        if isinstance(self.many, Call):
            return self._read_by(self.many, external_ids, fields) if external_ids else []
        one = self._declared(self.one, "read", "one")
        records = []
        for ids in split_every(self.many.size, external_ids):
            known = [{**id_values(external_id, one.placeholders()), "fields": fields} for external_id in ids]
            calls = [self._filled_call(one, values) for values in known]
            session, (asked, _arguments) = [SESSION] if self.login else [], calls[0]
            self._is_many = True
            try:
                arguments = [*session, [[*call] for call in calls]]
                results = self._result(asked, self.many.method, arguments, idempotent=True, reads=True)
            finally:
                self._is_many = False
            if not isinstance(results, Sequence) or len(results) != len(calls):
                raise self._nonsense()
            for external_id, result in zip(ids, results, strict=True):
                with suppress(IDMissingInBackend):
                    records.append(self._record(self._meant(one, self._of_many(asked, result)), external_id))
        return records

    def _read_by(
        self, call: Call, external_ids: Sequence[ExternalId], fields: Sequence[str] | None
    ) -> Sequence[ExternalRecord]:
        """Return the records that a call with many ids returns.

        :raise UnreadableAnswer: they are not a list of dicts that have ids
        """
        values = {**ids_values(external_ids, call.placeholders()), "fields": fields}
        records = self._call_declared(call, values, True)
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise self._nonsense()
        with suppress(KeyError):
            for record in records:
                self.id_of(record)
            return records
        raise self._nonsense()

    def find_by_number(self, number: str) -> Sequence[ExternalId]:
        """Return the ids of the records with a number, by one call: see :attr:`find`."""
        call = self._declared(self.find, "find_by_number", "find")
        try:
            found = self._call_declared(call, {"number": number}, True)
        except IDMissingInBackend:
            return []
        records = found if isinstance(found, Sequence) else self._list_at(self.records, PageAnswer(found or []))
        return [self._listed_id(record) for record in records]

    def create(self, data: Values) -> ExternalId:  # type: ignore[override]  # the system knows no key
        """Create a record and return its id: the result, or what :meth:`~.calls.Call.at` says.

        :raise InvalidDataError: the system has no record that is named in the data
        :raise UnreadableAnswer: the result is no id: nobody knows whether it was created
        """
        call = self._declared(self.verbs.get("create"), "create", 'verbs["create"]')
        try:
            created = self._call_declared(call, {"data": data})
        except IDMissingInBackend as error:  # a record that is named in the data
            raise InvalidDataError(str(error)) from None
        if isinstance(created, bool) or not isinstance(created, str | int) or created == "":
            raise self._nonsense()
        return created

    def write(self, external_id: ExternalId, data: Values) -> object:
        """Change the values of a record."""
        call = self._declared(self.verbs.get("write"), "write", 'verbs["write"]')
        return self._call_declared(call, {**id_values(external_id, call.placeholders()), "data": data})

    def delete(self, external_id: ExternalId) -> object:
        """Delete a record."""
        call = self._declared(self.verbs.get("delete"), "delete", 'verbs["delete"]')
        return self._call_declared(call, id_values(external_id, call.placeholders()))

    def who_am_i(self) -> str | None:
        return self._told_by("who_am_i")

    def system_version(self) -> str | None:
        return self._told_by("system_version")

    def _told_by(self, method: str) -> str | None:
        """Return the text or number that a declared call returns, None if none is declared."""
        if (call := self.verbs.get(method)) is None:
            return None
        told = self._call_declared(call, {}, True)
        if isinstance(told, bool) or not isinstance(told, str | int | float):
            raise self._nonsense()
        return str(told)

    def call(self, method: str, arguments: Any = (), idempotent: bool = False, reads: bool = False) -> Any:
        """Call any method of the system, and return its result.

        ``self.call("stock.update", [external_id, 5])``

        :param arguments: list, or dict of arguments by name
        :param idempotent: whether it may be sent twice
        :param reads: whether it changes nothing there: such calls are made in a rehearsal, too
        :raise ConnectorException: the system answers with a fault, see :meth:`refusal_of`
        """
        asked = method
        if self.login is not None:
            known = {"session": SESSION, "method": method, "arguments": arguments}
            method, arguments = self.through.filled(known, self._value)
        return self._result(asked, method, arguments, idempotent, reads)

    def _call_declared(self, call: Call, values: Mapping[str, Any], reads: bool = False) -> Any:
        """Make a declared call, and return what is meant in its result.

        :param values: dict, name of what stands in braces to its value
        :raise UnreadableAnswer: that is not there
        """
        return self._meant(call, self.call(*self._filled_call(call, values), idempotent=reads, reads=reads))

    def _filled_call(self, call: Call, values: Mapping[str, Any]) -> tuple[str, Any]:
        if "resource" in call.placeholders():
            if self.resource is None:
                raise NotImplementedError(
                    f'{type(self).__name__} declares no resource, for which {call.method} has a place: resource = "customer"'
                )
            values = {**values, "resource": self.resource}
        return call.filled(values, self._value)

    def _meant(self, call: Call, result: Any) -> Any:
        """Return what is meant in the result of a call; nothing, or False, is itself."""
        if call.place is None or result is None or result is False:
            return result
        if (found := value_at(call.place, result)) is None:
            raise self._nonsense()
        return found

    def refusal(self, answer: requests.Response) -> Refusal | None:
        """Return what a fault means by its code, None if the answer has a result."""
        found = self._read(answer)
        if isinstance(found, Fault):
            return self.refusal_of(found)
        faults = filter(None, map(_fault_in, found)) if self._is_many and isinstance(found, list) else ()
        expired = (fault for fault in faults if fault.is_one_of(self.expired))
        return next(map(self.refusal_of, expired), None)

    def refusal_of(self, fault: Fault) -> Refusal:
        """Return what a fault means, by :attr:`denied`, :attr:`expired` and :attr:`missing`.

        Override it if your system says more.
        """
        at_login = self._logging_in is not None
        if fault.is_one_of(self.denied):
            return Refusal(401, fault.message) if at_login else Refusal(403, fault.message, self._asked)
        if fault.is_one_of(self.expired):
            return Refusal(401, fault.message)
        is_missing = not at_login and fault.is_one_of(self.missing)
        return Refusal(404 if is_missing else 422, fault.message)

    def _said(self, response: requests.Response) -> str:
        with suppress(UnreadableAnswer):
            if isinstance(found := self._read(response), Fault) and found.message:
                return found.message
        return super()._said(response)

    # How it does it

    # name of the method that was called last, and what is sent, with SESSION for the session
    _asked: str = ""
    _sent: tuple[str, Any] = ("", ())
    # key of the session that is asked for, None if none is
    _logging_in: str | None = None
    # whether the results of many calls are asked for
    _is_many = False
    # the last answer that was read, and what is in it
    _last: tuple[requests.Response | None, Any] = (None, None)

    @property
    def _protocol(self) -> RpcProtocol:
        return PROTOCOLS[self.protocol]

    @property
    def _list_path(self) -> str:
        self._declared(self.list, "search", "list")
        return self.path

    def _declared(self, call: Call | None, method: str, name: str) -> Call:
        if call is None:
            raise NotImplementedError(f"{self._refusal(method)}, nor the call: {name} = Call(...)")
        return call

    def _ask(self, path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
        call, asked = self._declared(self.list, "search", "list"), dict(params or {})
        is_list = "filters" in call.spreads()
        of_page = {name: asked[name] for name in self._used_paginator.names if name in asked}
        rest = {name: value for name, value in asked.items() if name not in of_page}
        filters = rest.pop(_FILTERS, rest or ([] if is_list else {}))
        result = self._call_declared(call, {**of_page, "params": asked, "filters": filters}, True)
        # a result of nothing is not an empty page, but no list
        return PageAnswer({} if result is None else result)

    def _path_for(self, path: str, method: str) -> str:
        """Return the path to which a call of a method goes."""
        return f"{path.rstrip('/')}/{method}" if self._protocol.method_in_path else path

    def _result(
        self, asked: str, method: str, arguments: Any, idempotent: bool, reads: bool, path: str | None = None
    ) -> Any:
        self._asked, self._sent = asked, (method, arguments)
        path = self._path_for(path or self.path, method)
        response = self.request("POST", path, idempotent=idempotent, reads=reads, **self._content(None))
        return self._read(response)

    def _told_request(self, method: str, url: str) -> str:
        return self._asked

    def _content(self, session: Any) -> dict[str, Any]:
        method, arguments = self._sent
        body = self._protocol.body(method, _with_session(arguments, session))
        return {"data": body, "headers": {"Content-Type": self._protocol.content_type}}

    def _read(self, response: requests.Response) -> Any:
        """Return the result in an answer, or the :class:`~.protocols.Fault`; it is read once."""
        last, found = self._last
        if last is not response:
            try:
                found = self._protocol.read(response, self._most_values)
            except TooManyValues:
                raise UnreadableAnswer(
                    f"{self._label} answers with more than {self._most_values} values at once: that is not read"
                ) from None
            except ValueError:
                raise self._nonsense() from None
            self._last = response, found
        return found

    def _of_many(self, method: str, result: Any) -> Any:
        """Return one of many results; a fault among them is raised."""
        if fault := _fault_in(result):
            self._asked = method
            raise self._noted(self._expressed_error(self.refusal_of(fault), self._last[0]))  # type: ignore[arg-type]  # there is one
        return result

    def _record(self, found: Any, external_id: ExternalId) -> ExternalRecord:
        if found is None or found is False:
            record = f"{self._kind} {external_id_text(external_id)}"
            raise IDMissingInBackend(
                self._("%(record)s does not exist any more in %(system)s.", record=record, system=self._label)
            )
        if not isinstance(found, dict):
            raise self._nonsense()
        return found

    # The session

    def _checked_auth(self) -> Any:
        auth = super()._checked_auth()
        return auth if self.login is None else _SessionAuth(self, auth)

    def _error_text(self, kind: type[Exception], status: int, said: dict[str, Any]) -> str:
        if issubclass(kind, IDMissingInBackend):  # a fault says so of a record, unlike a status 404
            return self._("%(system)s does not have the record any more: %(message)s", **said)
        return super()._error_text(kind, status, said)

    def _secrets(self) -> Iterable[str]:
        texts = (session for session in self._sessions.values() if isinstance(session, str))
        return [*super()._secrets(), *(session for session in texts if len(session) >= _SHORTEST_SECRET)]

    @property
    def _sessions(self) -> dict[str, Any]:
        """The sessions of the environment, by the key of the login."""
        return self.environment.open("sessions of RpcAdapter", dict)

    def _login(self) -> tuple[str, str, dict[str, Any]]:
        """Return the key of the session, and the address and options of the request that logs in.

        The key is another one as soon as the backend is changed.
        """
        method, arguments = self._declared(self.login, "log in", "login").filled({}, self._value)
        headers = {**self._values(self.headers), "Content-Type": self._protocol.content_type}
        content = prepared(None, None, self._protocol.body(method, arguments), headers)
        url, backend = self._url(self._path_for(self.login_path or self.path, method)), self.backend_record
        of_backend = self.env.cr.dbname, backend._name, backend.id, backend.write_date
        sent = of_backend, url, content["data"], sorted(content["headers"].items()), self.session_at
        return sha256(repr(sent).encode()).hexdigest(), url, content

    def _session(self, auth: Any) -> Any:
        """Return the session; log in if there is none.

        :raise CredentialsRefused: the system denies it
        """
        key, url, content = self._login()
        if self.expired and key not in self._sessions and (kept := _KEPT.get(key)) is not None:
            self._sessions[key] = kept
        if key not in self._sessions:
            self._logging_in = key
            try:
                response = self._send("POST", url, auth, True, **content)
                if response.status_code == 401 and hasattr(auth, "renew"):
                    auth.renew()
                    response = self._send("POST", url, auth, True, **content)
                refusal = self._expressed(response)
            finally:
                self._logging_in = None
            if refusal is None and response.status_code < 300 and self._read(response) is False:
                refusal = Refusal(401, self._("wrong login or API key"))
            self._accepted(response, refusal)
            if key not in self._sessions:
                raise self._nonsense()
            _KEPT[key] = self._sessions[key]
        return self._sessions[key]

    def _log(self, response: requests.Response | None, failure: Any, seconds: float) -> None:
        if self._logging_in is not None and response is not None:
            self._keep_session(response)  # before the answer is stored: the session is a secret of it
        super()._log(response, failure, seconds)

    def _keep_session(self, response: requests.Response) -> None:
        with suppress(UnreadableAnswer):
            result = self._read(response)
            # some systems refuse by a text: it is no session
            is_refused = isinstance(result, Fault) or self._expressed(response) is not None
            session = None if is_refused else value_at(self.session_at, result)
            if isinstance(session, str | int) and not isinstance(session, bool) and session != "":
                self._sessions[self._logging_in] = session  # type: ignore[index]  # it is a key now

    def _has_other_session(self, auth: Any) -> bool:
        """Log in anew, and return whether that gives another session than before."""
        before = self._session(auth)
        self._forget_session()
        return bool(self._session(auth) != before)

    def _forget_session(self) -> None:
        key = self._login()[0]
        if self._sessions.pop(key, None) == _KEPT.get(key):  # else another job has renewed it
            _KEPT.pop(key, None)


class _SessionAuth(AuthBase):
    """Puts the session into the call, and logs in where there is none or it has expired."""

    def __init__(self, adapter: RpcAdapter, auth: Any) -> None:
        self._adapter, self._auth = adapter, auth

    @property
    def is_other(self) -> bool:
        """Whether a new login gives another session: then the old one may be why a call failed."""
        return self._adapter._has_other_session(self._auth)

    @property
    def secrets(self) -> Iterable[str]:
        return getattr(self._auth, "secrets", ())

    def renew(self) -> None:
        self._adapter._forget_session()
        if hasattr(self._auth, "renew"):
            self._auth.renew()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        session = self._adapter._session(self._auth)
        request.prepare_body(self._adapter._content(session)["data"], None)
        return self._auth(request) if self._auth else request


def _fault_in(result: Any) -> Fault | None:
    """Return the fault that one of many results is, None if it is none."""
    if not isinstance(result, Mapping) or "faultCode" not in result:
        return None
    return Fault(result["faultCode"], str(result.get("faultMessage") or result.get("faultString")))


def _with_session(value: Any, session: Any) -> Any:
    """Return arguments with the session where :data:`SESSION` stands."""
    if value is SESSION:
        return session
    if isinstance(value, list | tuple):
        return [_with_session(item, session) for item in value]
    if isinstance(value, Mapping):
        return {name: _with_session(item, session) for name, item in value.items()}
    return value
