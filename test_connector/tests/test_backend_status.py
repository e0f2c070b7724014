import itertools
import ssl
import tempfile
import warnings
from pathlib import Path
from unittest.mock import patch

from psycopg2.errors import LockNotAvailable
from urllib3.exceptions import InsecureRequestWarning

from odoo import fields
from odoo.tests import new_test_user

from odoo.addons.connector.exception import CredentialsRefused, IDMissingInBackend
from odoo.addons.connector.models import connector_backend_breaker as breaker
from odoo.addons.connector.testing import Answer, ConnectorCase
from odoo.addons.connector.unit.backend_adapter import traffic
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter
from odoo.addons.jobs_queue.by_code import JOB, IdByCode
from odoo.addons.jobs_queue.exception import (
    ConnectorException,
    FailedJobError,
    NetworkRetryableError,
    RetryableJobError,
)

from ..jobs import read_page
from ..units import PageAdapter
from .certificate import own_certificate
from .common import ShopCase


class StatusCase(ConnectorCase, ShopCase):
    """A shop whose site answers with the status ``self.status``.

    What is noted about it stays in the test's transaction, so a job that fails here takes it back;
    ``tests/systems/test_outage.py`` has real ones.
    """

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.status, self.headers = 200, {}
        self.server = self.serve(lambda request: Answer({"title": "Home"}, self.status, self.headers))
        self.backend.write({"location": self.server.url, "breaker_threshold": 3})
        self.env.flush_all()

    def serve_pages(self):
        return self.serve(lambda request: Answer({"title": "Home"}))

    def delay(self, backend=None, **options):
        job = read_page.delay(self.session, "test.shop.page", (backend or self.backend).id, 1, **options)
        return job.record(self.env)

    def read(self, status=None, **context):
        """Read a page; return it, or the exception that was raised."""
        self.status = status or self.status
        with self.backend.with_context(**context).work_on("test.shop.page") as environment:
            try:
                return environment.get_connector_unit(BackendAdapter).read(1)
            except ConnectorException as error:
                return error
            finally:
                self.env.invalidate_all()

    def state(self):
        self.env.invalidate_all()
        return self.backend.state

    def later(self):
        """Run what is due within the next hour."""
        return self.run_jobs(at=fields.Datetime.add(fields.Datetime.now(), hours=1))


