"""Base classes of adapters: common methods (search, read, write) for any external system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odoo.addons.jobs_queue.exception import ConnectorException, NetworkRetryableError
from odoo.addons.jobs_queue.texts import shown

from ...exception import IDMissingInBackend, InvalidDataError
from ...extension import class_name
from ..connector_unit import ConnectorUnit
from ..types import ExternalId, ExternalRecord, Values
from .bookmark import Bookmark
from .filters import Filter, check_filters, sent_values
from .traffic import Traffic

if TYPE_CHECKING:
    from .since import Since

_LONGEST_SHOWN = 200  # characters


class BackendAdapter(ConnectorUnit):
    """Adapter for an external system. A connector defines the methods that the system supports."""

    @contextmanager
    def guarded_call(self) -> Iterator[None]:
        """Apply the rate limit and the circuit breaker of the backend to a call to the system.

        An :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter` does this by
        itself. Other adapters write::

            def read(self, external_id, fields=None):
                with self.guarded_call():
                    return self._ask(...)

        The exception tells the backend how the call has ended, see ``exception.py``:
        ``NetworkRetryableError`` counts towards a pause, ``RetryableJobError`` with ``seconds`` and
        ``CredentialsRefused`` hold its jobs. Without an exception the system works.

        :raise RetryableJobError: the backend is held, or the turn of the call is too far away;
            nothing was sent
        """
        self._traffic.admit()
        try:
            yield
        except NetworkRetryableError as error:
            self._traffic.unreachable(error, self.environment.model_name, was_sent=True)
            raise
        except ConnectorException as error:
            self._traffic.refused(error)
            raise
        self._traffic.accepted()

    def probe(self) -> bool | None:
        """Check whether the system can be reached.

        It is called while the backend is paused, outside of :meth:`guarded_call`.

        :return: True if it can; None if this adapter cannot tell, and the next job finds out
        :raise NetworkRetryableError: it cannot be reached
        """
        return None

    def who_am_i(self) -> str | None:
        """Return as whom the system knows us, such as a login; a hook for the connection test.

        It asks what takes valid credentials, and no right that nothing else needs.

        :return: None: the system does not say it
        :raise ConnectorException: it refuses
        """
        return None

    def system_version(self) -> str | None:
        """Return the version of the system, for a person; a hook for the connection test.

        :return: None: the system does not say it
        :raise ConnectorException: it refuses
        """
        return None

    def _login_fields(self) -> Iterable[str]:
        """Return the names of the fields of the backend with which we log in."""
        backend = self.backend_record
        return [
            name for name in (*backend._secret_fields(), *backend._credential_fields) if name != backend._location_field
        ]

    @property
    def _traffic(self) -> Traffic:
        """The :class:`Traffic` of all calls of the environment."""
        return self.environment.open("traffic", lambda: Traffic(self.environment))


class CRUDAdapter(BackendAdapter):
    """Adapter of records that can be searched, read, created, written and deleted by id.

    A record of the external system is a dict. A missing one raises
    :class:`~odoo.addons.connector.exception.IDMissingInBackend`, an unreachable system
    :class:`~odoo.addons.connector.exception.NetworkRetryableError`.
    """

    #: What people may choose of the records on the screen of an import flow, {name: ``Choice``,
    #: ``Date``, ``Text`` or ``Flag``}
    filters: Mapping[str, Filter] = {}
    #: How :meth:`search` finds what has changed, for importers that do not say it themselves
    changed: Since | None = None
    #: The clock of the system when its last list began: datetime in UTC, None if unknown
    list_clock: datetime | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "filters" in vars(cls):
            check_filters(class_name(cls), cls.filters)

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """What people have chosen for the import flow whose job runs; empty: all records.

        It is a dict, name of a filter to the value that the system is asked with.

        :raise UnusableFilters: a value cannot be chosen any more; nothing is imported in its place
        """
        return sent_values(self.filters, self.environment.filters, self.backend_record)

    def with_chosen(self, filters: Any) -> Any:
        """Return the filters of a list that finds only what people have chosen; a hook.

        By default they are a dict, and what is chosen is added to it.

        :param filters: argument of :meth:`search`; None for all records
        """
        chosen = {self.filters[name].parameter or name: value for name, value in self.chosen.items()}
        if not isinstance(filters or {}, Mapping):
            raise TypeError(
                f"{class_name(type(self))}: what people have chosen is added to filters that are a dict, not to {shown(filters)}: "
                "override with_chosen()"
            )
        return {**(filters or {}), **chosen} if chosen else filters

    def is_chosen(self, record: ExternalRecord) -> bool:
        """Return whether a record is one of those that people have chosen; a hook.

        It is asked for new records that no other one needs. By default the values at the paths of
        the filters say it; a filter without a path allows all.

        :param record: as the adapter lists or reads it
        """
        return all(self.filters[name].allows(record, value) for name, value in self.chosen.items())

    def search(self, filters: Any = None) -> Iterable[ExternalId]:
        """Return the ids of the records that match.

        :param filters: depends on the system
        """
        raise NotImplementedError(self._refusal("search"))

    def read(self, external_id: ExternalId, fields: Sequence[str] | None = None) -> ExternalRecord:
        """Return a record as a dict.

        :param external_id: id in the external system
        :param fields: names of the fields to read; None: all
        """
        raise NotImplementedError(self._refusal("read"))

    def read_many(
        self, external_ids: Iterable[ExternalId], fields: Sequence[str] | None = None
    ) -> Sequence[ExternalRecord]:
        """Return records as a list of dicts; records that do not exist are left out.

        Override it if the system can read many records by one call.
        """
        records = []
        for external_id in external_ids:
            with suppress(IDMissingInBackend):
                records.append(self.read(external_id, fields))
        return records

    def search_read(self, filters: Any = None, fields: Sequence[str] | None = None) -> Sequence[ExternalRecord]:
        """Return the records that match as a list of dicts.

        Override it if the system's lists contain the records as :meth:`read` returns them. Then
        batch imports start with it, and read no record twice.
        """
        return self.read_many(self.search(filters), fields)

    def list_pages(
        self, filters: Any = None, fields: Sequence[str] | None = None, bookmark: Bookmark | None = None
    ) -> Iterator[list[Any]]:
        """Yield the records that match by the page, or their ids, from a bookmark on.

        By default the whole list is one page. Override it if lists are long: then each job of an
        import lists some pages, and the next one goes on at the bookmark. The paging methods of an
        :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter` move it::

            def list_pages(self, filters=None, fields=None, bookmark=None):
                return self.pages_by_number("/customers", filters, bookmark=bookmark)

        :param fields: names of the fields to read; only where the list has records
        :param bookmark: where the list goes on; it is moved before each page
        :return: pages, lists of what :meth:`search_read` returns if :attr:`lists_records`, else of
            what :meth:`search` returns
        """
        if bookmark is not None:
            bookmark.end()
        found: Any = self.search_read(filters, fields) if self.lists_records else self.search(filters)
        yield found

    def first_page(self) -> list[Any]:
        """Return the first page of the list, as small as possible; for the connection test.

        By default it is the first of :meth:`list_pages`. Override it if that is long.

        :return: a page, of what :meth:`list_pages` yields
        :raise NotImplementedError: the adapter lists nothing
        """
        return next(iter(self.list_pages(bookmark=Bookmark())), [])

    @property
    def lists_records(self) -> bool:
        """Whether :meth:`search_read` takes no more calls than :meth:`search`.

        That is so if the adapter overrides it.
        """
        return type(self).search_read is not CRUDAdapter.search_read

    @property
    def reads_many_at_once(self) -> bool:
        """Whether one call of :meth:`read_many` reads many records, and may so leave some out.

        That is so if the adapter overrides it.
        """
        return type(self).read_many is not CRUDAdapter.read_many

    def id_of(self, record: ExternalRecord) -> ExternalId:
        """Return the id of a record, as :meth:`search` returns it."""
        return record["id"]

    def create(self, data: Values, idempotency_key: str | None = None) -> ExternalId:
        """Create a record from a dict and return its id.

        :param idempotency_key: text that is the same when the same record is created again because
            nobody knows whether the first call succeeded. It is passed only to a method that has
            this parameter: store it with the record, or pass it to a system with idempotency keys
        :raise InvalidDataError: the system refuses the record. Do not raise it if the record may
            have been created: the next attempt would create a second one. If the answer cannot be
            read, raise :class:`~odoo.addons.connector.exception.UnreadableAnswer`
        """
        raise NotImplementedError(self._refusal("create"))

    def find_by_key(self, idempotency_key: str) -> ExternalId | None:
        """Return the id of the record that was created with a key.

        :return: None if there is none, or if the system cannot find records by key
        """
        return None

    def write(self, external_id: ExternalId, data: Values) -> object:
        """Update a record from a dict."""
        raise NotImplementedError(self._refusal("write"))

    def write_many(self, changes: dict[str, Values]) -> Mapping[Any, Exception] | None:
        """Update records and return which of them are refused.

        Override it if the system can update many records by one call.

        :param changes: dict, id to the dict of new values of the record
        :return: dict, id of each refused record to the exception with the reason; or None. All
            other records were accepted
        :raise InvalidDataError: the system refuses all of them because of one: the queue finds it
            by halving the group of jobs. The same holds for IDMissingInBackend
        """
        refused = {}
        for external_id, data in changes.items():
            try:
                self.write(external_id, data)
            except (InvalidDataError, IDMissingInBackend) as error:
                refused[external_id] = error
        return refused

    def delete(self, external_id: ExternalId) -> object:
        """Delete a record."""
        raise NotImplementedError(self._refusal("delete"))

    def _refusal(self, method: str) -> str:
        return f"{type(self).__name__} cannot {method} {self.environment.model_name} on {self.backend}: it does not define {method}()"


# Checks of the values that adapters return, at the start of a synchronisation


def checked_record(adapter: CRUDAdapter, record: object, method: str = "read") -> ExternalRecord:
    """Return a record that a method of an adapter has returned.

    :raise InvalidDataError: it is not a dict
    """
    if not isinstance(record, dict):
        raise _unexpected(adapter, method, record, "a dict")
    return record


def checked_records(adapter: CRUDAdapter, records: object, method: str) -> list[ExternalRecord]:
    """Return the records that a method of an adapter has returned, as a list.

    :raise InvalidDataError: they are not a list of dicts, or one has no id
    """
    records = _checked_list(adapter, records, method, "a list of dicts")
    for record in records:
        checked_id(adapter, checked_record(adapter, record, method), method)
    return records


def checked_id(adapter: CRUDAdapter, record: ExternalRecord, method: str = "read") -> ExternalId:
    """Return the id of a record that a method of an adapter has returned.

    :raise InvalidDataError: it has none
    """
    try:
        external_id = adapter.id_of(record)
    except KeyError as error:
        raise _unexpected(adapter, method, record, f"{error} in it, or an id_of() of its own,") from error
    _check_id(adapter, external_id, method)
    return external_id


def checked_ids(adapter: CRUDAdapter, external_ids: object, method: str = "search") -> list[ExternalId]:
    """Return the ids that a method of an adapter has returned, as a list.

    :raise InvalidDataError: they are not a list of ids
    """
    external_ids = _checked_list(adapter, external_ids, method, "a list of ids")
    for external_id in external_ids:
        _check_id(adapter, external_id, method)
    return external_ids


def _checked_list(adapter: CRUDAdapter, found: Any, method: str, expected: str) -> list[Any]:
    if found is None or isinstance(found, dict | str):
        raise _unexpected(adapter, method, found, expected)
    return list(found)


def _check_id(adapter: CRUDAdapter, external_id: object, method: str) -> None:
    # an id that is too long, or that cannot be stored, concerns one record: see
    # ``importer/failures.py``
    if not isinstance(external_id, (str, int)) or external_id is False or external_id == "":
        raise _unexpected(adapter, method, external_id, "a text or an integer as id")


def _unexpected(adapter: CRUDAdapter, method: str, found: object, expected: str) -> InvalidDataError:
    text = repr(found)
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return InvalidDataError(f"{class_name(type(adapter))}.{method}() returned {shown}, but {expected} is expected")
