"""What the imports of all models have in common: what is read, what has changed, and how what has changed is found."""

import hashlib
import json
from datetime import timedelta

from odoo import fields

from odoo.addons.connector.unit.batch_importer import DelayedBatchImporter, import_batch
from odoo.addons.connector.unit.importer import RecordImporter

from ..backend import odoo


class OdooImporter(RecordImporter):
    """Imports a record of the other Odoo."""

    def _read(self):
        return self.backend_adapter.read(self.external_id, ["write_date", *sorted(self.mapper.source_fields)])

    def _must_skip(self):
        is_dependency = bool(self._importing)
        if not self.external_record.get("active", True) and not is_dependency and not self._get_binding():
            return self._("Archived in the other Odoo, and not known here: not imported.")
        return None

    def _get_external_version(self):
        # The interfaces cut write_date to seconds, and two changes can share one: so the content counts too
        content = json.dumps(self.external_record, sort_keys=True)
        return f"{self.external_record['write_date']} {hashlib.sha256(content.encode()).hexdigest()[:16]}"


@odoo
class ChangedRecordsImporter(DelayedBatchImporter):
    """Delays the import of each record that has changed there since the backend's date, a page of records a job.

    The pages go by id: a record that changes meanwhile still is on its page or a later one, so none is skipped and none comes twice.
    When the last page has been delayed, the backend's date moves: to what the clock *there* showed at the first page, less an overlap. The
    overlap is longer than a transaction lasts there (Odoo's own limit for a request is two minutes), since what is written in a
    transaction is dated at its beginning, but not visible before its end.
    """

    _model_name = ["odoo.res.partner", "odoo.product.category", "odoo.product.product"]

    _page_size = 500
    _overlap = timedelta(minutes=5)

    def run(self, filters=None):
        """Delay the import of a page of records.

        :param filters: where to go on, as a dict; without, an import begins at the backend's date. ``since``: datetime or False;
            ``after_id``: last id of the previous page; ``clock``: datetime that the first page showed
        """
        page = filters or {"since": self.backend_record.since(self.model._name), "after_id": 0, "clock": None}
        ids = self.backend_adapter.search(self._domain(page), limit=self._page_size)
        for external_id in ids:
            self._import_record(external_id, description=self._description(external_id))
        clock = page["clock"] or self.backend_adapter.clock
        if len(ids) == self._page_size:
            next_page = {**page, "after_id": ids[-1], "clock": clock}
            import_batch.delay(self.environment.user_session, self.model._name, self.backend_record.id, next_page)
        elif clock:
            self.backend_record.move_since(self.model._name, clock - self._overlap)
        return self._report(len(ids))

    def _domain(self, page):
        domain = [("id", ">", page["after_id"])]
        if page["since"]:
            domain.append(("write_date", ">=", fields.Datetime.to_string(page["since"])))
        return domain

    def _description(self, external_id):
        model = self.environment.user_session.env["ir.model"]._get(self.binder.unwrap_model()).name
        return self._(
            "Import %(model)s %(id)s from %(backend)s", model=model, id=external_id, backend=self.backend_record.name
        )
