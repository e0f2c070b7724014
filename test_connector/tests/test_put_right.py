import importlib.util
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo.tools import mute_logger

from odoo.addons import connector
from odoo.addons.connector.exception import FailedJobError
from odoo.addons.connector.models.connector_open_record import ConnectorOpenRecord
from odoo.addons.connector.models.connector_put_right import ConnectorPutRight
from odoo.addons.connector.testing import extending
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.unit.exporter.bulk import export_bulk
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer import listing
from odoo.addons.connector.unit.importer.batch import DirectBatchImporter, import_batch
from odoo.addons.connector.unit.importer.bulk import import_page
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.connector.unit.open_records import import_key, import_scope
from odoo.addons.jobs_queue import chain, store

from ..units import PartnerImporter, ShopAdapter, webshop
from .test_bulk_importer import BulkCase

PARTNER = "test.shop.partner"


class Skipping(RecordImporter):
    def _must_skip(self):
        return "It was cancelled there."


class PutRightCase(BulkCase):
    def delay_import(self, external_id, **options):
        return import_record.delay(self.session, PARTNER, self.backend.id, external_id, **options)

    def run_import(self, external_id, **options):
        """Import a record in a job, and return the job."""
        return self.run_now(self.delay_import(external_id, **options))

    def run_page(self, external_ids, **options):
        return self.run_now(import_page.delay(self.session, PARTNER, self.backend.id, external_ids, **options))

    @mute_logger("odoo.addons.jobs_queue.worker.outcome")
    def run_now(self, job):
        record = job.record(self.env)
        self.run_jobs()
        return record

    def mend(self, external_id):
        self.shop.table(PARTNER)[external_id]["name"] = f"Good {external_id}"

    def failed_import(self, external_id, **options):
        """Return a job that failed, although its record can be imported by now."""
        self.add(external_id, name="Bad")
        with self.failing("Bad"):
            job = self.run_import(external_id, **options)
        self.assertEqual(job.state, "failed")
        self.mend(external_id)
        return job

    def failed_page(self, external_ids, **options):
        """Return a page that failed as a whole."""

        class Adapter(ShopAdapter):
            def read_many(self, external_ids, fields=None):
                raise FailedJobError("The shop is closed")

        self.add_many(external_ids)
        with extending(webshop, Adapter):
            job = self.run_page(external_ids, **options)
        self.assertFailed(job, "The shop is closed")
        return job

    def requeue(self, jobs):
        store.actions.requeue(self.env.cr, jobs.ids)
        self.env.invalidate_all()

    def checkpoints(self, state="need_review"):
        return self.env["connector.checkpoint"].search([("state", "=", state)])

    def run_again(self):
        """Run the jobs of single records that a page has left."""
        with mute_logger("odoo.addons.jobs_queue.worker.outcome"):
            return self.run_jobs()


