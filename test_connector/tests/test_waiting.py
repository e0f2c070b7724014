from datetime import timedelta

from odoo.addons.connector.exception import NotYet
from odoo.addons.connector.testing import extending
from odoo.addons.connector.unit.importer.batch import DelayedBatchImporter, DirectBatchImporter, move_watermark
from odoo.addons.connector.unit.importer.bulk import import_page
from odoo.addons.connector.unit.importer.record import import_record
from odoo.addons.connector.unit.jobs.keys import import_identity
from odoo.addons.jobs_queue import chain

from ..units import PartnerImporter, webshop
from .test_put_right import PARTNER, PutRightCase


class WaitingCase(PutRightCase):
    def setUp(self):
        super().setUp()
        self.asked = {"seconds": None, "give_up_days": 14}

    def unpaid(self, step="_must_skip"):
        """Let partners called "Unpaid" wait; ``step`` raises that."""
        case = self

        def raising(importer, *args):
            if importer.external_record["name"] == "Unpaid":
                raise NotYet("It is not paid", **case.asked)
            return getattr(super(Importer, importer), step)(*args)

        Importer = type("Importer", (PartnerImporter,), {step: raising, "__module__": __name__})
        return extending(webshop, Importer)

    def waiting_jobs(self):
        self.env.invalidate_all()
        return self.env["queue.job"].search([("state", "=", "scheduled"), ("waits_for", "!=", False)], order="id")

    def waited(self, job, days):
        self.env.cr.execute(
            "UPDATE queue_job SET waits_since = waits_since - make_interval(days => %s) WHERE id = %s", (days, job.id)
        )
        self.env.invalidate_all()

    def look_again(self, job):
        """Let a waiting job look again, by its eta."""
        self.env.flush_all()
        self.run_jobs(at=job.eta + timedelta(seconds=1))

    def pay(self, external_id):
        self.shop.table(PARTNER)[external_id]["name"] = f"Paid {external_id}"


