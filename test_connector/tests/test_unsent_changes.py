from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tools import mute_logger

from odoo.addons.connector.event import on_record_unlink, on_record_write
from odoo.addons.connector.event.no_export import without_export
from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.exporter.consumers import delay_bulk_export, delay_delete, delay_export_all_bindings
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer.bulk import BulkImporter, import_page
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.jobs_queue import store

from ..units import PartnerExportMapper, PartnerImporter, PointsExporter, ShopAdapter, webshop
from .common import ShopCase, conflict_policy


class UnsentCase(ShopCase, JobsCase):
    """A partner that was imported, is exported at every change, and was changed on both sides.

    The name was changed on both sides, the nickname there only.
    """

    policy = "odoo_wins"

    def setUp(self):
        super().setUp()
        self.subscribe(on_record_write, delay_export_all_bindings)
        self.subscribe(on_record_unlink, delay_delete)
        self.enterContext(conflict_policy(property(lambda exporter: self.policy)))
        self.theirs = {"id": 42, "name": "Ada", "changed": "1"}
        self.shop.table("test.shop.partner")[42] = self.theirs
        self.unit(RecordImporter).run(42)
        self.binding = self.Partner.search([("backend_id", "=", self.backend.id)])

    def subscribe(self, event, consumer):
        names = ["res.partner", "test.shop.partner"]
        event.subscribe(consumer, model_names=names)
        self.addCleanup(lambda: event.unsubscribe(consumer, names))

    def change_both(self, newer_by=1):
        """Change the record on both sides; the one there so many seconds later."""
        self.binding.odoo_id.name = "Ours"
        self.env.flush_all()
        date = self.binding.odoo_id.write_date + timedelta(seconds=newer_by)
        self.theirs.update(name="Theirs", nickname="Countess", changed="2", date=date)

    def import_alone(self):
        import_record.delay(self.session, "test.shop.partner", self.backend.id, 42)

    def import_as_page(self):
        import_page.delay(self.session, "test.shop.partner", self.backend.id, [42])

    def run_all_jobs(self):
        """Run the jobs, those that are put off among them, until none is left."""
        self.run_jobs()
        while waiting := self.delayed_jobs():
            self.run_jobs(at=max(waiting.mapped("eta")))

    def run_failing_jobs(self):
        with mute_logger("odoo.addons.jobs_queue.worker"):
            return self.run_jobs()

    def refusing(self):
        """Have every export fail."""
        return patch.object(PartnerExportMapper, "finalize", side_effect=InvalidDataError("No"))

    @property
    def here(self):
        return self.binding.name, self.binding.nickname or None

    @property
    def there(self):
        return self.theirs["name"], self.theirs.get("nickname")


class TestBothOrders(UnsentCase):
    """What both sides contain after all jobs have run is the same, whichever job was first."""

    OURS, THEIRS = ("Ours", "Countess"), ("Theirs", "Countess")

    def run_in_order(self, delay_import, import_first, newer_by):
        """Run the export of our change and the import of theirs, in the order of their delays."""
        if import_first:
            delay_import()
        self.change_both(newer_by)
        if not import_first:
            delay_import()
        self.run_all_jobs()

    def check(self, delay_import, import_first):
        for policy, newer_by, winner in (
            ("odoo_wins", 1, self.OURS),
            ("external_wins", -1, self.THEIRS),
            ("newest", 1, self.THEIRS),
            ("newest", -1, self.OURS),
        ):
            with self.subTest(policy=policy, theirs_is_newer_by=newer_by), self.anew():
                self.policy = policy
                self.run_in_order(delay_import, import_first, newer_by)
                self.assertEqual((self.here, self.there), (winner, winner))
                self.assertEqual(self.binding.sync_state, "in_sync")
        with self.subTest("ask"), self.anew():
            self.policy = "ask"
            self.run_in_order(delay_import, import_first, 1)
            self.assertEqual((self.here, self.there), (("Ours", None), self.THEIRS))
            self.assertEqual(self.binding.sync_state, "conflict")
            self.assertEqual(self.checkpoint().state, "need_review")
            self.binding.action_keep_ours()
            self.run_all_jobs()
            self.assertEqual((self.here, self.there), (self.OURS, self.OURS))

    @contextmanager
    def anew(self):
        """Undo what the block does here and there."""
        theirs = dict(self.theirs)
        savepoint = self.env.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()
            self.theirs.clear()
            self.theirs.update(theirs)

    def checkpoint(self):
        return self.env["connector.checkpoint"].search([("record_id", "=", self.binding.odoo_id.id)])

    def test_the_export_runs_first_and_then_the_import_of_the_record(self):
        self.check(self.import_alone, import_first=False)

    def test_the_import_of_the_record_runs_first_and_then_the_export(self):
        self.check(self.import_alone, import_first=True)

    def test_the_export_runs_first_and_then_the_import_of_its_page(self):
        self.check(self.import_as_page, import_first=False)

    def test_the_import_of_its_page_runs_first_and_then_the_export(self):
        self.check(self.import_as_page, import_first=True)