class TestFailedJobs(PutRightCase):
    def test_a_later_import_closes_the_failed_job_of_its_record_and_keeps_what_it_said(self):
        failed = self.failed_import(1)
        job = self.run_import(1)
        self.assertEqual((job.state, failed.state, failed.done_by_id), ("done", "done", job))
        self.assertIn(f"Put right by job {job.id}.\n", failed.message)
        self.assertIn("Bad is not welcome", failed.message)

    def test_a_page_closes_the_failed_jobs_of_all_its_records(self):
        failed = self.failed_import(1) | self.failed_import(2)
        other = self.failed_import(3)
        job = self.run_page([1, 2])
        self.assertEqual((failed.mapped("state"), failed.done_by_id), (["done", "done"], job))
        self.assertEqual(other.state, "failed")

    def test_all_failed_jobs_of_the_record_are_closed(self):
        failed = self.failed_import(1) | self.failed_import(1)
        self.run_import(1)
        self.assertEqual(failed.mapped("state"), ["done", "done"])

    def test_a_failed_import_closes_nothing(self):
        failed = self.failed_import(1) | self.failed_import(1)
        self.assertEqual(failed.mapped("state"), ["failed", "failed"])

    def test_the_job_of_another_record_model_or_backend_stays(self):
        failed = self.failed_import(1)
        self.add(11)
        self.run_import(11)
        self.shop.add("test.shop.tag", 1, name="Tag")
        import_record.delay(self.session, "test.shop.tag", self.backend.id, 1)
        another = self.env["test.shop.backend"].create({"name": "Another"})
        import_record.delay(self.session, PARTNER, another.id, 1)
        self.assertDone(self.run_jobs())
        self.assertEqual(failed.state, "failed")

    def test_a_dependency_that_is_imported_by_another_record_is_put_right_too(self):
        failed = self.failed_import(1)
        self.add(2, parent=1)
        with self.depending():
            self.run_import(2)
        self.assertEqual(failed.state, "done")

    def depending(self):
        class Importer(PartnerImporter):
            def _import_dependencies(self):
                self._import_dependency(self.external_record.get("parent"), PARTNER)

        return extending(webshop, Importer)

    def test_an_id_of_any_length_is_found(self):
        long_id = "x" * 400
        failed = self.failed_import(long_id)
        self.run_import(long_id)
        self.assertEqual(failed.state, "done")

    def test_a_record_that_is_up_to_date_puts_an_import_right_but_none_by_force(self):
        self.add(1, name="Bad")
        self.run_import(1)
        with self.failing("Bad"):
            by_force = self.run_import(1, force=True)
        self.binding(1).sync_state = "in_sync"
        plain = self.delay_import(1)
        self.set_failed(plain)
        self.assertRegex(self.run_import(1).message, "Already up to date")
        self.assertEqual((by_force.state, plain.record(self.env).state), ("failed", "done"))
        self.run_import(1, force=True)
        self.assertEqual(by_force.state, "done")

    def set_failed(self, job):
        self.env["connector.open.record"]._add(import_scope(PARTNER, self.backend.id), [import_key(1)], job.id)
        self.env.cr.execute(
            "UPDATE queue_job SET state = 'failed', date_done = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = %s",
            [job.id],
        )
        self.env.invalidate_all()

    def test_a_record_that_is_skipped_or_gone_puts_it_right_as_another_try_would_end_so(self):
        failed = self.failed_import(1)
        with extending(webshop, Skipping):
            self.run_import(1)
        self.assertEqual(failed.state, "done")
        gone = self.failed_import(2)
        del self.shop.table(PARTNER)[2]
        self.run_import(2)
        self.assertEqual(gone.state, "done")

    def test_a_job_that_failed_after_the_later_one_has_read_its_record_stays(self):
        failed = self.failed_import(1)
        record = dict(self.shop.table(PARTNER)[1])
        noted = self.env["connector.open.record"].search([("job_id", "=", failed.id)]).date
        self.run_import(1, data=record, read_at=noted - timedelta(seconds=2))
        self.assertEqual(failed.state, "failed")
        self.run_import(1, data={**record, "name": "Newer"}, read_at=noted + timedelta(seconds=2))
        self.assertEqual(failed.state, "done")

    def test_a_job_that_has_run_and_failed_once_more_since_it_was_noted_stays(self):
        failed = self.failed_import(1)
        notes = self.env["connector.put.right"]
        self.delay_import(1)
        with self.not_settling():
            self.run_jobs()
        self.assertTrue(notes.search([]).record_id)
        self.env.cr.execute("UPDATE queue_job SET date_started = date_done + interval '1 s' WHERE id = %s", [failed.id])
        self.settle()
        self.assertEqual((failed.state, notes.search_count([])), ("failed", 0))

    def test_a_job_whose_process_died_is_noted_when_failed_jobs_are_grouped(self):
        self.add(1)
        jobs = [
            self.delay_import(1),
            import_page.delay(self.session, PARTNER, self.backend.id, [1, 2]),
            self.delay_import(object_id := "x" * 300, force=True),
        ]
        records = [job.record(self.env) for job in jobs]
        self.env.cr.execute("UPDATE queue_job SET state = 'failed' WHERE id = ANY(%s)", [[job.id for job in jobs]])
        for _pass in range(2):
            found = store.failures.lock_ungrouped(self.env.cr, 10)
            list(self.env["queue.job.failure"]._group(found))
        rows = self.env["connector.open.record"].search([])
        self.assertEqual(
            sorted(zip(rows.mapped("job_id"), rows.mapped("key"), strict=True)),
            sorted(
                [
                    (jobs[0].id, "1"),
                    (jobs[1].id, "1"),
                    (jobs[1].id, "2"),
                    (jobs[2].id, import_key(object_id, force=True)),
                ]
            ),
        )
        self.run_import(1)
        self.assertEqual([job.state for job in records], ["done", "failed", "failed"])

    def test_what_has_failed_before_the_update_closes_itself_too(self):
        failed = self.failed_import(1)
        rows = self.env["connector.open.record"]
        rows.search([]).unlink()
        rows._add_all_failed()
        rows._add_all_failed()
        self.assertEqual(rows.search([]).mapped("job_id"), [failed.id])
        self.run_import(1)
        self.assertEqual(failed.state, "done")

    def test_a_failed_job_that_is_put_right_but_is_locked_is_not_noted_anew(self):
        failed = self.failed_import(1)
        rows = self.env["connector.open.record"]
        with self.not_settling():
            self.run_import(1)
        busy = store.superseded.Ended([], [failed.id])
        with patch.object(store.superseded, "end", lambda *args: busy):
            self.settle()
        self.assertFalse(rows.search([]))
        rows._add_all_failed()
        self.assertFalse(rows.search([]))
        self.settle()
        self.assertEqual(failed.state, "done")

    def not_settling(self):
        """Let the process die before it closes what was noted."""
        return patch.object(type(self.env["connector.put.right"]), "_settle", lambda *args: None)

    def settle(self):
        self.close_what_was_put_right()
        self.env.invalidate_all()

    def test_what_a_dead_process_has_left_is_closed_by_the_scheduled_action(self):
        failed = self.failed_import(1)
        self.delay_import(1)
        with self.not_settling():
            self.run_jobs()
        self.assertEqual(failed.state, "failed")
        self.settle()
        self.assertEqual(failed.state, "done")

    def test_a_requeue_forgets_who_has_put_it_right(self):
        failed = self.failed_import(1)
        self.run_import(1)
        self.requeue(failed)
        self.assertFalse(failed.done_by_id)

    def test_jobs_that_wait_for_it_go_on_as_its_work_is_done(self):
        self.add(1, name="Bad")
        first = import_record.delayable(self.session, PARTNER, self.backend.id, 1)
        self.add(2)
        second = import_record.delayable(self.session, PARTNER, self.backend.id, 2)
        chain(first, second).delay()
        with self.failing("Bad"):
            self.run_now(first)
        waiting = second.record(self.env)
        self.assertEqual(waiting.state, "wait_dependencies")
        self.mend(1)
        self.run_import(1)
        self.assertEqual((first.record(self.env).state, waiting.state), ("done", "done"))

    def test_an_import_asks_once_a_page_if_nothing_is_open(self):
        self.add_many(range(1, 21))
        self.run_page(list(range(1, 21)))
        with self.asking() as asked:
            self.run_page(list(range(1, 21)))
        self.assertEqual(asked, [1])

    def test_a_batch_of_many_records_asks_once(self):
        self.add_many(range(1, 21))
        with self.asking() as asked:
            DirectBatchImporter(self.environment()).run()
        self.assertEqual(asked, [1, 1], "It asks for failed lists, and for failed records")

    @contextmanager
    def asking(self):
        """Give a list of the number of queries of each question whether anything is open."""
        asked, is_any = [], ConnectorOpenRecord._is_any

        def asking(model, scope):
            before = model.env.cr.sql_log_count
            try:
                return is_any(model, scope)
            finally:
                asked.append(model.env.cr.sql_log_count - before)

        noting = patch.object(ConnectorPutRight, "_note", lambda *args: self.fail("Nothing is open"))
        with patch.object(ConnectorOpenRecord, "_is_any", asking), noting:
            yield asked


