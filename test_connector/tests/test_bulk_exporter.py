from contextlib import nullcontext
from unittest.mock import patch

from odoo.tools import mute_logger

from odoo.addons.connector.exception import IDMissingInBackend, InvalidDataError, MappingError, UnreadableAnswer
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.exporter.bulk import BulkExporter, export_bulk
from odoo.addons.connector.unit.exporter.consumers import delay_bulk_export
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.exporter.resend import forget_sent
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.connector.unit.reconciler import Reconciler
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NetworkRetryableError
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import PartnerExportMapper, PointsExporter, ShopAdapter, webshop
from .common import ShopCase, conflict_policy


class TestBulkExporter(ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        for external_id in range(1, 6):
            self.shop.add("test.shop.partner", external_id, name="Ada", points=0)
        self.bindings = [self.partner(str(number), points=10 * number) for number in range(1, 6)]

    def delay(self, *bindings):
        for binding in bindings or self.bindings:
            export_bulk.delay(self.session, "test.shop.partner", self.backend.id, binding.id)

    def run_jobs(self):
        with mute_logger("odoo.addons.jobs_queue.worker"):
            return super().run_jobs()

    def points_there(self):
        return [record.get("points") for record in self.shop.table("test.shop.partner").values()]

    def bulk_calls(self):
        return [call[1] for call in self.shop.calls if call[0] == "write_many"]

    def refusing(self, external_id):
        """Have the shop refuse one record."""

        def refuse(adapter, changed_id, data):
            if changed_id == external_id:
                raise InvalidDataError("Too many points")
            return write(adapter, changed_id, data)

        write = ShopAdapter.write
        return patch.object(ShopAdapter, "write", refuse)

    def test_what_may_have_arrived_of_a_job_alone_is_not_taken_for_what_is_there(self):
        binding = self.bindings[0]
        self.delay(binding)
        self.run_jobs()

        class Unanswered(ShopAdapter):
            def write_many(self, changes):
                super().write_many(changes)
                raise NetworkRetryableError("No answer")

        for points, context in ((11, extending(webshop, Unanswered)), (10, nullcontext())):
            binding.points = points
            self.delay(binding)
            with context:
                self.run_jobs()
            self.assertEqual(self.points_there()[0], points)

    def test_a_job_alone_sends_what_the_record_has_after_the_commit_before_it(self):
        binding = self.bindings[0]
        self.delay(binding)
        self.run_jobs()
        commit = ConnectorSession.commit

        def commit_and_change(session):
            commit(session)
            binding.points = 12

        binding.points = 11
        self.delay(binding)
        with patch.object(ConnectorSession, "commit", commit_and_change):
            self.run_jobs()
        self.assertEqual(self.points_there()[0], 12)

    def test_changes_of_many_records_are_one_call_that_sends_what_the_exporter_names(self):
        self.delay()
        jobs = self.run_jobs()
        self.assertEqual(set(jobs.mapped("state")), {"done"})
        self.assertEqual(jobs[0].message, "Updated record 1.")
        self.assertEqual(self.bulk_calls(), [{str(number): {"points": 10 * number} for number in range(1, 6)}])
        self.assertEqual(self.points_there(), [10, 20, 30, 40, 50])
        self.assertEqual(self.bindings[0].sync_state, "in_sync")

    def test_a_record_that_was_delayed_ten_times_is_sent_once(self):
        self.delay(*[self.bindings[0]] * 10)
        self.assertEqual(len(self.run_jobs()), 10)
        self.assertEqual(self.bulk_calls(), [{"1": {"points": 10}}])

    def test_what_was_sent_before_is_not_sent_again(self):
        self.delay()
        self.run_jobs()
        self.bindings[1].points = 21
        self.delay()
        jobs = self.run_jobs()
        self.assertEqual(self.bulk_calls()[1:], [{"2": {"points": 21}}])
        self.assertEqual(jobs[0].message, "Nothing to export.")

    def test_c19_values_that_the_shop_has_changed_by_itself_are_sent_once_it_is_said(self):
        self.delay()
        self.run_jobs()
        self.shop.table("test.shop.partner")[1]["points"] = 3
        forget_sent(self.bindings[0], ["points"])
        self.delay()
        self.run_jobs()
        self.assertEqual(self.bulk_calls()[1:], [{"1": {"points": 10}}])

    def test_c19_what_is_not_forgotten_is_not_sent_again(self):
        self.unit(RecordExporter).run(self.bindings[0].id)
        forget_sent(self.bindings[0], ["points"])
        self.shop.calls.clear()
        self.unit(RecordExporter).run(self.bindings[0].id)
        self.assertEqual(self.shop.calls, [("write", "1", {"points": 10})])

    def test_c19_an_exporter_of_values_that_change_there_sends_them_always(self):
        class Exporter(PointsExporter):
            _changes_there = True

        with extending(webshop, Exporter):
            for _time in range(2):
                self.delay(self.bindings[0])
                self.run_jobs()
            self.assertEqual(self.bulk_calls(), [{"1": {"points": 10}}] * 2)
            self.unit(Reconciler).run("export")
            self.assertEqual(len(self.delayed_jobs("export_bulk")), 5)

    def test_c19_a_bulk_export_takes_options_of_its_jobs(self):
        delay_bulk_export(self.session, self.bindings[0], priority=3, eta=60)
        delayed = self.delayed_jobs("export_bulk")
        self.assertEqual((delayed.priority, delayed.state), (3, "scheduled"))

    def test_exports_of_one_thing_run_one_after_the_other(self):
        self.patch(type(self.Partner), "_export_group", lambda binding: binding.backend_id)
        for binding in self.bindings[:2]:
            export_record.delay(self.session, "test.shop.partner", binding.id)
        keys = self.delayed_jobs("export_record").mapped("concurrency_key")
        self.assertEqual(keys, [f"export,test.shop.backend,{self.backend.id}"] * 2)

    def test_what_is_deleted_or_not_exported_is_left_out(self):
        self.delay()
        self.bindings[0].unlink()
        self.bindings[1].no_export = True
        jobs = self.run_jobs()
        self.assertEqual(
            jobs[:2].mapped("message"),
            ["The record to export does not exist any more.", "Not exported: the binding says so."],
        )
        self.assertEqual(list(self.bulk_calls()[0]), ["3", "4", "5"])

    def test_a_record_that_the_shop_refuses_fails_alone(self):
        self.delay()
        with self.refusing("3"):
            jobs = self.run_jobs()
        failed = jobs.filtered(lambda job: job.state == "failed")
        self.assertFailed(failed, "Too many points")
        self.assertEqual(self.points_there(), [10, 20, 0, 40, 50])
        self.assertEqual((self.bindings[2].sync_state, self.bindings[2].sync_error), ("error", "Too many points"))
        self.assertEqual([len(call) for call in self.bulk_calls()], [5, 1])
        store.actions.requeue(self.env.cr, failed.ids)
        self.run_jobs()
        self.assertEqual((self.bindings[2].sync_state, self.bindings[2].sync_error), ("in_sync", False))

    def test_a_record_that_is_not_known_there_fails_alone(self):
        self.bindings[2].external_id = False
        self.delay()
        failed = self.run_jobs().filtered(lambda job: job.state == "failed")
        self.assertFailed(failed, "Ada is not known there yet: export it first")
        self.assertEqual(self.points_there(), [10, 20, 0, 40, 50])

    def test_a_record_that_is_alone_and_refused_fails_and_leaves_its_error_on_the_binding(self):
        binding = self.bindings[2]
        self.delay(binding)
        with self.refusing("3"):
            job = self.run_jobs()
        self.assertFailed(job, "Too many points")
        self.assertEqual(
            (binding.sync_state, binding.sync_error, binding.last_job_id), ("error", "Too many points", job)
        )

    def test_a_record_that_cannot_be_mapped_fails_alone(self):
        def finalize(mapper, map_record, values):
            if map_record.source == self.bindings[2]:
                raise InvalidDataError("No points")
            return values

        self.delay()
        with patch.object(PartnerExportMapper, "finalize", finalize):
            jobs = self.run_jobs()
        failed = jobs.filtered(lambda job: job.state == "failed")
        self.assertFailed(failed, "No points")
        self.assertEqual(self.points_there(), [10, 20, 0, 40, 50])
        self.assertEqual([b.sync_state for b in self.bindings], ["in_sync", "in_sync", "error", "in_sync", "in_sync"])
        self.assertEqual((self.bindings[2].sync_error, self.bindings[2].last_job_id), ("No points", failed))

    def test_the_state_there_that_it_makes_is_no_conflict_of_the_next_export(self):
        with self.counting_versions():
            for policy in ("external_wins", "ask"):
                with self.subTest(policy), conflict_policy(policy):
                    self.import_and_change_ours(self.bindings[0])
                    self.delay(self.bindings[0])
                    self.assertDone(self.run_jobs())
                    self.unit(RecordExporter).run(self.bindings[0].id)
                    self.assertEqual((self.there(1)["name"], self.bindings[0].name), ("Ours", "Ours"))
                    self.assertEqual(self.bindings[0].sync_state, "in_sync")

    def test_what_was_changed_there_before_it_stays_a_conflict_of_the_next_export(self):
        with self.counting_versions(), conflict_policy("ask"):
            self.import_and_change_ours(self.bindings[0])
            self.there(1).update(name="Theirs", changed=8)
            self.delay(self.bindings[0])
            self.assertDone(self.run_jobs())
            self.unit(RecordExporter).run(self.bindings[0].id)
        self.assertEqual((self.there(1)["name"], self.bindings[0].sync_state), ("Theirs", "conflict"))

    def test_a_conflict_stays_one(self):
        self.bindings[0].write({"sync_state": "conflict", "sync_error": "Which one?"})
        self.bindings[1].write({"sync_state": "conflict", "sync_error": "Which one?"})
        self.delay()
        with self.refusing("2"):
            self.run_jobs()
        self.assertEqual(self.bindings[0].points, self.there(1)["points"])
        for binding in self.bindings[:2]:
            self.assertEqual((binding.sync_state, binding.sync_error), ("conflict", "Which one?"))

    def test_an_export_of_the_record_that_has_failed_is_not_made_good_by_it(self):
        binding = self.bindings[0]
        identity = export_identity("test.shop.partner", binding.id)
        with patch.object(ShopAdapter, "write", side_effect=InvalidDataError("No such name")):
            export_record.delay(self.session, "test.shop.partner", binding.id, identity_key=identity)
            self.run_jobs()
        binding.points += 1
        self.delay(binding)
        self.assertDone(self.run_jobs())
        self.assertEqual((self.there(1)["points"], binding.sync_state), (11, "error"))

    def there(self, external_id):
        return self.shop.table("test.shop.partner")[external_id]

    def import_and_change_ours(self, binding):
        self.there(1).update(name="Ada", changed=1)
        self.unit(RecordImporter).run(1, force=True)
        binding.write({"name": "Ours", "points": binding.points + 10})

    def counting_versions(self):
        """Have each write there make a new version of the record."""

        def write_and_count(adapter, external_id, data):
            write(adapter, external_id, data)
            record = adapter._find(external_id)
            record["changed"] = record.get("changed", 0) + 1

        write = ShopAdapter.write
        return patch.object(ShopAdapter, "write", write_and_count)

    def answering(self, answer):
        """Have the shop answer a call that updates many records."""
        return patch.object(ShopAdapter, "write_many", lambda adapter, changes: answer)

    def test_what_is_refused_may_be_told_by_the_ids_of_the_system(self):
        self.delay(*self.bindings[:2])
        with self.answering({2: InvalidDataError("Too many points")}):
            failed = self.run_jobs().filtered(lambda job: job.state == "failed")
        self.assertFailed(failed, "Too many points")
        self.assertEqual([binding.sync_state for binding in self.bindings[:2]], ["in_sync", "error"])

    def test_a_record_by_which_the_system_refuses_all_is_found_by_halving(self):
        for error in (InvalidDataError("Too many points"), IDMissingInBackend("Not there")):

            class AllOrNone(ShopAdapter):
                def write_many(self, changes, error=error):
                    self.calls.append(len(changes))
                    if "4" in changes:
                        raise error
                    return super().write_many(changes)

                calls = []

            with self.subTest(error), extending(webshop, AllOrNone):
                self.delay()
                jobs = self.run_jobs()
                self.assertEqual(jobs.mapped("state").count("done"), 4)
                self.assertFailed(jobs.filtered(lambda job: job.state == "failed"), str(error))
                self.assertEqual(AllOrNone.calls, [5, 2, 3, 1, 2, 1, 1])
                self.assertEqual(self.bindings[3].sync_state, "error")
            self.assertEqual(self.points_there(), [10, 20, 30, 0, 50])
            jobs.unlink()
            for binding in self.bindings:
                binding.export_checksum = False

    def test_an_answer_that_cannot_be_read_is_asked_for_no_second_time_by_its_call(self):
        with (
            patch.object(ShopAdapter, "write_many", side_effect=UnreadableAnswer("<html>")) as write_many,
            self.assertRaises(UnreadableAnswer),
        ):
            self.unit(BulkExporter).run([binding.id for binding in self.bindings])
        self.assertEqual(write_many.call_count, 1)

    def test_an_adapter_that_returns_nothing_has_sent_all(self):
        self.delay()
        with self.answering(None):
            self.assertDone(self.run_jobs())
        self.assertEqual(self.bindings[4].sync_state, "in_sync")

    def test_an_adapter_that_does_not_tell_what_is_refused_is_named_and_nothing_counts_as_sent(self):
        for answer, told in (
            ([2], r"\[2\]"),
            ({"77": InvalidDataError("No")}, "'77': InvalidDataError"),
            ({"1": "No"}, "'1': 'No'"),
        ):
            with self.subTest(answer=answer):
                self.delay()
                with self.answering(answer):
                    jobs = self.run_jobs()
                self.assertEqual(set(jobs.mapped("state")), {"failed"})
                self.assertFailed(
                    jobs[0], f"ShopAdapter returned {told}.* to .*PointsExporter._write_many.*: it must return a dict"
                )
                self.assertFalse(self.bindings[0].export_checksum)

    def test_fields_that_say_nothing_to_send_fail_at_once(self):
        for fields, problem in (
            ([], r"\[\] is not a list of one or more names of fields"),
            ("points", "'points' is not a list of one or more names of fields"),
            (["points", "pionts"], "test.shop.partner has no field 'pionts'"),
            (["phone"], "no mapping of .*PartnerExportMapper reads 'phone'"),
        ):

            class Exporter(PointsExporter):
                _fields = fields

            message = f"PointsExporter, _fields: {problem}"
            with (
                self.subTest(fields=fields),
                extending(webshop, Exporter),
                self.assertRaisesRegex(MappingError, message),
            ):
                self.unit(BulkExporter).run([binding.id for binding in self.bindings])
        self.assertEqual(self.shop.calls, [])

    def test_the_button_related_opens_the_record(self):
        self.delay(self.bindings[0])
        action = self.delayed_jobs("export_bulk").button_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.bindings[0].odoo_id.id))

    def test_a_single_record_that_is_refused_raises(self):
        with self.refusing("1"), self.assertRaises(InvalidDataError):
            self.unit(BulkExporter).run([self.bindings[0].id])
