"""Adapters: a common language (search, read, write) for whatever an external system speaks."""

from contextlib import contextmanager, suppress

from odoo.addons.jobs_queue.exception import ConnectorException, NetworkRetryableError

from ...exception import IDMissingInBackend, InvalidDataError
from ...extension import class_name
from ..connector_unit import ConnectorUnit, external_id_text
from .traffic import Traffic

_LONGEST_SHOWN = 200  # characters


class BackendAdapter(ConnectorUnit):
    """Speaks with the external system. A connector writes the methods that its system can do."""

    @contextmanager
    def guarded_call(self):
        """Give a call to the external system the rate limit and the circuit breaker of its backend. Those of an
        :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter` have them by themselves; others say::

            def read(self, external_id, fields=None):
                with self.guarded_call():
                    return self._ask(...)

        The backend learns from the exception what the call has met, see ``exception.py``: ``NetworkRetryableError`` counts towards a pause,
        ``RetryableJobError`` with ``seconds`` and ``CredentialsRefused`` hold its jobs, and without any the system is well.

        :raise RetryableJobError: the backend is held, or the turn of the call is far off; nothing was asked
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

    def probe(self):
        """See whether the system can be reached; called while its backend is paused, outside of :meth:`guarded_call`.

        :return: True: it can; None: this adapter cannot tell, and the next job finds out
        :raise NetworkRetryableError: it cannot
        """
        return None

    @property
    def _traffic(self):
        """What all calls of the environment go through."""
        return self.environment.open("traffic", lambda: Traffic(self.environment))


class CRUDAdapter(BackendAdapter):
    """An adapter of records that can be searched, read, created, written and deleted by an id.

    A record of the external system is a dict. A missing one raises
    :class:`~odoo.addons.connector.exception.IDMissingInBackend`, an unreachable system
    :class:`~odoo.addons.connector.exception.NetworkRetryableError`.
    """

    def search(self, filters=None):
        """Return the ids of the records that match; what ``filters`` is depends on the system."""
        raise NotImplementedError(self._refusal("search"))

    def read(self, external_id, fields=None):
        """Return a record as a dict.

        :param external_id: id in the external system
        :param fields: names of the fields wanted; None: all
        """
        raise NotImplementedError(self._refusal("read"))

    def read_many(self, external_ids, fields=None):
        """Return records as a list of dicts, those that do not exist left out.

        A system that can read many by one call has an adapter that does so here.
        """
        records = []
        for external_id in external_ids:
            with suppress(IDMissingInBackend):
                records.append(self.read(external_id, fields))
        return records

    def search_read(self, filters=None, fields=None):
        """Return the records that match as a list of dicts.

        A system whose lists contain the records as :meth:`read` gives them has an adapter that defines this: then the imports of batches
        begin with it, and read nothing twice.
        """
        return self.read_many(self.search(filters), fields)

    @property
    def lists_records(self):
        """Whether :meth:`search_read` takes no more calls than :meth:`search`, which is so if the adapter defines it."""
        return type(self).search_read is not CRUDAdapter.search_read

    def id_of(self, record):
        """Return the id of a record, as :meth:`search` gives it."""
        return record["id"]

    def create(self, data, idempotency_key=None):
        """Create a record from a dict and return its id.

        :param idempotency_key: text that is the same when the same record is created again because nobody knows whether the first call
            worked. It is given to a method that takes it: keep it with the record, or hand it to a system that knows such keys
        :raise InvalidDataError: the system refuses the record. Never when it may have created it: then the next try would create a second
            one. For an answer that cannot be read there is :class:`~odoo.addons.connector.exception.UnreadableAnswer`
        """
        raise NotImplementedError(self._refusal("create"))

    def find_by_key(self, idempotency_key):
        """Return the id of the record that was created with a key, None if there is none or the system cannot say."""
        return None

    def write(self, external_id, data):
        """Update a record by a dict."""
        raise NotImplementedError(self._refusal("write"))

    def write_many(self, changes):
        """Update records, and return which of them are refused.

        A system that can update many by one call has an adapter that does so here.

        :param changes: dict, id to the dict by which the record is updated
        :return: dict, id of each record that is refused to the exception that says why; or None. What is not in it was accepted
        """
        refused = {}
        for external_id, data in changes.items():
            try:
                self.write(external_id, data)
            except (InvalidDataError, IDMissingInBackend) as error:
                refused[external_id] = error
        return refused

    def delete(self, external_id):
        """Delete a record."""
        raise NotImplementedError(self._refusal("delete"))

    def _refusal(self, method):
        return f"{type(self).__name__} cannot {method} {self.environment.model_name} on {self.backend}: it does not define {method}()"


# What adapters return, checked where a flow begins with it


def checked_record(adapter, record, method="read"):
    """Return a record that a method of an adapter has returned.

    :raise InvalidDataError: it is no dict
    """
    if not isinstance(record, dict):
        raise _unexpected(adapter, method, record, "a dict")
    return record


def checked_records(adapter, records, method):
    """Return the records that a method of an adapter has returned, as a list.

    :raise InvalidDataError: they are no list of dicts, or one has no id
    """
    records = _checked_list(adapter, records, method, "a list of dicts")
    for record in records:
        try:
            external_id = adapter.id_of(checked_record(adapter, record, method))
        except KeyError as error:
            raise _unexpected(adapter, method, record, f"{error} in it, or an id_of() of its own,") from error
        _check_id(adapter, external_id, method)
    return records


def checked_ids(adapter, external_ids, method="search"):
    """Return the ids that a method of an adapter has returned, as a list.

    :raise InvalidDataError: they are no list of ids
    """
    external_ids = _checked_list(adapter, external_ids, method, "a list of ids")
    for external_id in external_ids:
        _check_id(adapter, external_id, method)
    return external_ids


def _checked_list(adapter, found, method, expected):
    if found is None or isinstance(found, dict | str):
        raise _unexpected(adapter, method, found, expected)
    return list(found)


def _check_id(adapter, external_id, method):
    if not isinstance(external_id, str | int) or external_id_text(external_id) is None:
        raise _unexpected(adapter, method, external_id, "a text or an integer as id")


def _unexpected(adapter, method, found, expected):
    text = repr(found)
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return InvalidDataError(f"{class_name(type(adapter))}.{method}() returned {shown}, but {expected} is expected")