class TestFailedPages(PutRightCase):
    def test_a_failed_page_closes_with_the_last_of_its_records_whoever_imports_them(self):
        failed = self.failed_page([1, 2, 3])
        self.run_import(1)
        self.run_page([2])
        self.assertEqual(failed.state, "failed")
        job = self.run_import(3)
        self.assertEqual((failed.state, failed.done_by_id), ("done", job))
        self.assertIn("The shop is closed", failed.message)
        self.assertFalse(self.env["connector.open.record"].search_count([]))

    def test_a_failed_page_of_records_that_were_read_closes_too(self):
        self.add_many([1, 2])
        records = [dict(self.shop.table(PARTNER)[id_]) for id_ in (1, 2)]

        class Importer(PartnerImporter):
            def page_of(self, records):
                raise FailedJobError("Closed")

        with extending(webshop, Importer):
            failed = self.run_now(import_page.delay(self.session, PARTNER, self.backend.id, records=records))
        self.assertFailed(failed, "Closed")
        self.run_page([1, 2])
        self.assertEqual(failed.state, "done")

    def test_a_failed_page_by_force_waits_for_imports_that_write(self):
        self.add_many([1])
        self.run_page([1])
        failed = self.failed_page([1], force=True)
        self.run_page([1])
        self.assertEqual(failed.state, "failed")
        self.shop.table(PARTNER)[1]["name"] = "New"
        self.run_page([1])
        self.assertEqual(failed.state, "done")

    def test_two_failed_pages_with_one_record_close_both(self):
        failed = self.failed_page([1, 2]) | self.failed_page([2, 3])
        self.run_page([1, 2, 3])
        self.assertEqual(failed.mapped("state"), ["done", "done"])

    def test_a_page_that_is_requeued_leaves_no_rows_for_ever(self):
        failed = self.failed_page([1, 2])
        self.requeue(failed)
        self.assertDone(self.run_jobs())
        self.env["connector.open.record"]._gc()
        self.assertFalse(self.env["connector.open.record"].search_count([]))


