"""Contract of long lists: each part goes on where the one before has ended."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.tools import mute_logger

from odoo.addons.jobs_queue import store

from ...declaration.paginators import CursorPages, LinkPages
from ...unit.importer import listing
from ...unit.importer.batch import import_segment
from .case import ContractCase

#: Records of the system. Each part of its list is one page, and has two of them if it is declared.
_RECORDS = 7
_PAGE_SIZE = 2
#: Requests of a list that are made to fail, one after the other.
_MOST_REQUESTS = 12


class ListingContract(ContractCase):
    def test_a_long_list_that_fails_in_any_of_its_parts_goes_on_there(self):
        for number in range(1, self._parts() + 1):
            ids = self._list_anew(number)
            self.trouble = self._at(number, lambda: self.refuse(422, "Not now"))
            with mute_logger("odoo.addons.jobs_queue.worker.outcome"):
                jobs = self.import_all()
            self.trouble = None
            if failed := jobs.filtered(lambda job: job.state == "failed"):
                store.actions.requeue(self.env.cr, failed.ids)
                self.assertDone(self.run_jobs())
            self._assert_imported(ids, f"Request {number} has failed, and was repeated")

    def test_a_list_whose_records_move_between_its_parts_loses_none(self):
        if isinstance(getattr(self.adapter, "paginator", None), CursorPages | LinkPages):
            self.skipTest("Where records move, the system has to know what its cursors and links mean")
        self._parts()
        for number in range(1, _RECORDS // _PAGE_SIZE + 1):
            first, *others = self._list_anew(number)
            with self._before_part(number, lambda first=first: self.records.pop(str(first))):
                self.import_all()
            self._assert_imported(others, f"After part {number} of the list another record was deleted there")

    def test_a_size_that_the_system_lowers_loses_no_record(self):
        if self.system is None:
            self.skipTest("Only of a declared adapter it is known how it asks for a size")
        self.system.most_records = _PAGE_SIZE
        ids = self._list_anew(0)
        self.assertDone(self.import_all())
        self._assert_imported(ids, "The system gives pages of two records")

    # How the tests find out

    def _parts(self):
        """Let each part of a list have one page, and return how many requests a list takes.

        The test is skipped if this system's list cannot be left and go on later.
        """
        self.enterContext(patch.object(listing, "MOST_PAGES", 1))
        if self.system is not None:
            self.system.most_records = _PAGE_SIZE
        ids = self._list_anew(0)
        before = len(self.server.requests)
        jobs = self.import_all()
        self.assertDone(jobs)
        self._assert_imported(ids, "Each part of the list has one page")
        if not jobs.filtered(lambda job: job.function == import_segment.job_options.name):
            self.skipTest("The list of this system comes as a whole: it cannot go on later")
        return min(len(self.server.requests) - before, _MOST_REQUESTS)

    def _list_anew(self, number):
        """Let the system have nothing but new records; return their ids."""
        ids = self.ids(_RECORDS * (number + 1))[-_RECORDS:]
        self.records.clear()
        self.add(*ids)
        watermark = self.env["connector.watermark"]
        watermark.search([("backend_model", "=", self.backend_model), ("backend_id", "=", self.backend.id)]).unlink()
        return ids

    def _at(self, number, happening):
        """Return trouble with the request of a number from now on."""
        last = len(self.server.requests) + number
        return lambda request: happening() if len(self.server.requests) == last else None

    @contextmanager
    def _before_part(self, number, happening):
        """Call a function before a part of a list, but the first, is read in the block."""
        read, parts = listing.Listing.read, []

        def reading(part):
            parts.append(part)
            if len(parts) == number:
                happening()
            return read(part)

        with patch.object(listing.Listing, "read", reading):
            yield

    def _assert_imported(self, ids, what):
        """Assert that records are imported, and that the list has ended.

        :param what: sentence about what has happened
        """
        missing = set(map(str, ids)) - set(self.bindings().mapped("external_id"))
        self.assertFalse(missing, f"{what}. These records are not imported")
        left = self.env["connector.listing"].search(
            [("backend_model", "=", self.backend_model), ("backend_id", "=", self.backend.id)]
        )
        self.assertFalse(left, f"{what}. The list has not come to its end")
