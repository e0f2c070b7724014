"""Base class of played systems, which stand for the real one in tests."""

from copy import deepcopy
from urllib.parse import urlsplit

from ...declaration.calls import Window
from ...declaration.rpc import RpcAdapter
from ...unit.backend_adapter.json_paths import value_at
from ..server import Answer
from .pages import LINK, page_of
from .places import put


class PlayedSystem:
    """A system that answers as the declaration of an adapter says.

    All that it needs of the adapter it asks when it is made: it answers in another thread, which
    must not use the database.

    :ivar most_records: how many records a page has at most, None: as many as are asked for
    :param adapter: declared adapter
    :param template: record as the system sends it; a record that is created is like it
    """

    def __init__(self, adapter, template):
        self._base = urlsplit(adapter._base_url).path.rstrip("/")
        self._paginator = adapter.paginator
        self._id_field = adapter.id_field
        self._records_path = adapter.records
        self._template = template
        self.most_records = None
        self._no_filters = _parameters_of(adapter)
        self._token_path, self._token_at = _login_of(adapter)

    @property
    def gives_tokens(self):
        """Whether it has an endpoint that gives tokens."""
        return self._token_path is not None

    def answer(self, request, records):
        """Return the :class:`~..server.Answer` to a request; None if the system has no such thing.

        :param records: dict, id as text to record; what the request changes is changed in it
        """
        if self._token_path and request.path == self._token_path:
            return Answer(put(self._token_at, {"expires_in": 3600}, "a token that is played"))
        return self._answer(request, records)

    def refuse(self, status, message, headers=None):
        """Return how the system refuses a request.

        :param status: status of HTTP to which the refusal corresponds
        """
        return Answer({"message": message}, status, headers or {})

    def with_id(self, record, external_id):
        """Return a copy of a record that has another id."""
        return put(self._id_field, deepcopy(record), external_id)

    def _answer(self, request, records):
        raise NotImplementedError

    def _page(self, sent, records, path="", asked=None):
        """Return a page of the records that match what was sent.

        What is neither of the page nor declared has to be the value of a field of this name.

        :param sent: dict of parameters
        :param asked: function of the name of a parameter, see :func:`~.pages.page_of`
        """
        filters = {name: value for name, value in sent.items() if name not in self._no_filters and value is not None}
        found = [
            record
            for record in records.values()
            if all(str(record.get(name)) == str(value) for name, value in filters.items())
        ]
        return page_of(self._paginator, self._lowering(asked or sent.get), found, self._id_of, path)

    def _lowering(self, asked):
        """Return a function of the name of a parameter, with no larger size than is given."""
        size_name = getattr(self._paginator, "size_parameter", None)

        def lowered(name):
            value = asked(name)
            if self.most_records is None or value is None or name is None or name != size_name:
                return value
            return min(int(value), self.most_records)

        return lowered

    def _id_of(self, record):
        return value_at(self._id_field, record)

    def _created(self, data, records):
        """Return a record that is created, with an id of its own."""
        numbers = [
            number for record in [self._template, *records.values()] if isinstance(number := self._id_of(record), int)
        ]
        external_id = max(numbers) + 1 if numbers else f"created-{len(records) + 1}"
        record = self.with_id({**self._template, **data}, external_id)
        records[str(external_id)] = record
        return record


def _parameters_of(adapter):
    """Return the names of the parameters of a list that are no filters."""
    names = {"size", LINK, *adapter.params}
    for declared in (adapter.paginator, adapter.changed):
        for attribute in ("parameter", "size_parameter", "from_parameter", "to_parameter", "until"):
            names.add(getattr(declared, attribute, None))
    if isinstance(adapter, RpcAdapter) and adapter.list:
        names.update(argument.field for argument in adapter.list.arguments if isinstance(argument, Window))
    return names


def _login_of(adapter):
    """Return the path at which the system gives tokens, and where they are in its answer."""
    auth = adapter.auth
    place = getattr(auth, "token", None) if hasattr(auth, "key") or hasattr(auth, "refresh") else None
    at = "access_token"
    if hasattr(auth, "json"):  # Login
        place, at = auth.path, auth.token
    if not isinstance(place, str):
        return None, None
    return urlsplit(place if "://" in place else adapter._url(place)).path, at