class TestCheckpoints(PutRightCase):
    def failed_records(self, ids):
        """Import a page whose records fail, and return the checkpoint."""
        self.add_many(ids, name="Bad")
        with self.failing("Bad"):
            self.run_page(ids)
            self.run_again()
        for external_id in ids:
            self.mend(external_id)
        return self.checkpoints()

    @mute_logger("odoo.addons.connector.models.connector_put_right")
    def test_a_checkpoint_that_cannot_be_closed_keeps_no_failed_job_open(self):
        failed, later = self.failed_import(7), self.failed_import(8)
        checkpoint = self.failed_records([1])
        with patch.object(type(checkpoint), "_put_right", side_effect=ValueError("No")):
            self.assertEqual(self.run_import(1).state, "done")
            self.run_import(7)
            self.assertEqual((checkpoint.state, failed.state), ("need_review", "done"))
        self.run_import(8)
        self.assertEqual(later.state, "done")
        self.assertEqual(checkpoint.state, "reviewed")

    def test_a_later_import_closes_the_checkpoint_of_its_record(self):
        checkpoint = self.failed_records([1])
        text = checkpoint.message
        job = self.run_import(1)
        self.assertEqual((checkpoint.state, checkpoint.put_right_by_id), ("reviewed", job))
        self.assertEqual((checkpoint.message, checkpoint.put_right), (text, f"Put right by job {job.id}."))

    def test_a_list_of_records_shrinks_until_the_last_one_closes_it(self):
        checkpoint = self.failed_records([1, 2, 3])
        self.run_import(2)
        self.assertEqual((checkpoint.state, checkpoint.external_ids), ("need_review", [1, 3]))
        self.run_page([1, 3])
        self.assertEqual(checkpoint.state, "reviewed")

    def test_what_fails_once_more_is_put_up_again_and_stays(self):
        checkpoint = self.failed_records([1, 2])
        self.add(1, name="Bad")
        with self.failing("Bad"):
            self.run_page([1])
        self.run_import(2)
        self.assertEqual(len(self.checkpoints()), 2)
        self.assertEqual(checkpoint.external_ids, [1])

    def test_what_a_person_is_to_review_stays(self):
        self.add(1)
        self.run_import(1)
        binding = self.binding(1)
        for options in ({"on_review": "exists", "severity": "error"}, {"severity": "warning"}, {}):
            add_checkpoint(self.session, PARTNER, binding.id, self.backend, str(options), **options)
        self.mend(1)
        self.run_import(1)
        self.assertEqual(len(self.checkpoints()), 3)

    def test_an_error_that_the_import_itself_puts_up_stays_while_it_does_so(self):
        self.add(1)

        class Importer(PartnerImporter):
            def _after_import(self, binding):
                if self.external_record["name"] != "Right":
                    record = binding._name, binding.id, self.backend_record
                    add_checkpoint(self.session, *record, "Its tax is unknown.", severity="error")

        with extending(webshop, Importer):
            self.run_import(1)
            self.mend(1)
            self.run_import(1)
            self.assertEqual(len(self.checkpoints()), 1)
            self.shop.table(PARTNER)[1]["name"] = "Right"
            self.run_import(1)
        self.assertFalse(self.checkpoints())

    def test_one_from_before_the_update_keeps_the_records_that_were_not_imported_since(self):
        self.add_many([1, 2, 3])
        about = (self.session, self.backend._name, self.backend.id, self.backend, "Bad")
        checkpoint = add_checkpoint(*about, to_import=(PARTNER, [1, 2]))
        asked = add_checkpoint(*about, on_review="exists", to_import=(PARTNER, [1]))
        rows = self.env["connector.open.record"]
        rows.search([]).unlink()
        path = Path(connector.__file__).parent / "migrations/19.0.5.0.0/post-open_records.py"
        spec = importlib.util.spec_from_file_location("open_records_migration", path)
        migration = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(migration)
        for _twice in range(2):
            migration.migrate(self.env.cr, "19.0.4.0.0")
        self.assertEqual(sorted(rows.search([]).mapped("key")), ["1", "2"])
        add_checkpoint(*about, to_import=(PARTNER, [3]))
        self.run_import(3)
        self.assertEqual((checkpoint.state, checkpoint.external_ids), ("need_review", [1, 2]))
        self.run_page([1, 2])
        self.assertEqual((checkpoint.state, asked.state), ("reviewed", "need_review"))

    def test_the_activity_of_the_reviewer_goes_with_it(self):
        self.add(1)
        self.run_import(1)
        checkpoint = add_checkpoint(
            self.session,
            PARTNER,
            self.binding(1).id,
            self.backend,
            "Bad",
            "error",
            self.env.user,
            to_import=(PARTNER, [1]),
        )
        self.assertTrue(checkpoint.activity_ids)
        self.mend(1)
        self.run_import(1)
        self.assertEqual((checkpoint.state, len(checkpoint.activity_ids)), ("reviewed", 0))