class TestBreaker(StatusCase):
    def pause(self):
        for _failure in range(3):
            self.read(503)

    def test_a_backend_is_paused_after_so_many_network_failures(self):
        self.read(503)
        self.read(503)
        self.assertEqual(self.state(), "ready")
        self.read(503)
        self.assertEqual(self.state(), "paused")
        self.assertIn("has a problem", self.backend.state_reason)

    def test_a_backend_without_a_channel_says_what_it_has_met_too(self):
        self.backend.channel_id = False
        self.env.flush_all()
        self.pause()
        self.assertEqual(self.state(), "paused")
        self.assertIsInstance(self.read(429), RetryableJobError)
        self.assertIsInstance(self.read(401), CredentialsRefused)
        self.assertEqual(self.state(), "needs_attention")

    def test_its_jobs_wait_and_those_of_another_backend_do_not(self):
        other = self.env["test.shop.backend"].create({"name": "Other", "location": self.serve_pages().url})
        self.pause()
        waiting, others = self.delay(), self.delay(other)
        self.run_jobs()
        self.assertEqual((waiting.state, others.state), ("pending", "done"))
        self.assertIn("is held: Test Shop", waiting.wait_reason)

    def test_a_probe_lets_the_jobs_go_on(self):
        self.pause()
        job, probe = self.delay(), self.delayed_jobs("probe_backend")
        self.run_jobs()
        self.assertEqual((self.state(), probe.state), ("paused", "scheduled"))
        self.status = 200
        self.later()
        self.assertDone(job | probe)
        self.assertEqual(self.state(), "ready")

    def test_there_is_one_probe_however_many_fail(self):
        self.pause()
        self.pause()
        self.assertEqual(len(self.delayed_jobs("probe_backend")), 1)

    def test_a_backend_whose_probe_is_lost_is_tried_again_and_paused_again_at_the_next_failure(self):
        self.pause()
        self.delayed_jobs("probe_backend").button_cancel()
        self.env.cr.execute("UPDATE queue_job_channel_hold SET date_until = date_until - interval '1 hour'")
        self.assertFalse(self.backend.channel_id.hold_reason)
        self.read(503)
        self.env.invalidate_all()
        self.assertTrue(self.backend.channel_id.hold_reason)
        self.assertEqual(len(self.delayed_jobs("probe_backend")), 1)

    def test_a_success_in_between_begins_the_count_anew(self):
        for status in (503, 503, 200, 503, 503):
            self.read(status)
        self.assertEqual(self.state(), "ready")

    def test_an_answer_about_a_record_begins_the_count_anew_and_a_refusal_by_a_gate_does_not(self):
        for status in (503, 503, 404, 503, 503, 422, 503, 503):
            self.read(status)
        self.assertEqual(self.state(), "ready")
        self.read(403)
        self.read(503)
        self.assertEqual(self.state(), "paused")

    def test_an_answer_about_a_record_ends_a_pause_that_nobody_probes(self):
        self.pause()
        self.read(404)
        self.assertEqual(self.state(), "ready")

    def test_it_is_probed_also_when_another_one_holds_its_jobs_already(self):
        self.headers = {"Retry-After": "20"}
        self.read(429)
        self.headers = {}
        self.pause()
        self.assertEqual(len(self.delayed_jobs("probe_backend")), 1)
        holders = self.env["queue.job.channel.hold"].search([("channel_id", "=", self.backend.channel_id.id)])
        self.assertEqual(set(holders.mapped("holder")), {"busy", "breaker"})

    def test_what_was_asked_before_the_pause_does_not_count_after_it(self):
        self.pause()
        self.read(503)
        self.assertEqual(self.backend._status().failures, 3)

    def test_failures_that_lie_far_apart_do_not_count_together(self):
        self.read(503)
        self.read(503)
        self.backend._status().date_failure = fields.Datetime.subtract(fields.Datetime.now(), hours=1)
        self.env.flush_all()
        self.read(503)
        self.assertEqual(self.state(), "ready")

    def test_an_answer_that_is_no_success_is_no_network_failure(self):
        for status in (400, 404, 422, 500) * 3:
            self.read(status)
        self.assertEqual(self.state(), "ready")

    def test_a_failure_that_cannot_be_due_to_the_job_costs_no_try(self):
        self.assertTrue(self.read(503).ignore_retry)
        self.backend.location = "http://127.0.0.1:1"
        self.assertTrue(self.read().ignore_retry)

    def test_a_failure_that_the_request_may_have_caused_costs_a_try_until_the_backend_is_paused(self):
        self.assertEqual([self.read(502).ignore_retry for _request in range(4)], [False, False, True, True])

    def test_a_threshold_of_zero_means_never(self):
        self.backend.breaker_threshold = 0
        self.assertEqual([self.read(503).ignore_retry for _request in range(4)], [False] * 4)
        self.assertEqual(self.state(), "ready")

    def test_a_job_that_was_claimed_before_the_pause_waits_too(self):
        self.pause()
        asked = len(self.server.requests)
        error = self.read(200, **{JOB: IdByCode(1)})
        self.assertIsInstance(error, RetryableJobError)
        self.assertTrue(error.ignore_retry)
        self.assertEqual(len(self.server.requests), asked)

    def test_a_person_resumes_it(self):
        self.pause()
        self.status = 200
        job = self.delay()
        self.backend.action_resume()
        self.run_jobs()
        self.assertDone(job)
        self.assertEqual(self.state(), "ready")


