"""Nothing is lost while a flow is off: single imports are noted, changes here wait to be sent."""

import importlib.util
from pathlib import Path

from psycopg2.errors import SerializationFailure

from odoo.tools import mute_logger

from odoo.addons import connector
from odoo.addons.connector import BulkExporter, BulkExportFlow, ImportFlow, without_export
from odoo.addons.connector.unit.exporter.consumers import delay_bulk_export
from odoo.addons.connector.unit.flow import FlowSwitchedOff
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter, import_page
from odoo.addons.connector.unit.importer.left_out import import_left_out
from odoo.addons.connector.unit.importer.record import import_record
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import webshop
from .test_flow import PARTNER, FlowCase


class LeftOutCase(FlowCase):
    def setUp(self):
        super().setUp()
        webshop(type("PartnersImporter", (BulkBatchImporter,), {"_model_name": PARTNER, "__module__": __name__}))

    def noted(self, code="partners", backend=None, env=None):
        flow = (backend or self.backend).flow(code)
        left_out = (env or self.env)["connector.flow.left.out"].search([("flow_id", "=", flow.id)])
        return sorted(left_out.mapped("external_id"))

    def end_while_off(self, *external_ids, **options):
        """Have single imports end because the flow of partners is off."""
        self.flow("partners").action_switch_off()
        for external_id in external_ids:
            import_record.delay(self.session, PARTNER, self.backend.id, external_id, **options)
        self.assertDone(self.run_jobs())


class TestLeftOut(LeftOutCase):
    def test_a_record_is_noted_once_however_often_its_import_ends(self):
        self.end_while_off(1, 1, "1", 2)
        self.assertEqual(self.noted(), ["1", "2"])

    def test_what_was_noted_is_imported_and_forgotten_when_the_flow_is_on_again(self):
        self.there(2)
        self.end_while_off(1, 2)
        self.flow("partners").action_switch_on()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().mapped("name"), ["Ada 1", "Ada 2"])
        self.assertFalse(self.noted())

    def test_it_is_imported_although_the_ended_job_was_deleted_by_then(self):
        self.there(1)
        self.end_while_off(1)
        self.env["queue.job"].sudo().search([]).unlink()
        self.flow("partners").action_switch_on()
        self.run_jobs()
        self.assertEqual(len(self.here()), 1)

    def test_switching_on_does_not_look_at_the_jobs(self):
        self.end_while_off(1)
        with self.assertLogs("odoo.sql_db", "DEBUG") as logs:
            self.flow("partners").action_switch_on()
            self.env.flush_all()
        self.assertTrue(any("connector_flow" in line for line in logs.output))
        self.assertFalse([line for line in logs.output if "date_done" in line and "SELECT" in line])

    def test_it_stays_noted_if_the_flow_is_off_again_before_it_is_imported(self):
        self.there(1)
        self.end_while_off(1)
        self.flow("partners").action_switch_on()
        self.flow("partners").action_switch_off()
        self.run_jobs()
        self.assertEqual(self.noted(), ["1"])

    def test_a_page_that_ends_before_it_is_imported_is_noted_again(self):
        self.there(1)
        self.end_while_off(1)
        self.flow("partners").sudo().is_on = True
        import_left_out(self.session, PARTNER, self.backend.id)
        self.assertFalse(self.noted())
        self.end_while_off()
        self.assertEqual(self.noted(), ["1"])

    def test_a_page_of_records_that_were_read_is_noted_by_their_ids(self):
        self.flow("partners").action_switch_off()
        import_page.delay(self.session, PARTNER, self.backend.id, records=[{"id": 7}, {"id": 8}])
        self.run_jobs()
        self.assertEqual(self.noted(), ["7", "8"])

    def test_a_page_of_a_listing_is_not_noted_as_the_watermark_stays(self):
        self.flow("partners").action_switch_off()
        import_page.delay(self.session, PARTNER, self.backend.id, external_ids=[7], listing="x")
        self.run_jobs()
        self.assertFalse(self.noted())

    def test_what_a_person_has_taken_from_there_is_still_taken_when_the_flow_is_on_again(self):
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id, sync_state="conflict")
        self.flow("partners").action_switch_off()
        binding.action_take_theirs()
        self.run_jobs()
        self.end_while_off(1)
        self.assertEqual((binding.name, self.noted()), ("Ada", ["1"]))
        self.flow("partners").action_switch_on()
        self.assertDone(self.run_jobs())
        self.assertEqual((binding.name, binding.sync_state), ("Ada 1", "in_sync"))

    def test_an_ended_job_that_is_requeued_imports_and_what_was_noted_is_up_to_date_then(self):
        self.there(1)
        self.end_while_off(1)
        job = self.env["queue.job"].search([("function", "like", "%import_record")])
        self.flow("partners").action_switch_on()
        job.button_requeue()
        self.assertDone(self.run_jobs())
        self.assertEqual(len(self.here()), 1)
        self.assertFalse(self.noted())

    def test_another_flow_that_is_switched_on_imports_nothing_of_this_one(self):
        self.declare(ImportFlow, PARTNER, "companies", after=("partners",))
        self.env["connector.flow"]._sync(self.backend)
        self.end_while_off(1)
        self.flow("companies").action_switch_off()
        import_record.delay(self.session, PARTNER, self.backend.id, 2, flow="companies")
        self.run_jobs()
        self.flow("companies").action_switch_on()
        jobs = self.run_jobs()
        self.assertTrue(jobs)
        self.assertFalse(jobs.filtered(lambda job: job.channel_id != self.flow("companies").channel_id))
        self.assertEqual((self.noted(), self.noted("companies")), (["1"], []))

    def test_the_notes_go_with_their_flow(self):
        self.end_while_off(1)
        self.env["queue.job"].sudo().search([]).unlink()
        self.flow("partners").sudo().unlink()
        self.assertFalse(self.env["connector.flow.left.out"].search([]))

    def test_an_update_notes_what_has_ended_before_there_were_notes(self):
        self.end_while_off(1)
        self.env["connector.flow.left.out"].search([]).unlink()
        path = Path(connector.__file__).parent / "migrations/19.0.5.0.0/post-left_out.py"
        spec = importlib.util.spec_from_file_location("left_out_migration", path)
        migration = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(migration)
        for _twice in range(2):
            migration.migrate(self.env.cr, "19.0.4.0.0")
        self.assertEqual(self.noted(), ["1"])


