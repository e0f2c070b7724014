"""Contract of exchanges: the adapter asks as was recorded with the real system."""

import os
from contextlib import suppress

from odoo import fields
from odoo.tests.common import _super_send

from ...declaration.adapter import DeclaredAdapter
from ...exception import NoConnectorUnitError
from ...unit.importer.record import RecordImporter
from ...unit.mapper.mapper import ImportMapper
from ..exchanges import Recording
from ..recording import RECORD
from .case import ContractCase

#: The time since which changes are asked for in a recording.
_SINCE = "2026-01-31 08:15:00"
#: Pages of a list that are recorded.
_RECORDED_PAGES = 2


class ExchangeContract(ContractCase):
    recording = None

    # while exchanges are recorded, the Recording to which they are added
    _added_to = None

    def hidden(self):
        """Return the texts that a recording does not show: by default the secrets of the adapter.

        Override it if more of what is sent depends on the system that was recorded, such as the
        name of its database.
        """
        return [str(secret) for secret in self.adapter._secrets()] if hasattr(self.adapter, "_secrets") else []

    def test_the_adapter_asks_as_it_was_recorded(self):
        if self.recording is None:
            self.skipTest("This connector has no recording of an exchange: nobody knows whether its paths are right")
        file = self.recordings / f"{self.recording}.json"
        if os.environ.get(RECORD):
            self._record(file)
        elif not file.exists():
            self.fail(
                f"{file} does not exist: set {RECORD}=1 and run this test against the real system once, or write it "
                "as the system's documentation shows the exchange"
            )
        recording = Recording.read(file, self.hidden())
        self.trouble = recording.answer
        failure = None
        try:
            records = self._ask(lambda number: recording.left)
        except Exception as error:
            failure = error
        name = type(self.adapter).__name__
        self.assertFalse(
            recording.unknown,
            f"{name} asks otherwise than it was recorded. It asks: {'; '.join(recording.unknown)}\nRecorded is:{recording.shown()}",
        )
        if failure is not None:
            raise failure
        left = recording.shown(recording.left)
        self.assertFalse(recording.left, f"{name} does not ask for what was recorded, too:{left}")
        self._check_fields(records)

    # How the test finds out

    def _ask(self, goes_on):
        """Ask for a list and for one of its records; return both as a list of records.

        :param goes_on: ``function(number)`` that returns whether the list goes on after so many
            pages
        """
        adapter = self.adapter
        pages = self._pages(None)
        records = list(next(pages, ()))
        self.assertTrue(records, f"{self.recording}: the recorded list has no record")
        if adapter.changed:
            next(self._pages(adapter.changed.filters(_SINCE, fields.Datetime.to_datetime(_SINCE))), None)
        external_id = adapter.id_of(records[0]) if isinstance(records[0], dict) else records[0]
        with suppress(NotImplementedError):  # its lists have all
            records.append(adapter.read(external_id, self.unit_fields()))
        number = 1
        while goes_on(number) and (page := next(pages, None)):
            records += page
            number += 1
        return [record for record in records if isinstance(record, dict)]

    def _pages(self, filters):
        """Yield the pages of the list; of an adapter that is not declared, all as one."""
        adapter = self.adapter
        if isinstance(adapter, DeclaredAdapter) and not any(map(adapter._overrides, ("search_read", "search"))):
            yield from adapter.pages(filters)
        elif adapter.lists_records:
            yield adapter.search_read(filters, self.unit_fields())
        else:
            yield adapter.search(filters)

    def unit_fields(self):
        """Return the names of the fields that an import reads, None for all."""
        return self.unit(RecordImporter)._fields_to_read()

    def _check_fields(self, records):
        """Check that :attr:`record` has no field that the real system does not send."""
        try:
            mapped = self.unit(ImportMapper).source_fields
        except NoConnectorUnitError:
            mapped = frozenset()
        known = {name for record in records for name in record}
        invented = sorted(mapped & self.record.keys() - known)
        self.assertFalse(invented, f"record has {', '.join(invented)}, which no recorded record has")

    def _record(self, file):
        """Ask the real system, at the location of ``backend_values``, and keep its answers."""
        location = self.backend._location_field
        self.backend.write({**self.backend_values, location: self.backend_values[location]})
        recording = type(self)._added_to = Recording([], self.hidden())
        try:
            self._ask(lambda number: number < _RECORDED_PAGES)
            recording.hide(self.hidden())  # a session is known since the login
        finally:
            type(self)._added_to = None
            self.backend.write({**self.backend_values, location: self.server.url})
        recording.write(file)

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        if cls._added_to is None:
            return super()._request_handler(session, request, **options)
        response = _super_send(session, request, **options)
        cls._added_to.add(request, response)
        return response