class TestBreakerWithoutProbe(StatusCase):
    """A shop that is a folder, which is there or not."""

    def setUp(self):
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()), "shop")
        self.backend.write({"version": "file", "location": str(self.folder)})
        self.env.flush_all()

    def pause(self):
        for _failure in range(3):
            self.assertIsInstance(self.read(), NetworkRetryableError)

    def open_shop(self):
        self.folder.mkdir()
        (self.folder / "1").write_text("Home")

    def seconds_of_pause(self):
        """Let the probe find out nothing, and return for how long the jobs wait then."""
        probe = self.run_jobs()
        self.assertDone(probe)
        self.assertIn("Only a job can tell", probe.message)
        hold = self.env["queue.job.channel.hold"].search([("channel_id", "=", self.backend.channel_id.id)])
        return (hold.date_until - fields.Datetime.now()).total_seconds()

    def wait(self):
        """Let the time pass for which the jobs wait."""
        self.env.cr.execute("UPDATE queue_job_channel_hold SET date_until = date_until - interval '1 hour'")

    def test_its_jobs_wait_and_then_the_next_one_finds_out(self):
        self.pause()
        job = self.delay()
        self.assertAlmostEqual(self.seconds_of_pause(), 5, delta=2)
        self.assertEqual((job.state, self.state()), ("pending", "paused"))
        self.wait()
        self.open_shop()
        self.assertDone(self.run_jobs())
        self.assertEqual((job.state, self.state()), ("done", "ready"))

    def test_as_long_as_it_is_away_each_pause_is_longer_and_no_try_is_counted(self):
        self.pause()
        pauses = []
        for _failure in range(4):
            pauses.append(self.seconds_of_pause())
            self.wait()
            self.assertTrue(self.read().ignore_retry)
        for pause, following in itertools.pairwise(pauses):
            self.assertGreater(following, pause * 1.5)

    def test_a_job_that_was_claimed_before_the_pause_waits_too(self):
        self.pause()
        self.open_shop()
        self.assertIsInstance(self.read(**{JOB: IdByCode(1)}), RetryableJobError)

    def test_a_missing_record_proves_that_it_is_there(self):
        self.pause()
        self.folder.mkdir()
        self.assertIsInstance(self.read(), IDMissingInBackend)
        self.assertEqual(self.state(), "ready")

    def test_its_rate_limit_holds_too(self):
        self.open_shop()
        self.backend.write({"rate_limit": 1, "rate_limit_period": 100})
        self.read()
        self.assertIn("rate limit", str(self.read()))


class TestCertificate(StatusCase):
    def setUp(self):
        super().setUp()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.enterContext(own_certificate()))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.backend.location = self.server.url.replace("http:", "https:")
        self.env.flush_all()

    def probe(self):
        """Return the exception that a probe raises."""
        with self.backend.work_on("test.shop.page") as environment:
            try:
                return environment.get_connector_unit(BackendAdapter).probe()
            except NetworkRetryableError as error:  # assertRaises() would take back what is noted
                return error

    def test_a_certificate_that_is_not_valid_holds_all_jobs_at_once_and_fails_none(self):
        first, second = self.delay(), self.delay()
        error = self.read()
        self.assertIsInstance(error, NetworkRetryableError)
        self.assertTrue(error.ignore_retry)
        self.run_jobs()
        self.assertEqual((first.state, second.state), ("pending", "pending"))
        self.assertEqual(self.state(), "paused")
        self.assertRegex(self.backend.state_reason, "certificate .* is not valid")
        self.assertIn("is not valid", first.wait_reason)

    def test_somebody_is_asked_once_to_see_to_it(self):
        for _request in range(2):
            self.read()
        self.assertEqual(len(self.backend.activity_ids), 1)
        self.assertIn("certificate", self.backend.activity_ids.note)

    def test_a_probe_of_a_paused_backend_that_finds_it_asks_somebody_once(self):
        for _failure in range(3):
            self.backend.note_unreachable("It is down", "test.shop.page")
        self.env.invalidate_all()
        self.assertFalse(self.backend.activity_ids)
        for _probe in range(2):
            # a try of the probe is counted: the next one comes later each time
            self.assertFalse(self.probe().ignore_retry)
        self.assertEqual(self.state(), "paused")
        self.assertEqual(len(self.backend.activity_ids), 1)
        self.assertIn("certificate", self.backend.activity_ids.note)
        self.assertIn("certificate", self.backend.state_reason)

    def test_a_probe_that_finds_a_valid_one_lets_the_jobs_go_on(self):
        self.read()
        job, probe = self.delay(), self.delayed_jobs("probe_backend")
        self.run_jobs()
        self.assertEqual((probe.state, job.state), ("scheduled", "pending"))
        self.backend.verify_ssl = False
        with warnings.catch_warnings(category=InsecureRequestWarning, action="ignore"):
            self.later()
        self.assertDone(job | probe)
        self.assertEqual(self.state(), "ready")
        self.assertFalse(self.backend.activity_ids)