class TestExports(PutRightCase):
    def delay_export(self, binding):
        return export_record.delay(self.session, PARTNER, binding.id, identity_key=export_identity(PARTNER, binding.id))

    def failed_export(self, binding):
        class Exporter(RecordExporter):
            def _validate_data(self, values):
                raise ValueError("The shop does not like it")

        with extending(webshop, Exporter):
            job = self.run_now(self.delay_export(binding))
        self.assertEqual(job.state, "failed")
        return job

    def test_a_later_export_closes_the_failed_one(self):
        binding = self.partner()
        failed = self.failed_export(binding)
        job = self.run_now(self.delay_export(binding))
        self.assertEqual((job.state, failed.state, failed.done_by_id), ("done", "done", job))

    def test_that_there_is_nothing_to_export_any_more_closes_it(self):
        binding = self.partner()
        self.run_now(self.delay_export(binding))
        failed = self.failed_export(binding)
        self.assertEqual(self.run_now(self.delay_export(binding)).message, "Nothing to export.")
        self.assertEqual(failed.state, "done")

    def test_an_import_puts_no_export_right_and_an_export_no_import(self):
        failed_import = self.failed_import(1)
        self.add(2)
        self.run_import(2)
        binding = self.binding(2)
        failed = self.failed_export(binding)
        self.shop.table(PARTNER)[2]["name"] = "Changed there"
        with self.theirs_win():
            self.run_import(2)
        self.assertEqual(failed.state, "failed")
        binding.external_id = "1"
        self.run_now(self.delay_export(binding))
        self.assertEqual((failed.state, failed_import.state), ("done", "failed"))

    def test_a_bulk_export_closes_a_failed_one_and_no_other(self):
        class Refusing(ShopAdapter):
            def write_many(self, changes):
                raise ValueError("The shop does not like it")

        self.add(1)
        binding = self.partner("1", points=1)
        with extending(webshop, Refusing):
            failed = self.run_now(export_bulk.delay(self.session, PARTNER, self.backend.id, binding.id))
        self.assertEqual(failed.state, "failed")
        self.run_now(self.delay_export(binding))
        self.assertEqual(failed.state, "failed")
        binding.points = 2
        job = self.run_now(export_bulk.delay(self.session, PARTNER, self.backend.id, binding.id))
        self.assertEqual((job.state, failed.state, failed.done_by_id), ("done", "done", job))

    def theirs_win(self):
        class Exporter(RecordExporter):
            _conflict_policy = "external_wins"

        return extending(webshop, Exporter)