class TestImportThatIsPutOff(UnsentCase):
    def test_it_says_so_and_comes_back_in_a_minute(self):
        self.change_both()
        message = self.unit(RecordImporter).run(42)
        self.assertEqual(message, "Put off: what was done here with record 42 must reach Test Shop first.")
        self.assertEqual(self.binding.name, "Ours")
        job = self.delayed_jobs("import_record")
        self.assertAlmostEqual((job.eta - job.date_created).total_seconds(), 60, delta=2)

    def test_in_a_page_it_does_not_hold_the_others_up(self):
        self.change_both()
        self.shop.add("test.shop.partner", 43, name="Bob")
        message = self.unit(BulkImporter).run_ids([42, 43])
        self.assertEqual(message, "1 created, 1 put off until what was done here is sent")

    def test_it_waits_the_longer_the_longer_the_export_has_waited(self):
        self.change_both()
        export = self.delayed_jobs("export_record")
        for waited, expected in ((timedelta(minutes=10), 600), (timedelta(days=3), 3600)):
            self.env.cr.execute("UPDATE queue_job SET date_created = date_created - %s", [waited])
            export.invalidate_recordset()
            self.unit(RecordImporter).run(42)
            job = self.delayed_jobs("import_record")[-1]
            self.assertAlmostEqual((job.eta - job.date_created).total_seconds(), expected, delta=5)

    def test_of_those_that_come_back_for_one_record_one_runs(self):
        self.change_both()
        for _number in range(3):
            self.unit(RecordImporter).run(42)
        self.run_jobs()
        states = self.run_jobs(at=self.delayed_jobs("import_record")[-1].eta).mapped("state")
        self.assertEqual(states, ["done"])

    def test_it_is_put_off_while_the_export_fails_and_comes_once_that_was_mended(self):
        self.change_both()
        with self.refusing():
            export = self.run_failing_jobs()
        self.assertEqual((export.state, self.binding.sync_state), ("failed", "error"))
        self.unit(RecordImporter).run(42)
        self.assertEqual(self.here, ("Ours", None))
        store.actions.requeue(self.env.cr, export.ids)
        self.run_all_jobs()
        self.assertEqual((self.here, self.there), (("Ours", "Countess"), ("Ours", "Countess")))

    def test_an_export_that_has_failed_does_not_count_any_more_once_a_later_one_has_succeeded(self):
        self.binding.odoo_id.name = "Refused"
        with self.refusing():
            self.assertEqual(self.run_failing_jobs().state, "failed")
        self.binding.odoo_id.name = "Accepted"
        self.run_jobs()
        self.theirs.update(nickname="Countess", changed="2")
        self.unit(RecordImporter).run(42)
        self.assertEqual(self.here, ("Accepted", "Countess"))

    def test_nor_where_the_later_one_has_left_something_to_import(self):
        self.policy = "newest"
        self.binding.odoo_id.name = "Refused"
        with self.refusing():
            self.assertEqual(self.run_failing_jobs().state, "failed")
        self.change_both(newer_by=-1)
        self.run_jobs()
        self.assertEqual((self.here, self.there), (("Ours", "Countess"), ("Ours", "Countess")))

    def test_nor_when_an_import_has_failed_since(self):
        class Importer(PartnerImporter):
            def _validate_data(self, values):
                raise InvalidDataError("No")

        self.binding.odoo_id.name = "Refused"
        with self.refusing():
            self.run_failing_jobs()
        self.binding.odoo_id.name = "Accepted"
        self.run_jobs()
        self.theirs.update(nickname="Countess", changed="2")
        self.import_alone()
        with extending(webshop, Importer):
            self.run_failing_jobs()
        self.assertEqual(self.binding.sync_state, "error")
        self.unit(RecordImporter).run(42)
        self.assertEqual(self.here, ("Accepted", "Countess"))

    def test_it_counts_when_some_fields_were_exported_since(self):
        self.fail_to_send("Ours")
        without_export(self.binding).points = 5
        export_record.delay(self.session, "test.shop.partner", self.binding.id, fields=["points"])
        self.run_jobs()
        self.assertEqual((self.theirs["points"], self.binding.sync_state), (5, "in_sync"))
        self.check_that_it_is_put_off()

    def test_it_counts_when_the_record_was_missing_there_meanwhile(self):
        self.fail_to_send("Ours")
        records = self.shop.table("test.shop.partner")
        del records[42]
        self.import_alone()
        self.run_jobs()
        self.assertEqual(self.binding.sync_state, "missing")
        records[42] = self.theirs
        self.unit(RecordImporter).run(42)
        self.assertEqual(self.binding.sync_state, "in_sync")
        self.check_that_it_is_put_off()

    def fail_to_send(self, name):
        self.binding.odoo_id.name = name
        with self.refusing():
            self.assertEqual(self.run_failing_jobs().state, "failed")

    def check_that_it_is_put_off(self):
        self.theirs.update(nickname="Countess", changed="2")
        self.assertRegex(self.unit(RecordImporter).run(42), "^Put off")
        self.assertEqual(self.here, ("Ours", None))

    def test_nor_once_what_was_changed_here_was_changed_back(self):
        self.binding.odoo_id.name = "Sent"
        self.run_jobs()
        self.binding.odoo_id.name = "Refused"
        with self.refusing():
            self.assertEqual(self.run_failing_jobs().state, "failed")
        self.binding.odoo_id.name = "Sent"
        self.run_jobs()
        self.theirs.update(nickname="Countess", changed="3")
        self.unit(RecordImporter).run(42)
        self.assertEqual(self.here, ("Sent", "Countess"))

    def test_an_export_that_has_failed_is_no_conflict_when_it_is_tried_again(self):
        for policy in ("external_wins", "newest", "ask"):
            with self.subTest(policy):
                self.policy = policy
                self.binding.odoo_id.name = f"Ours, {policy}"
                with self.refusing():
                    export = self.run_failing_jobs()
                store.actions.requeue(self.env.cr, export.ids)
                self.run_jobs()
                self.assertEqual((self.theirs["name"], self.binding.sync_state), (f"Ours, {policy}", "in_sync"))

    def test_it_comes_once_somebody_has_cancelled_the_export(self):
        self.change_both()
        self.unit(RecordImporter).run(42)
        store.actions.cancel(self.env.cr, self.delayed_jobs("export_record").ids, "")
        self.run_all_jobs()
        self.assertEqual(self.here, ("Theirs", "Countess"))

    def test_a_conflict_stays_one_when_an_export_of_it_fails(self):
        self.policy = "ask"
        self.change_both()
        self.run_jobs()
        self.binding.odoo_id.name = "Ours again"
        with self.refusing():
            self.assertEqual(self.run_failing_jobs().state, "failed")
        self.assertEqual(self.binding.sync_state, "conflict")
        self.binding.action_take_theirs()
        self.run_jobs()
        self.assertEqual(self.here, ("Theirs", "Countess"))

    def test_a_page_by_force_leaves_alone_what_waits_to_be_sent(self):
        import_page.delay(self.session, "test.shop.partner", self.backend.id, [42], force=True)
        self.change_both()
        self.run_all_jobs()
        self.assertEqual((self.here, self.there), (("Ours", "Countess"),) * 2)

    def test_an_import_by_force_is_not_put_off(self):
        self.change_both()
        self.unit(RecordImporter).run(42, force=True)
        self.assertEqual(self.here, ("Theirs", "Countess"))

    def test_what_is_changed_here_after_the_other_side_has_won_is_decided_anew(self):
        self.policy = "newest"
        self.change_both(newer_by=1)
        store.actions.cancel(self.env.cr, self.delayed_jobs("export_record").ids, "")
        self.assertRegex(self.unit(RecordExporter).run(self.binding.id), "is imported and not exported")
        self.binding.odoo_id.name = "Ours again"
        self.theirs["date"] -= timedelta(seconds=2)
        self.run_all_jobs()
        self.assertEqual((self.here, self.there), (("Ours again", "Countess"), ("Ours again", "Countess")))

    def test_what_was_deleted_here_is_not_created_again_before_the_deletion_is_sent(self):
        self.change_both()
        self.run_jobs()
        self.binding.odoo_id.unlink()
        self.theirs["changed"] = "3"
        self.assertRegex(self.unit(RecordImporter).run(42), "^Put off")
        self.assertEqual(self.unit(BulkImporter).run_ids([42]), "1 put off until what was done here is sent")
        self.run_all_jobs()
        self.assertFalse(self.shop.table("test.shop.partner"))
        self.assertFalse(self.Partner.search([("backend_id", "=", self.backend.id)]))