class TestBusy(StatusCase):
    def test_all_jobs_wait_as_long_as_the_system_asks_for_and_no_try_is_counted(self):
        self.headers = {"Retry-After": "120"}
        error = self.read(429)
        self.assertEqual((error.seconds, error.ignore_retry), (120, True))
        job = self.delay()
        self.run_jobs()
        self.assertEqual(job.state, "pending")
        self.assertIn("is busy", job.wait_reason)


class TestCredentials(StatusCase):
    def setUp(self):
        super().setUp()
        self.backend.user_id = new_test_user(self.env, "responsible", groups="connector.group_connector_manager")
        self.env.flush_all()
        self.error = self.read(401)
        self.env.invalidate_all()

    def test_credentials_that_are_refused_fail_the_job_at_once(self):
        self.assertIsInstance(self.error, CredentialsRefused)
        self.assertIsInstance(self.error, FailedJobError)

    def test_the_backend_needs_attention_and_its_other_jobs_wait(self):
        self.assertEqual(self.backend.state, "needs_attention")
        self.assertIn("refuses our credentials", self.backend.state_reason)
        self.status = 200
        job = self.delay()
        self.run_jobs()
        self.assertEqual(job.state, "pending")

    def test_the_responsible_has_one_activity(self):
        self.read(401)
        self.env.invalidate_all()
        self.assertEqual(self.backend.activity_ids.user_id, self.backend.user_id)
        self.assertEqual(len(self.backend.activity_ids), 1)

    def test_a_test_of_the_connection_that_succeeds_ends_it(self):
        job = self.delay()
        self.read(200)
        self.assertEqual(self.state(), "ready")
        self.assertFalse(self.backend.activity_ids)
        self.run_jobs()
        self.assertDone(job)

    def test_new_credentials_end_it(self):
        self.backend.name = "Renamed"
        self.assertEqual(self.state(), "needs_attention")
        self.backend.location = self.server.url + "/"
        self.assertEqual(self.state(), "ready")

    def failed_job(self, error, backend=None):
        """Return a job of a backend that has failed with an exception."""
        backend = backend or self.backend
        backend.action_resume()
        job = self.delay(backend)
        with patch.object(PageAdapter, "read", autospec=True, side_effect=error):
            self.run_jobs()
        self.assertEqual(job.state, "failed")
        return job

    def enter_credentials(self):
        self.read(401)
        self.status = 200
        self.backend.location = self.server.url + "/"
        self.run_jobs()

    def test_c25_the_jobs_that_the_refusal_has_failed_run_with_new_credentials(self):
        class KeyExpired(CredentialsRefused):
            """One of the reasons for which a system refuses credentials."""

        other = self.env["test.shop.backend"].create({"name": "Other", "location": self.server.url})
        refused = self.failed_job(CredentialsRefused("Wrong key")) + self.failed_job(KeyExpired("Key 7"))
        others = self.failed_job(ValueError("No title")) + self.failed_job(CredentialsRefused("Wrong key"), other)
        self.enter_credentials()
        self.assertEqual((refused.mapped("state"), others.mapped("state")), (["done"] * 2, ["failed"] * 2))

    def test_c25_a_job_that_has_failed_for_another_reason_since_then_stays_failed(self):
        job = self.failed_job(CredentialsRefused("Wrong key"))
        with patch.object(PageAdapter, "read", autospec=True, side_effect=ValueError("No title")):
            job.button_requeue()
            self.run_jobs()
        self.enter_credentials()
        self.assertEqual((job.state, len(job.attempt_ids)), ("failed", 2))

    def test_c25_the_attempts_of_jobs_that_were_never_refused_are_not_read(self):
        self.failed_job(ValueError("No title"))
        jobs = type(self.env["queue.job"])
        with patch.object(jobs, "filtered", autospec=True, side_effect=jobs.filtered) as filtered:
            self.backend._requeue_refused()
        self.assertEqual({len(call.args[0]) for call in filtered.mock_calls}, {0})

    def test_c25_a_backend_without_a_channel_has_no_jobs_to_look_for(self):
        self.backend.channel_id = False
        with patch.object(type(self.env["queue.job"]), "search", autospec=True) as search:
            self.backend._requeue_refused()
        search.assert_not_called()

    def test_backends_are_found_by_their_state(self):
        other = self.env["test.shop.backend"].create({"name": "Other Shop"})
        found = {
            value: self.env["test.shop.backend"].search([("state", "=", value)])
            for value in ("ready", "needs_attention", "paused")
        }
        self.assertIn(self.backend, found["needs_attention"])
        self.assertNotIn(self.backend, found["ready"] + found["paused"])
        self.assertIn(other, found["ready"])
        self.assertIn(self.backend, self.env["test.shop.backend"].search([("state", "!=", "ready")]))