class TestLists(PutRightCase):
    def failed_list(self, **options):
        class Adapter(ShopAdapter):
            def search(self, filters=None):
                raise FailedJobError("The shop is closed")

        with extending(webshop, Adapter):
            job = self.run_now(import_batch.delay(self.session, PARTNER, self.backend.id, **options))
        self.assertFailed(job, "The shop is closed")
        return job

    def run_list(self, **options):
        return self.run_now(import_batch.delay(self.session, PARTNER, self.backend.id, **options))

    def test_a_night_of_failed_lists_closes_with_the_first_that_succeeds(self):
        failed = self.failed_list() | self.failed_list()
        self.add(1)
        job = self.run_list()
        self.assertEqual((failed.mapped("state"), failed.done_by_id), (["done", "done"], job))

    def test_a_list_of_other_records_neither_closes_it_nor_is_closed(self):
        failed, filtered = self.failed_list(), self.failed_list(filters={"name": "Ada"})
        self.run_list(filters={"name": "Ada"})
        self.assertEqual((failed.state, filtered.state), ("failed", "failed"))
        self.run_list()
        self.assertEqual((failed.state, filtered.state), ("done", "failed"))

    def test_a_long_list_closes_it_when_it_is_complete(self):
        failed = self.failed_list()
        # a list remembers when it has begun by the second
        self.env.cr.execute("UPDATE connector_open_record SET date = date - interval '1 s'")
        self.env.cr.execute("UPDATE queue_job SET date_started = date_started - interval '1 s'")
        self.add_many(range(1, 8))

        class Adapter(ShopAdapter):
            def list_pages(self, filters=None, fields=None, bookmark=None):
                ids = list(self.table)
                while (place := bookmark.place or 0) < len(ids):
                    bookmark.go_to(place + 1)
                    yield [ids[place]]
                bookmark.end()

        with extending(webshop, Adapter), patch.object(listing, "MOST_PAGES", 3):
            first = self.run_list()
        self.assertEqual(failed.state, "done")
        self.assertNotEqual(failed.done_by_id, first)