class TestImportDuringABulkExport(UnsentCase):
    """What was changed here waits to be sent together with the changes of other records."""

    def setUp(self):
        super().setUp()
        without_export(self.binding).points = 5
        delay_bulk_export(self.session, self.binding)
        self.theirs.update(nickname="Countess", points=1, changed="2")

    @property
    def points(self):
        return self.binding.points, self.theirs["points"]

    def test_it_does_not_overwrite_what_waits_to_be_sent_and_comes_afterwards(self):
        for run, argument in ((self.unit(RecordImporter).run, 42), (self.unit(BulkImporter).run_ids, [42])):
            self.assertRegex(run(argument), "(?i)put off")
            self.assertEqual((self.here, self.points), (("Ada", None), (5, 1)))
        self.run_all_jobs()
        self.assertEqual((self.here, self.points), (("Ada", "Countess"), (5, 5)))

    def test_nor_what_is_refused_alone_and_in_company(self):
        self.shop.add("test.shop.partner", 43, name="Bob")
        bob = self.partner("43", points=7)
        for others in (self.Partner, bob):
            delay_bulk_export(self.session, others)
            with patch.object(ShopAdapter, "write", side_effect=InvalidDataError("No")):
                self.run_failing_jobs()
            self.assertEqual(self.binding.sync_state, "error")
            self.assertRegex(self.unit(RecordImporter).run(42), "^Put off")
            store.actions.requeue(self.env.cr, self.failed_exports().ids)
        self.run_all_jobs()
        self.assertEqual((self.here, self.points), (("Ada", "Countess"), (5, 5)))

    def test_where_the_external_system_wins_it_goes_on(self):
        self.policy = "external_wins"
        self.unit(RecordImporter).run(42)
        self.assertEqual(self.here, ("Ada", "Countess"))

    def test_where_the_exporter_holds_no_imports_they_go_on(self):
        class Exporter(PointsExporter):
            _holds_imports = False

        with extending(webshop, Exporter):
            self.unit(RecordImporter).run(42)
        self.assertEqual(self.here, ("Ada", "Countess"))

    def test_an_older_page_does_not_overwrite_what_was_sent_while_there_is_something_to_import(self):
        read_at = fields.Datetime.now() - timedelta(minutes=10)
        old = {**self.theirs, "changed": "old"}
        synchronised = read_at - timedelta(hours=1)
        without_export(self.binding).write({"sync_state": "to_import", "sync_date": synchronised})
        self.run_jobs()
        self.assertEqual((self.theirs["points"], self.binding.sync_state), (5, "to_import"))
        import_page.delay(self.session, "test.shop.partner", self.backend.id, records=[old], read_at=read_at)
        self.run_jobs()
        self.assertEqual(self.points, (5, 5))

    def failed_exports(self):
        return self.env["queue.job"].search([("state", "=", "failed")])