class TestArchived(StatusCase):
    """Jobs of a backend that is archived while they wait."""

    def test_c14_its_jobs_wait_and_say_so_until_it_is_unarchived(self):
        waiting = self.delay()
        self.backend.active = False
        self.run_jobs()
        self.assertEqual(waiting.state, "pending")
        self.assertIn("Test Shop is archived", waiting.wait_reason)
        self.backend.active = True
        self.assertDone(self.run_jobs())

    def test_c14_one_that_is_created_as_archived_waits_too(self):
        backend = self.env["test.shop.backend"].create({"name": "Later", "location": self.server.url, "active": False})
        waiting = self.delay(backend)
        self.run_jobs()
        self.assertEqual(waiting.state, "pending")

    def test_c14_to_resume_it_does_not_let_its_jobs_go_on(self):
        waiting = self.delay()
        self.backend.active = False
        self.backend.action_resume()
        self.run_jobs()
        self.assertEqual(waiting.state, "pending")

    def test_c14_a_job_in_another_channel_waits_without_a_try(self):
        self.env["queue.job.channel"]._ensure("root.elsewhere")
        waiting = self.delay(channel="root.elsewhere")
        self.backend.active = False
        self.run_jobs()
        self.assertEqual((waiting.state, waiting.retry), ("scheduled", 0))
        self.backend.active = True
        self.assertDone(self.later())

    def test_c14_the_backends_that_were_archived_before_are_held_after_an_update(self):
        waiting = self.delay()
        self.backend.active = False
        self.backend.channel_id._release_holds()
        self.patch(self.registry, "updated_modules", ["connector"])
        self.backend._register_hook()
        self.run_jobs()
        self.assertEqual(waiting.state, "pending")