class TestSwitchedMeanwhile(LeftOutCase):
    """A job and a person who switches its flow on, each in a transaction of its own."""

    def setUp(self):
        super().setUp()
        self.there(1)
        self.shared = self.committed_backend()
        self.addCleanup(self.delete_jobs)
        with self.transaction() as person:
            self.flow_of(person).action_switch_off()
            person.cr.commit()

    def delete_jobs(self):
        with self.transaction() as env:
            env["queue.job"].search([("channel_id", "child_of", self.shared.with_env(env).channel_id.id)]).unlink()
            env.cr.commit()

    def flow_of(self, env):
        return self.shared.with_env(env).flow("partners")

    def import_in(self, env):
        import_record(ConnectorSession.from_env(env, job=object()), PARTNER, self.shared.id, 1)

    def switch_on(self, env):
        self.flow_of(env).action_switch_on()
        env.cr.commit()

    def test_who_switches_on_waits_for_a_job_that_notes_and_a_job_imports_it(self):
        with self.transaction() as job, self.transaction() as person:
            with self.assertRaises(FlowSwitchedOff):
                self.import_in(job)
            with self.in_thread(self.switch_on, person) as switched:
                self.wait_until_blocked(person)
                job.cr.commit()
                switched.result()
        self.assert_delayed()

    def test_who_has_begun_to_switch_on_before_the_job_has_committed_sees_its_note_all_the_same(self):
        with self.transaction() as job, self.transaction() as person:
            person["res.partner"].search([], limit=1)  # its snapshot is older than the note
            with self.assertRaises(FlowSwitchedOff):
                self.import_in(job)
            job.cr.commit()
            self.switch_on(person)
        self.assert_delayed()

    def assert_delayed(self):
        with self.transaction() as later:
            left_out = later["queue.job"].search(
                [("channel_id", "=", self.flow_of(later).channel_id.id), ("function", "like", "%import_left_out")]
            )
            self.assertEqual(len(left_out), 1)
            import_left_out(ConnectorSession.from_env(later), PARTNER, self.shared.id)
            later.flush_all()
            page = later["queue.job"].search(
                [("channel_id", "=", self.flow_of(later).channel_id.id), ("function", "like", "%import_page")]
            )
            self.assertEqual(len(page), 1)
            self.assertFalse(self.noted(backend=self.shared.with_env(later), env=later))

    @mute_logger("odoo.sql_db")
    def test_a_job_that_saw_its_flow_off_begins_again_if_somebody_has_switched_it_on(self):
        with self.transaction() as job, self.transaction() as person:
            job["res.partner"].search([], limit=1)  # its snapshot: the flow is off
            self.switch_on(person)
            with self.assertRaises(SerializationFailure):
                self.import_in(job)
        self.assert_imported_by_the_next_try()

    @mute_logger("odoo.sql_db")
    def test_a_job_waits_for_who_is_about_to_switch_on_and_begins_again(self):
        with self.transaction() as job, self.transaction() as person:
            self.flow_of(person).action_switch_on()
            person.flush_all()
            with self.in_thread(self.import_in, job) as importing:
                self.wait_until_blocked(job)
                person.cr.commit()
                with self.assertRaises(SerializationFailure):
                    importing.result()
        self.assert_imported_by_the_next_try()

    def assert_imported_by_the_next_try(self):
        with self.transaction() as again:
            import_record(ConnectorSession.from_env(again), PARTNER, self.shared.id, 1)
            self.assertEqual(again[PARTNER].search([("backend_id", "=", self.shared.id)]).name, "Ada 1")

    def test_two_jobs_that_note_do_not_wait_for_each_other(self):
        with self.transaction() as one, self.transaction() as other:
            for env, external_id in ((one, 1), (other, 2)):
                with self.assertRaises(FlowSwitchedOff):
                    import_record(ConnectorSession.from_env(env, job=object()), PARTNER, self.shared.id, external_id)
            one.cr.commit()
            other.cr.commit()
        with self.transaction() as later:
            self.assertEqual(self.noted(backend=self.shared.with_env(later), env=later), ["1", "2"])