class TestWaitingJob(WaitingCase):
    def test_the_job_waits_with_its_reason_and_looks_no_like_error(self):
        self.add(1, name="Unpaid")
        for step in ("_must_skip", "_validate_data"):
            with self.subTest(step), self.unpaid(step):
                job = self.run_import(1)
                self.assertEqual(
                    (job.state, job.retry, job.waits_for, job.message, bool(job.eta)),
                    ("scheduled", 0, "It is not paid", "It is not paid", True),
                )
                self.assertEqual(job.attempt_ids[0].outcome, "waits")
                self.assertFalse(any(job.attempt_ids.mapped("exc_info")))
                self.assertFalse(self.binding(1))

    def test_it_imports_the_record_once_it_need_not_wait(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            job = self.run_import(1)
            self.pay(1)
            self.look_again(job)
        self.assertEqual((job.state, self.binding(1).name), ("done", "Paid 1"))

    def test_it_looks_again_after_its_seconds_or_by_how_long_it_has_waited(self):
        self.add(1, name="Unpaid")
        for seconds, days, expected in ((90, 0, 90), (None, 0, 600), (None, 3, 6 * 3600)):
            self.asked["seconds"] = seconds
            with self.subTest(seconds=seconds, days=days), self.unpaid():
                job = self.run_import(1)
                self.waited(job, days)
                self.look_again(job)
                eta = job.eta
                self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
                self.assertAlmostEqual((eta - self.env.cr.fetchone()[0]).total_seconds(), expected, delta=30)

    def test_a_job_that_was_given_its_data_leaves_the_waiting_to_one_that_reads_it_anew(self):
        self.add(1, name="Unpaid")
        for options in ({}, {"identity_key": import_identity(PARTNER, self.backend.id, 1)}):
            with self.subTest(options), self.unpaid():
                given = self.run_import(1, data={"id": 1, "name": "Unpaid"}, **options)
                self.assertEqual(given.state, "done")
                self.assertIn("It is not paid", given.message)
                waiting = self.waiting_jobs()
                self.assertEqual(waiting.external_id, "1")
                self.run_import(1, data={"id": 1, "name": "Unpaid"}, **options)
                self.assertEqual(self.waiting_jobs(), waiting)
                self.pay(1)
                self.look_again(waiting)
                self.assertEqual((waiting.state, self.binding(1).name), ("done", "Paid 1"))
                self.add(1, name="Unpaid")

    def test_after_its_days_it_is_given_up_and_one_checkpoint_lists_such_records(self):
        self.add_many([1, 2], name="Unpaid")
        with self.unpaid():
            for external_id in (1, 2):
                job = self.run_import(external_id)
                self.waited(job, 15)
                self.look_again(job)
                self.assertEqual(job.state, "done")
                self.assertIn("Given up after 15 days: It is not paid", job.message)
        checkpoint = self.checkpoints()
        self.assertEqual((checkpoint.external_ids, checkpoint.severity), ([1, 2], "warning"))
        self.assertIn("It is not paid", checkpoint.message)
        self.assertFalse(self.waiting_jobs())

    def test_what_was_given_up_and_comes_after_all_is_taken_off_the_checkpoint(self):
        self.add_many([1], name="Unpaid")
        with self.unpaid():
            job = self.run_import(1)
            self.waited(job, 15)
            self.look_again(job)
            self.pay(1)
            self.run_import(1)
        self.assertFalse(self.checkpoints())

    def test_it_waits_for_ever_if_the_importer_says_so(self):
        self.asked["give_up_days"] = None
        self.add(1, name="Unpaid")
        with self.unpaid():
            job = self.run_import(1)
            self.waited(job, 400)
            self.look_again(job)
        self.assertEqual(job.state, "scheduled")

    def test_days_or_seconds_that_are_none_are_refused_where_they_are_given(self):
        for options in ({"give_up_days": 0}, {"give_up_days": -1}, {"give_up_days": "two"}, {"seconds": "soon"}):
            with self.subTest(options), self.assertRaises(ValueError):
                NotYet("It is not paid", **options)


class TestSecondMessage(WaitingCase):
    def test_a_second_message_runs_at_once_and_the_waiting_job_is_over(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            waiting = self.run_import(1)
            self.pay(1)
            job = self.run_import(1)
        self.assertEqual((job.state, waiting.state, waiting.done_by_id), ("done", "done", job))
        self.assertIn(f"Put right by job {job.id}.", waiting.message)

    def test_a_page_that_brings_the_record_ends_the_waiting_job_too(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            waiting = self.run_import(1)
            self.pay(1)
            self.run_page([1])
        self.assertEqual(waiting.state, "done")

    def test_a_second_message_that_has_to_wait_takes_over_and_the_days_go_on(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            first = self.run_import(1)
            self.waited(first, 10)
            second = self.run_import(1)
            self.close_what_was_put_right()
            self.assertEqual(self.waiting_jobs(), second)
            self.assertEqual((first.state, first.done_by_id), ("cancelled", second))
            self.assertEqual(second.waits_since, first.waits_since)
            self.waited(second, 5)
            self.look_again(second)
        self.assertIn("Given up after 15 days", second.message)

    def test_a_second_message_with_the_identity_key_of_the_first_does_not_wait(self):
        self.add(1, name="Unpaid")
        key = {"identity_key": "one"}
        for policy in ("skip", "replace", "debounce"):
            with self.subTest(policy), self.unpaid():
                waiting = self.run_import(1, **key)
                self.pay(1)
                job = self.run_import(1, identity_policy=policy, **key)
                self.assertEqual((job.state, waiting.state), ("done", "done"))
                self.shop.table(PARTNER)[1]["name"] = "Unpaid"

    def test_a_waiting_import_by_force_is_not_taken_over_by_a_plain_one(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            by_force, plain = self.run_import(1, force=True), self.run_import(1)
            self.close_what_was_put_right()
        self.assertEqual(self.waiting_jobs(), by_force | plain)


class TestWaitingInPages(WaitingCase):
    def test_the_others_of_a_page_go_on_and_each_waiting_record_has_a_job(self):
        self.add_many(range(1, 9))
        self.add_many([3, 6], name="Unpaid")
        for step in ("_must_skip", "_validate_data"):
            with self.subTest(step), self.unpaid(step):
                page = import_page.delay(self.session, PARTNER, self.backend.id, list(range(1, 9))).record(self.env)
                self.run_jobs()
                self.assertIn("2 wait, each in a job of its own", page.message)
                self.assertEqual(page.state, "done")
                waiting = self.waiting_jobs()
                self.assertEqual(waiting.mapped("external_id"), ["3", "6"])
                self.assertEqual(set(waiting.mapped("waits_for")), {"It is not paid"})
                self.assertFalse(self.checkpoints())
                self.assertEqual(self.Partner.search_count([("backend_id", "=", self.backend.id)]), 6)

    def test_a_record_that_waits_already_gets_no_second_job(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            self.run_page([1])
            first = self.waiting_jobs()
            self.run_page([1])
        self.assertEqual(self.waiting_jobs(), first)

    def test_the_waiting_job_of_a_page_imports_its_record(self):
        self.add(1, name="Unpaid")
        with self.unpaid():
            self.run_page([1])
            job = self.waiting_jobs()
            self.pay(1)
            self.look_again(job)
        self.assertEqual((job.state, self.binding(1).name), ("done", "Paid 1"))

    def test_what_depends_on_a_waiting_record_waits_too(self):
        case = self

        class Importer(PartnerImporter):
            def _must_skip(self):
                if self.external_record["name"] == "Unpaid":
                    raise NotYet("It is not paid", **case.asked)

            def _import_dependencies(self):
                self._import_dependency(self.external_record.get("parent"), PARTNER)

        self.add(9, name="Unpaid")
        self.add(1, parent=9)
        self.add(2)
        with extending(webshop, Importer):
            self.run_page([1, 2])
            self.assertEqual(self.waiting_jobs().mapped("external_id"), ["9", "1"])
            self.assertIn("9", self.waiting_jobs()[1].waits_for)
            self.assertTrue(self.binding(2))
            self.assertFalse(self.checkpoints())
            job = self.run_import(1)
            self.assertIn("It is not paid", job.waits_for)

    def test_a_batch_in_one_call_goes_on_and_nothing_stays_of_what_waits(self):
        self.add_many([1, 2, 3])
        self.add(2, name="Unpaid")
        for step in ("_must_skip", "_validate_data", "_after_import"):
            with self.subTest(step), self.unpaid(step):
                DirectBatchImporter(self.environment()).run()
                here = self.Partner.search([("backend_id", "=", self.backend.id)])
                self.assertEqual(here.mapped("external_id"), ["1", "3"])
                self.assertEqual(self.waiting_jobs().external_id, "2")

    def test_a_listing_does_not_wait_for_days_for_a_record_that_waits(self):
        self.add(1, name="Unpaid")
        first = import_record.delayable(self.session, PARTNER, self.backend.id, 1)
        last = move_watermark.delayable(self.session, PARTNER, self.backend.id, "2026-01-01")
        chain(first, last).delay()
        with self.unpaid():
            self.run_now(first)
        self.assertEqual((first.record(self.env).state, last.record(self.env).state), ("done", "done"))
        self.assertIn("It is not paid", first.record(self.env).message)
        self.assertEqual(self.waiting_jobs().external_id, "1")
        self.assertNotEqual(self.waiting_jobs().id, first.id)

    def test_a_batch_with_a_job_a_record_does_not_wait_either(self):
        self.add_many([1, 2])
        self.add(2, name="Unpaid")
        with self.unpaid():
            DelayedBatchImporter(self.environment()).run()
            self.run_jobs()
        self.assertEqual(self.waiting_jobs().external_id, "2")
        self.assertFalse(self.env["queue.job"].search_count([("state", "=", "wait_dependencies")]))