class TestAttendant(StatusCase):
    """Who is asked to attend to a backend."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.env["ir.rule"].create(
            {
                "name": "Shops of the user's companies",
                "model_id": cls.env["ir.model"]._get_id("test.shop.backend"),
                "domain_force": "[('company_id', 'in', company_ids + [False])]",
            }
        )
        # the only managers are those of a test
        cls.env.ref("connector.group_connector_manager").user_ids = False
        cls.backend.user_id = False

    def manager(self, login, company=None):
        company = company or self.env.company
        return new_test_user(
            self.env, login, groups="connector.group_connector_manager", company_id=company.id, company_ids=company.ids
        )

    def attendants(self, **context):
        """Return who is asked when the credentials are refused."""
        self.env.flush_all()
        self.read(401, **context)
        return self.backend.activity_ids.user_id

    def test_without_a_responsible_a_follower_is_asked(self):
        self.manager("first")
        follower = self.manager("follower")
        self.backend.message_subscribe(follower.partner_id.ids)
        self.assertEqual(self.attendants(), follower)

    def test_without_both_one_manager_is_asked(self):
        first, _second = self.manager("first"), self.manager("second")
        self.assertEqual(self.attendants(), first)
        self.assertEqual(len(self.backend.activity_ids), 1)

    def test_who_may_not_see_the_backend_is_not_asked(self):
        self.backend.company_id = self.company
        self.backend.user_id = self.manager("responsible")
        there = self.manager("there", self.company)
        self.assertEqual(self.attendants(allowed_company_ids=self.env.company.ids), there)

    def test_who_has_left_is_not_asked(self):
        self.backend.user_id = self.manager("left")
        self.backend.user_id.active = False
        manager = self.manager("manager")
        self.assertEqual(self.attendants(), manager)

    def test_that_there_is_nobody_is_logged(self):
        with self.assertLogs(breaker.__name__, "ERROR") as logs:
            self.assertFalse(self.attendants())
        self.assertIn("refuses our credentials", logs.output[0])

    def test_s2_what_a_system_says_is_text_to_who_is_asked(self):
        said = '<a href="https://evil.example">log in again</a> <img src="https://evil.example/x.png"> https://evil.example & more'
        self.manager("manager")
        self.env.flush_all()
        self.backend.note_refused(said)
        self.env.invalidate_all()
        note = self.backend.activity_ids.note
        self.assertIn("&lt;a href=", note)
        for tag in ("<a", "<img"):
            self.assertNotIn(tag, note)

    def test_who_was_asked_is_not_any_more_when_it_is_resolved(self):
        self.manager("manager")
        self.assertTrue(self.attendants())
        self.read(200)
        self.assertFalse(self.backend.activity_ids)


class TestRateLimit(StatusCase):
    def setUp(self):
        super().setUp()
        self.waited = []
        self.enterContext(patch.object(traffic.time, "sleep", self.waited.append))

    def test_requests_beyond_the_rate_wait_for_their_turn(self):
        self.backend.write({"rate_limit": 2, "rate_limit_period": 4})
        for _request in range(4):
            self.read()
        self.assertEqual(self.waited[:2], [0, 0])
        self.assertAlmostEqual(self.waited[2], 2, delta=0.5)
        self.assertAlmostEqual(self.waited[3], 4, delta=0.8)

    def test_the_bucket_holds_no_more_than_a_period(self):
        self.backend.write({"rate_limit": 1, "rate_limit_period": 1})
        self.read()
        self.env.cr.execute("UPDATE connector_backend_status SET date_filled = date_filled - interval '1 hour'")
        self.read()
        self.read()
        self.assertAlmostEqual(self.waited[2], 1, delta=0.5)

    def test_a_turn_that_is_far_off_is_another_try_that_is_not_counted(self):
        self.backend.write({"rate_limit": 1, "rate_limit_period": 100})
        self.read()
        error = self.read()
        self.assertIn("rate limit", str(error))
        self.assertAlmostEqual(error.seconds, 100, delta=2)
        self.assertTrue(error.ignore_retry)

    def test_a_turn_that_cannot_be_asked_for_is_another_try_that_is_not_counted(self):
        self.backend.write({"rate_limit": 1})
        with patch.object(type(self.backend._status()), "_locked", side_effect=LockNotAvailable):
            error = self.read()
        self.assertIsInstance(error, RetryableJobError)
        self.assertTrue(error.ignore_retry)
        self.assertFalse(self.server.requests)

    def test_without_a_limit_nothing_is_counted(self):
        self.read()
        self.assertFalse(self.backend._status())
