"""Base class of declared adapters: checks the declaration, and reads the backend's fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property, partial
from inspect import signature
from typing import Any
from urllib.parse import urlsplit

import requests

from odoo.fields import NO_ACCESS

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.texts import shown

from ..credentials.secret_char import SecretChar
from ..exception import CredentialsRefused, InvalidBackend, InvalidDataError, UnreadableAnswer
from ..extension import class_name
from ..unit.backend_adapter.bookmark import Bookmark
from ..unit.backend_adapter.decoding import json_or_none
from ..unit.backend_adapter.filters import check_filters, parameters_of
from ..unit.backend_adapter.http import HttpAdapter
from ..unit.backend_adapter.json_paths import check_path, value_at
from ..unit.backend_adapter.paging import Page, PageAnswer, pages_from
from ..unit.backend_adapter.paths import path_below
from ..unit.backend_adapter.sending import prepared
from ..unit.backend_adapter.since import Since
from ..unit.backend_adapter.tokens import TokenAnswer, token_in
from ..unit.connector_unit import Environment
from ..unit.types import ExternalId, ExternalRecord
from .authentication import Authentication
from .paginators import Listing, Paginator
from .values import Field, fields_in, frozen

_FRAMEWORK = "odoo.addons.connector."
_MOST_NAMES = 10  # that a message lists
# Statuses by which systems refuse a login
_LOGIN_REFUSED = (400, 401, 403, 422)


class DeclaredAdapter(HttpAdapter):
    """Base of the adapters that are declared: the address, headers, lists and ids.

    What a class declares is checked when the class is made; the fields of the backend that it
    names, when it is first used. Each method may be overridden, and then does what the override
    says.
    """

    #: The base address: ``field("location")``, or a text
    base: Any = None
    #: Headers of each request, {name: text, ``field()`` or ``secret()``}
    headers: Mapping[str, Any] = {}
    #: How it authenticates, such as ``Bearer(secret("token"))``; None for not at all
    auth: Authentication | None = None
    #: Parameters of each request for a page, {name: value, ``field()`` or ``secret()``}
    params: Mapping[str, Any] = {}
    #: JMESPath to the list of records in an answer; None: the answer is the list
    records: str | None = None
    #: JMESPath to the id in a record
    id_field: str = "id"
    #: How lists go on, such as :class:`~.paginators.NumberPages`
    paginator: Paginator | None = None

    # names of the attributes that are JMESPath, or None
    _json_paths: tuple[str, ...] = ("records", "id_field")
    # names of the attributes that may name fields of the backend
    _with_fields: tuple[str, ...] = ("base", "auth", "headers", "params")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._check_declaration(class_name(cls))
        for attribute in ("headers", "params", "verbs", "filters"):
            if isinstance(declared := getattr(cls, attribute, None), dict):
                setattr(cls, attribute, frozen(declared))

    _how_to_quote = 'self.path_to("/products", external_id)'  # path() is here a text

    @classmethod
    def _check_declaration(cls, name: str) -> None:
        """Check what the class declares.

        :param name: complete name of the class
        :raise ValueError: something is not what it must be; the message names it and the way out
        """
        base, paginator, changed = map(cls._declaration_of, ("base", "paginator", "changed"))
        if not (base is None or isinstance(base, Field) or _is_address(base)):
            raise ValueError(f'{name}, base is {shown(base)}: it must be an address, or field("location")')
        auth = cls._declaration_of("auth")
        if not (auth is None or isinstance(auth, Authentication)):
            raise ValueError(f'{name}, auth is {shown(auth)}: it must be such as Bearer(secret("token"))')
        for attribute in ("headers", "params"):
            if not isinstance(cls._declaration_of(attribute) or {}, Mapping):
                raise ValueError(f"{name}, {attribute} is {shown(getattr(cls, attribute))}: it must be a dict")
        for attribute in cls._json_paths:
            if (path := cls._declaration_of(attribute)) is not None:
                check_path(path, f"{name}, {attribute}")
        if isinstance(paginator, type):
            raise ValueError(f"{name}, paginator is a class: make a value of it, {paginator.__name__}(...)")
        if not (paginator is None or isinstance(paginator, Paginator)):
            raise ValueError(f"{name}, paginator is {shown(paginator)}: it must be one such as NumberPages()")
        if not (changed is None or isinstance(changed, Since)):
            raise ValueError(f'{name}, changed is {shown(changed)}: it must be Since(parameter="updated_since")')
        cls._check_filters(name, paginator, changed)
        if paginator and changed and (shared := paginator.parameters & {changed.parameter, changed.until}):
            raise ValueError(
                f"{name}, paginator and changed both give a value to the parameter {min(shared)!r}, and only one is sent: "
                "name the parameters as the system does"
            )

    @classmethod
    def _check_filters(cls, name: str, paginator: Any, changed: Any) -> None:
        filters = cls._declaration_of("filters") or {}
        check_filters(name, filters)
        taken = {*(cls._declaration_of("params") or {}), *(paginator.parameters if paginator else ())}
        taken |= {changed.parameter, changed.until} if changed else set()
        for parameter, key in parameters_of(filters).items():
            if parameter in taken:
                raise ValueError(
                    f"{name}, filters[{key!r}] gives a value to the parameter {str(parameter)!r}, which has another one already: "
                    'name the parameter as the system does, parameter="created_after"'
                )

    @classmethod
    def _declaration_of(cls, attribute: str) -> Any:
        """Return what the class declares; None also for a property, which only an adapter knows."""
        value = getattr(cls, attribute)
        return None if isinstance(value, property | cached_property) else value

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        for declared in self._declared_fields():
            self._check_field(declared)
        self._check_base()

    def _check_field(self, declared: Field) -> None:
        """Check what a field of the backend is, now that the backend is known.

        :raise InvalidBackend: there is no such field, or users may read what is declared as a
            secret, or a secret is not declared as one
        """
        model_name, fields = self.backend_record._name, self.backend_record._fields
        found, declares = fields.get(declared.name), f"{class_name(type(self))} declares {declared}"
        if found is None:
            near = get_close_matches(declared.name, fields, 1)
            raise InvalidBackend(
                f"{declares}, but {model_name} has no such field. "
                + (f"Is {near[0]!r} meant?" if near else "Add it to that model, or name another one.")
            )
        is_secret = isinstance(found, SecretChar)
        if declared.is_secret and not is_secret and found.groups != NO_ACCESS:
            raise InvalidBackend(
                f"{declares}, but users may read that field of {model_name}. Make it one that only code reads: "
                f"{declared.name} = SecretChar()"
            )
        if is_secret and not declared.is_secret:
            raise InvalidBackend(
                f"{declares}, but {model_name} keeps that field secret: write secret({declared.name!r}), so that no message shows it"
            )

    def _check_base(self) -> None:
        """Check that the backend forgets its secrets when the address changes.

        :raise InvalidBackend: the address is another field than the location
        """
        base, backend = self._declaration_of("base"), self.backend_record
        if isinstance(base, Field) and base.name != backend._location_field and backend._secret_fields():
            raise InvalidBackend(
                f"{class_name(type(self))} declares base = {base}, but {backend._name} forgets its secrets only when "
                f"{backend._location_field!r} changes: write _location_field = {base.name!r} in that model"
            )

    def _declared_fields(self) -> Iterator[Field]:
        for attribute in self._with_fields:
            yield from fields_in(self._declaration_of(attribute))

    # What is declared, with the values of the backend

    def _value(self, declared: Any) -> Any:
        """Return a declared value; of a field, its value on the backend.

        :raise CredentialsRefused: it is a secret, and empty
        :raise FailedJobError: it is another field, and empty
        """
        if not isinstance(declared, Field):
            return declared
        record = self.backend_record.sudo()
        value, known = record[declared.name], record._fields[declared.name]
        if known.type == "boolean" or not (value is None or value is False or value == ""):
            return value
        message = self._(
            "%(field)s of %(backend)s is empty: enter it, then requeue the job.",
            field=known.string,
            backend=self.environment.backend_name,
        )
        raise self._noted(CredentialsRefused(message)) if declared.is_secret else FailedJobError(message)

    def _values(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._filled(value) for name, value in declared.items()}

    def _filled(self, declared: Any) -> Any:
        """Return a declared value as dicts and lists of its own, with the values of its fields."""
        if isinstance(declared, Mapping):
            return self._values(declared)
        if isinstance(declared, list | tuple):
            return [self._filled(item) for item in declared]
        return self._value(declared)

    @property
    def _base_url(self) -> str:
        if self.base is None:
            raise NotImplementedError(f'{type(self).__name__} declares no base: base = field("location")')
        return self._value(self.base)

    def _secrets(self) -> Iterable[str]:
        record = self.backend_record.sudo()
        declared = [*self._declared_fields(), *fields_in(self.auth)]  # auth may be a property
        secret = (record[found.name] for found in declared if found.is_secret)
        # of() may refuse an empty secret: it must not do so while a message is masked
        known = super()._secrets() if self.auth is None else getattr(self._last_auth, "secrets", ())
        return [*known, *self._fresh_tokens, *(str(value) for value in secret if value)]

    # Authentication

    def _login_fields(self) -> Iterable[str]:
        declared = [*self._declared_fields(), *fields_in(self.auth)]
        names = [found.name for found in declared if found.name != self.backend_record._location_field]
        return dict.fromkeys(names) or super()._login_fields()

    # what authenticated the last request
    _last_auth: Any = None
    # where the token is in the answer of a login that is sent now, see Login; False if none is sent
    _login_token: str | bool | None = False
    # tokens that no auth object knows yet
    _fresh_tokens: tuple[str, ...] = ()

    def _auth(self) -> Any:
        return None if self.auth is None else self.auth.of(self)

    def _checked_auth(self) -> Any:
        self._last_auth = super()._checked_auth()
        return self._last_auth

    def token_by_form(self, url: str, form: Mapping[str, Any], auth: Any, is_authorised: bool) -> TokenAnswer:
        """Return the token that a token endpoint gives for a form, see :meth:`request_token`."""
        is_spent = not {"code", "refresh_token"}.isdisjoint(form)
        return token_in(self.request_token(url, form, auth, idempotent=not is_spent, is_authorised=is_authorised))

    def token_of_login(self, url: str, body: Mapping[str, Any], path: str | None) -> str:
        """Log in, and return the token in the answer.

        :param path: JMESPath to it; None: the answer is the token
        :raise CredentialsRefused: the system refuses the login
        """
        self._login_token = path
        try:
            response = self._send("POST", url, None, True, **prepared(None, body, None, self._values(self.headers)))
        finally:
            self._login_token = False
        if response.status_code in _LOGIN_REFUSED:
            raise self._noted(self._error(401, self._said(response), response))
        refusal = None
        with suppress(UnreadableAnswer):  # the login may speak another protocol
            refusal = self._expressed(response)
        is_accepted = response.status_code < 300 and not refusal  # an error may have a text at that path
        token = self._token_at(path, response) if is_accepted else None
        if token is None or not token.isprintable():
            self._accepted(response, refusal)
            raise self._nonsense()
        return token

    def _token_at(self, path: str | None, response: requests.Response) -> str | None:
        token = value_at(path, json_or_none(response, self._most_values))
        return str(token) if isinstance(token, str | int) and not isinstance(token, bool) and token != "" else None

    def _log(self, response: requests.Response | None, failure: Any, seconds: float) -> None:
        if self._login_token is not False and response is not None:
            with suppress(UnreadableAnswer):  # before the answer is stored: the token is a secret of it
                token = self._token_at(self._login_token, response)  # type: ignore[arg-type]  # no bool
                self._fresh_tokens = () if token is None else (token,)
        super()._log(response, failure, seconds)

    def needs_person(self) -> Exception:
        """Return the exception that asks a person to authorise us, noted on the backend."""
        return self._noted(
            CredentialsRefused(
                self._(
                    "Nobody has authorised us by %s, or no longer: press “Authorise” on the backend, then its jobs go on.",
                    self._label,
                )
            )
        )

    def path_to(self, path: str, *external_ids: ExternalId) -> str:
        """Return a path with ids below it, each quoted: that of what the adapter does not declare.

        ``self.path_to("/webhooks", external_id)``

        :raise InvalidDataError: an id is empty, ``.`` or ``..``
        """
        return path_below(path, *external_ids)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, Any] | None = None, **options: Any
    ) -> requests.Response:
        return super().request(method, path, headers={**self._values(self.headers), **(headers or {})}, **options)

    # Lists

    @property
    def lists_records(self) -> bool:
        """Whether the list has whole records, as :meth:`read` returns them.

        It has not, if the class overrides how records are found or read. Where it has only ids or
        excerpts, declare ``lists_records = False``.
        """
        return self._overrides("search_read") or not any(map(self._overrides, ("search", "read", "read_many")))

    def _overrides(self, method: str) -> bool:
        """Return whether a method is not that of the framework."""
        return not getattr(type(self), method).__module__.startswith(_FRAMEWORK)

    def search(self, filters: Mapping[str, Any] | None = None) -> Iterable[ExternalId]:
        """Return the ids of the records that match.

        :param filters: dict, further parameters of the list
        """
        return [self._listed_id(record) for page in self.pages(filters) for record in page]

    def search_read(
        self, filters: Mapping[str, Any] | None = None, fields: Sequence[str] | None = None
    ) -> Sequence[ExternalRecord]:
        """Return the records that match, as a list of dicts.

        :param filters: as for :meth:`search`
        :param fields: names of the fields to read where each record has to be read by itself
        """
        if self.lists_records:
            return [record for page in self.pages(filters) for record in page]
        return self.read_many(self.search(filters), fields)

    def pages(self, filters: Mapping[str, Any] | None = None, bookmark: Bookmark | None = None) -> Iterator[Page]:
        """Yield the pages of the list, each a list of records as they come.

        :param filters: as for :meth:`search`
        :param bookmark: where it goes on; with one, empty pages are yielded, too
        """
        if self.paginator is None:
            raise NotImplementedError(
                f"{self._refusal('search')}, nor a paginator, which says how the list goes on: OnePage() if it does not"
            )
        if not isinstance(filters or {}, Mapping):
            raise TypeError(f"{class_name(type(self))}: filters are a dict of parameters, not {shown(filters)}")
        self.list_clock = None

        def ask(path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
            answer = self._ask(path, params)
            self.list_clock = self.list_clock or self.clock
            return answer

        params = {**self._values(self.params), **(filters or {})}
        listing = Listing(ask, self._list_path, params, self._records_of, self._listed_id)
        return pages_from(partial(self._used_paginator.pages, self, listing), bookmark, self._listed_id)

    # whether pages of one record are asked for
    _is_tested = False

    def first_page(self) -> Page:
        """Return the first page of the list, by pages of one record.

        Where the system refuses these, by a page as large as declared.
        """
        self._is_tested = True
        try:
            return super().first_page()
        except InvalidDataError as error:
            if getattr(error, "status", None) is None:
                raise
        finally:
            self._is_tested = False
        return super().first_page()

    @property
    def _used_paginator(self) -> Any:
        """The declared paginator, or one like it with pages of one record."""
        paginator: Any = self.paginator
        return replace(paginator, size=1) if self._is_tested and getattr(paginator, "size", None) else paginator

    def list_pages(
        self,
        filters: Mapping[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        bookmark: Bookmark | None = None,
    ) -> Iterator[Page]:
        """Yield the list by the page.

        It is one page if the class overrides how records are found, or has pages of its own that
        take no bookmark.
        """
        if any(map(self._overrides, ("search", "search_read"))) or "bookmark" not in signature(self.pages).parameters:
            yield from super().list_pages(filters, fields, bookmark)
            return
        for page in self.pages(filters, bookmark):
            yield page if self.lists_records else [self._listed_id(record) for record in page]

    @property
    def _list_path(self) -> str:
        """The path of the list, for requests and messages."""
        raise NotImplementedError

    def _ask(self, path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
        """Request a page of the list.

        :param path: path of the list, or the address of a link
        :param params: dict of parameters, None for a link
        """
        raise NotImplementedError

    def _records_of(self, answer: PageAnswer) -> Page:
        """Return the records in an answer.

        :raise InvalidDataError: there is no list at the path
        """
        return self._list_at(self.records, answer)

    def _list_at(self, path: str | None, answer: PageAnswer) -> Page:
        found = value_at(path, answer.body)
        if isinstance(found, list):
            return found
        raise InvalidDataError(
            f"{type(self).__name__}, records is {path!r}, where what {self._label} answers has no list. {self._names_in(answer.body)}"
            "If it leaves an empty list out, declare one in its place, as in 'customers || `[]`'."
        )

    def _listed_id(self, record: Any) -> ExternalId:
        """Return the id of a record of the list, which may be nothing but the id.

        :raise InvalidDataError: it has none
        """
        if isinstance(record, str | int):
            return record
        try:
            return self.id_of(record)
        except KeyError as error:
            keys = self._names_in(record)
            raise InvalidDataError(
                f"{type(self).__name__}: a record in what {self._label} lists has no {error}, by which id_field finds its id. "
                f"{keys}Declare where it is."
            ) from None

    def _names_in(self, body: Any) -> str:
        """Return a sentence with the names in an answer, to be shown; empty if it has none."""
        names = ", ".join(list(body)[:_MOST_NAMES]) if isinstance(body, dict) else ""
        return f"It has: {self._mask(names)}. " if names else ""

    def id_of(self, record: ExternalRecord) -> ExternalId:
        """Return the id of a record, which is at :attr:`id_field`.

        :raise KeyError: there is none
        """
        found = value_at(self.id_field, record)
        if found is None:
            raise KeyError(self.id_field)
        return found


def _is_address(base: object) -> bool:
    try:
        return isinstance(base, str) and urlsplit(base).scheme in ("http", "https") and bool(urlsplit(base).hostname)
    except ValueError:
        return False