class TestUnsent(LeftOutCase):
    """A change here that was noted while its export was off, and an import of the record."""

    def setUp(self):
        super().setUp()
        self.export_changes()
        self.there(1)
        self.flow("points").sudo().is_on = True
        self.import_one()
        self.binding = self.here()
        self.cr.flush()

    def import_one(self):
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.run_jobs()

    def change_both_sides(self):
        self.binding.odoo_id.name = "Ada Lovelace"
        self.cr.flush()
        self.shop.table(PARTNER)[1].update(mail="ada@x.com", changed="2")

    def test_it_is_not_overwritten_before_the_first_run_after_the_export_is_on(self):
        self.change_both_sides()
        self.assertTrue(self.flow("partners_out").action_switch_on())  # it asks, and nobody answers
        self.import_one()
        self.assertEqual((self.binding.name, self.binding.sync_state), ("Ada Lovelace", "to_export"))
        self.flow("partners_out").action_run()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.table(PARTNER)[1]["name"], "Ada Lovelace")

    def test_imports_do_not_wait_any_more_after_that_run(self):
        self.flow("partners_out").action_switch_on()
        self.flow("partners_out").action_run()
        self.run_jobs()
        self.shop.table(PARTNER)[1].update(name="Theirs", changed="3")
        self.binding.sync_state = "to_export"  # as after an export that somebody has cancelled
        self.import_one()
        self.assertEqual(self.binding.name, "Theirs")

    def test_a_change_of_a_record_that_a_comparison_has_marked_is_not_overwritten(self):
        self.binding.sync_state = "different"
        self.change_both_sides()
        self.assertEqual(self.binding.sync_state, "to_export")
        self.import_one()
        self.assertEqual(self.binding.name, "Ada Lovelace")

    def test_a_change_that_a_bulk_export_has_to_send_is_not_overwritten(self):
        self.declare_names(holds=True)
        self.flow("partners_out").action_switch_on()
        self.change_in_bulk()
        self.assertEqual((self.binding.name, self.binding.sync_state), ("Ada Lovelace", "to_export"))

    def test_a_change_of_a_bulk_export_that_holds_no_imports_does_not_keep_them(self):
        self.declare_names(holds=False)
        self.flow("partners_out").sudo().write({"is_on": True, "date_on": False})
        self.change_in_bulk()
        self.assertEqual(self.binding.name, "Ada 1")

    def declare_names(self, holds):
        self.declare(BulkExportFlow, PARTNER, "names", fields=("name",), after=("points",))
        names = {"_model_name": PARTNER, "_holds_imports": holds, "__module__": __name__}
        for unit_class in [known.unit_class for known in webshop._registrations]:
            if issubclass(unit_class, BulkExporter):
                self.withdraw(unit_class)
        webshop(type("Names", (BulkExporter,), names))
        self.env["connector.flow"]._sync(self.backend)

    def change_in_bulk(self):
        without_export(self.binding.odoo_id).name = "Ada Lovelace"
        delay_bulk_export(self.session, self.binding, "names")
        self.cr.flush()
        self.shop.table(PARTNER)[1].update(mail="ada@x.com", changed="2")
        self.import_one()
