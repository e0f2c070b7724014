"""Contract of bulk exports: the changes of many records are one call, and none of them is lost."""

from copy import deepcopy
from unittest.mock import patch

from odoo.tools import mute_logger

from ...exception import NoConnectorUnitError
from ...unit.exporter.bulk import BulkExporter
from ...unit.exporter.consumers import delay_bulk_export
from ..server import Answer
from .case import ContractCase

_WAIT = 120


class BulkContract(ContractCase):
    # For connectors to override

    def change_in_bulk(self, binding, number):
        """Change what is exported in bulk of a record.

        :param number: whole number, which is another one for each record
        """
        values = self.change_of(binding)
        binding.write(
            {name: f"{value} {number}" if isinstance(value, str) else value for name, value in values.items()}
        )

    # The tests

    def test_changes_of_many_records_are_sent_by_one_call(self):
        bindings, before = self._changed_in_bulk(3)
        self.assertDone(self._export(bindings))
        self.assertEqual([len(sent) for sent in self._sent_in_bulk], [3], "The records are not sent by one call")
        self._assert_arrived(bindings, before)

    def test_what_was_sent_in_bulk_is_not_sent_again(self):
        bindings, _before = self._changed_in_bulk(2)
        if self.unit(BulkExporter)._changes_there:
            self.skipTest("The system changes these values by itself, says _changes_there: each export sends them")
        self.assertDone(self._export(bindings))
        self._sent_in_bulk.clear()
        self.assertDone(self._export(bindings))
        self.assertEqual(self._sent_in_bulk, [], "The system is sent what it has")

    def test_a_record_that_is_refused_in_bulk_costs_no_other(self):
        bindings, before = self._changed_in_bulk(3)
        bad = bindings[1]
        bad_id, refused = bad.external_id, self.in_changes(lambda: self.refuse(422, "This is refused"))
        self.trouble = lambda request: (
            refused(request) if any(bad_id in sent for sent in self._sent_in_bulk[-1:]) else None
        )
        with mute_logger("odoo.addons.jobs_queue.worker"):
            jobs = self._export(bindings)
        self.trouble = None
        self._assert_arrived(bindings - bad, before)
        self.assertEqual(before[bad_id], self.records[bad_id])
        self.assertTrue(jobs.filtered(lambda job: job.state == "failed"), "Nobody is told of the refused record")
        self.assertDone(self._export(bad))
        self._assert_arrived(bad, before)

    def test_a_bulk_that_has_to_wait_is_sent_again(self):
        self._bulk_is_sent_again(self.in_changes(lambda: self.refuse(429, "Slow down", {"Retry-After": str(_WAIT)})))

    def test_a_bulk_whose_connection_is_lost_is_sent_again(self):
        self._bulk_is_sent_again(self.in_changes(lambda: Answer(status=None)))

    def test_a_bulk_whose_answer_is_lost_is_sent_again(self):
        self._bulk_is_sent_again(self.losing_answers)

    # How the tests find out

    def _changed_in_bulk(self, number):
        """Import records, and change what is exported in bulk of each.

        The test is skipped if nothing is exported in bulk.

        :return: their bindings, and what the system has of them: dict, id as text to record
        """
        try:
            kind = type(self.unit(BulkExporter))
        except NoConnectorUnitError:
            self.skipTest(f"This connector exports no {self.model} in bulk: no BulkExporter serves it")
        self._watch(kind)
        self.add(*self.ids(number))
        self.assertDone(self.import_all())
        bindings = self.env[self.model].concat(*map(self.bound, self.ids(number)))
        for position, binding in enumerate(bindings, start=1):
            self.change_in_bulk(binding, position)
        return bindings, deepcopy(self.records)

    def _watch(self, kind):
        """Note what a bulk exporter sends: a list of dicts, external id as text to values."""
        self._sent_in_bulk, write_many = [], kind._write_many

        def watched(exporter, changes):
            self._sent_in_bulk.append(changes)
            self.is_changing = True
            try:
                return write_many(exporter, changes)
            finally:
                self.is_changing = False

        self.enterContext(patch.object(kind, "_write_many", watched))

    def _export(self, bindings):
        delay_bulk_export(self.session.with_company(self.backend.company_id), bindings)
        return self.run_jobs()

    def _bulk_is_sent_again(self, trouble):
        bindings, before = self._changed_in_bulk(2)
        self.trouble = trouble
        jobs = self._export(bindings)
        self.trouble = None
        self.assertEqual(set(jobs.mapped("state")), {"scheduled"}, "The jobs are not tried again")
        self.run_jobs(at=max(jobs.mapped("eta")))
        self.assertDone(jobs)
        self._assert_arrived(bindings, before)

    def _assert_arrived(self, bindings, before):
        for external_id in bindings.mapped("external_id"):
            self.assertNotEqual(
                self.records[external_id], before[external_id], f"The change of {external_id} has not arrived"
            )
