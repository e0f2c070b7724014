"""Base classes of all imports of this connector.

They define which fields are read, how a change of a record is recognised, and how the changed
records are found.
"""

from odoo import fields

from odoo.addons.connector import BulkBatchImporter, RecordImporter

from ..backend import odoo


class OdooImporter(RecordImporter):
    """Imports a record of the other Odoo."""

    def _fields_to_read(self):
        return ["write_date", *sorted(self.mapper.source_fields)]

    def _must_skip(self):
        is_archived = not self.external_record.get("active", True)
        if is_archived and self.incoming.is_new and not self.incoming.is_dependency:
            return self._("Archived in the other Odoo, and not known here: not imported.")
        return None

    def _get_external_version(self):
        # The interfaces cut write_date to seconds, so two changes can have the same date: therefore
        # the version includes the content
        return f"{self.external_record['write_date']} {self._get_checksum()}"

    def _get_external_date(self):
        return fields.Datetime.to_datetime(self.external_record["write_date"])


@odoo
class ChangedRecordsImporter(BulkBatchImporter):
    """Imports the records that have changed there since the last import.

    The watermark is a date by the clock *there*. Its overlap is longer than a transaction lasts
    there: Odoo's own limit for a request is two minutes. This is necessary because a write has the
    date of the beginning of its transaction, but is not visible before the end.
    """

    def _filters_since(self, watermark):
        return [("write_date", ">=", watermark)] if watermark else []

    def _filters_between(self, begin, end):
        until = [("write_date", "<", fields.Datetime.to_string(end))] if end else []
        return [*self._filters_since(fields.Datetime.to_string(begin)), *until]

    def _get_next_watermark(self, began):
        clock = self.backend_adapter.list_clock
        return fields.Datetime.to_string(clock - self._overlap) if clock else None
