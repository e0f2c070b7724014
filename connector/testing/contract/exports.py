"""Contract of exports: a change in Odoo is sent once, and nothing else is sent."""

from unittest.mock import patch

from odoo.addons.jobs_queue.exception import NetworkRetryableError

from ...unit.exporter.creation import Creation
from ...unit.exporter.deleter import delete_record
from ...unit.exporter.record import RecordExporter
from ..server import Answer
from .case import ContractCase


class ExportContract(ContractCase):
    def test_an_export_after_an_import_sends_nothing_that_is_there(self):
        self.needs_export()
        binding = self.imported()
        there = dict(self.records[binding.external_id])
        self.assertDone(self.export(binding))
        for method, args in self.sent:
            again = {name: value for name, value in args[-1].items() if name in there and there[name] == value}
            self.assertEqual((method, again), ("write", {}), "The system has that already")
        self._assert_second_export_sends_nothing(binding)

    def test_a_change_here_is_sent_once(self):
        self.needs_export()
        binding = self._changed()
        self.assertDone(self.export(binding))
        self.assertEqual([method for method, _args in self.sent], ["write"], "A change is one call of write")
        self._assert_second_export_sends_nothing(binding)

    def test_an_import_of_what_was_sent_changes_nothing(self):
        self.needs_export()
        binding = self._changed()
        self.assertDone(self.export(binding))
        before = {name: binding[name] for name in self.change_of(binding)}
        self.sent.clear()
        requests = len(self.changing_requests())
        self.import_all()
        self.assertEqual({name: binding[name] for name in before}, before)
        self._assert_nothing_sent(requests)

    def test_a_new_record_is_created_there_once_and_bound(self):
        self.needs_creation()
        binding = self.create_here()
        count = len(self.records)
        self.assertDone(self.export(binding))
        self.assertEqual(len(self.records), count + 1, "One record is to be created there")
        self.assertIn(binding.external_id, self.records, "The binding does not have the id of the record")
        self.assertDone(self.export(binding))
        self.assertEqual(len(self.records), count + 1, "A second record was created there")

    def test_a_job_that_dies_between_create_and_bind_makes_no_second_record_in_silence(self):
        self.needs_creation()
        binding = self.create_here()
        count = len(self.records)
        exporter = type(self.unit(RecordExporter))
        with patch.object(exporter, "_bind", side_effect=NetworkRetryableError("The process is killed")):
            job = self._scheduled(self.export(binding))
        self.assertEqual(len(self.records), count + 1)
        self.run_jobs(at=job.eta)
        self.assertDone(job)
        self._assert_created_once(binding, count)

    def test_a_creation_whose_answer_is_lost_makes_no_second_record_in_silence(self):
        self.needs_creation()
        binding = self.create_here()
        count = len(self.records)
        self.trouble = self.losing_answers
        job = self._scheduled(self.export(binding))
        self.trouble = None
        self.run_jobs(at=job.eta)
        self.assertDone(job)
        self._assert_created_once(binding, count)

    def test_a_creation_that_is_refused_binds_nothing_and_may_be_tried_again(self):
        self.needs_creation()
        binding = self.create_here()
        count = len(self.records)
        self.trouble = self.in_changes(lambda: self.refuse(422, "This is refused"))
        self.assertNotDone(self.export(binding))
        self.assertFalse(binding.external_id, "A record that was refused is bound")
        self.trouble = None
        self.assertDone(self.export(binding))
        self.assertEqual(len(self.records), count + 1)

    def test_a_change_that_is_refused_is_sent_again(self):
        for status in (409, 422):
            self._sent_again(lambda status=status: self.refuse(status, "This is refused"))

    def test_a_change_whose_answer_is_lost_is_sent_again(self):
        self._sent_again(lambda: Answer(status=None))

    def test_a_change_of_a_record_with_an_odd_id_reaches_that_record(self):
        self.needs_export()
        for external_id in self.odd():
            self.records.clear()
            self.add(external_id)
            self.import_all()
            binding = self.bound(external_id)
            before = dict(self.records[str(external_id)])
            binding.write(self.change_of(binding))
            self.assertDone(self.export(binding))
            self.assertEqual(list(self.records), [str(external_id)])
            self.assertNotEqual(
                self.records[str(external_id)], before, f"The change of {external_id!r} has not arrived"
            )

    def test_a_change_of_a_record_that_was_deleted_there_is_not_lost_in_silence(self):
        self.needs_export()
        binding = self._changed()
        self.records.clear()
        job = self.export(binding)[:1]
        self.assertTrue(
            job.state != "done" or binding.external_id in self.records,
            f"The change is lost, and the job counts as done: {job.message or job.result}",
        )

    def test_a_deletion_here_is_one_there_and_may_come_twice(self):
        self.needs("delete")
        binding = self.imported()
        (other,) = self.ids(2)[1:]
        self.add(other)
        for _time in range(2):
            session = self.session.with_company(self.backend.company_id)
            delete_record.delay(session, self.model, self.backend.id, binding.external_id)
            self.assertDone(self.run_jobs())
            self.assertEqual(list(self.records), [str(other)])

    # How the tests find out

    def _changed(self):
        """Import a record, change it here, and return its binding; nothing is sent yet."""
        binding = self.imported()
        self.export(binding)  # what no import brings is known now
        self.sent.clear()
        binding.write(self.change_of(binding))
        return binding

    def _sent_again(self, answer):
        self.needs_export()
        binding = self._changed()
        self.trouble = self.in_changes(answer)
        job = self.assertNotDone(self.export(binding))
        self.trouble = None
        self.sent.clear()
        self.assertDone(self.run_jobs(at=job.eta) if job.state == "scheduled" else self.export(binding))
        self.assertEqual([method for method, _args in self.sent], ["write"], "The change is not sent again")

    def _scheduled(self, jobs):
        job = jobs[:1]
        self.assertEqual(job.state, "scheduled", f"The job is not tried again: {job.message or job.result}")
        return job

    def _assert_created_once(self, binding, count):
        self.assertIn(binding.external_id, self.records)
        if not Creation(self.unit(RecordExporter))._is_key_understood():
            self.assertTrue(self.asked(), "A second record may have been created, and nobody is asked to look")
            return
        self.assertEqual(len(self.records), count + 1, "A second record was created there")

    def _assert_second_export_sends_nothing(self, binding):
        self.sent.clear()
        requests = len(self.changing_requests())
        self.assertDone(self.export(binding))
        self._assert_nothing_sent(requests)

    def _assert_nothing_sent(self, requests):
        self.assertEqual(self.sent, [], "The system is sent what it has")
        self.assertEqual(len(self.changing_requests()), requests, "The system is sent what it has")
