"""What the test kit promises to the authors of connectors."""

import json
import tempfile
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from unittest.mock import patch

import requests
from vcr.errors import CannotOverwriteExistingCassetteException

from odoo import fields
from odoo.tests import tagged

from odoo.addons.connector.testing import Answer, ConnectorCase, JobsCase, extending, local_server
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..jobs import do_nothing, do_nothing_together
from ..units import ShopImporter, webshop
from .common import ShopCase

told = []


@job(default_channel="root.test", retry_pattern={1: 600})
def tell_the_time(session, model_name, tries=1):
    """Tell the time, at the last of some tries"""
    told.append(fields.Datetime.now())
    if session.job.attempt < tries:
        raise RetryableJobError("Not yet")


@job(default_channel="root.test")
def break_down(session, model_name):
    """Break down"""
    raise ValueError("Out of order")


class KitCase(JobsCase):
    def setUp(self):
        super().setUp()
        told.clear()
        self.session = ConnectorSession.from_env(self.env)
        self.env["queue.job.channel"]._ensure("root.test")


class TestLocalServer(ConnectorCase):
    def test_what_goes_wrong_in_an_answer_is_raised_at_the_end_and_told_to_who_has_asked(self):
        for answer, error, message in (
            (lambda request: {}["missing"], KeyError, "missing"),
            (lambda request: "text", TypeError, "The answer to GET / is 'text', not an Answer"),
        ):
            with self.assertRaisesRegex(error, message), local_server(answer) as server:
                response = requests.get(server.url, timeout=60)
                self.assertEqual(response.status_code, 500)
                self.assertIn(message, response.text)


class TestExtending(ShopCase):
    def test_a_unit_and_what_inherits_from_it_are_extended_until_the_block_ends_even_by_an_error(self):
        class Outer(ShopImporter):
            def _must_skip(self):
                return "Outer"

        class Inner(ShopImporter):
            def _must_skip(self):
                return f"Inner, {super()._must_skip()}"

        self.patch(self.registry, "ready", True)  # units are looked up once
        self.assertIsNone(self.reason_to_skip())
        with self.assertRaises(ZeroDivisionError), extending(webshop, Outer):
            with extending(webshop, Inner):
                self.assertEqual(self.reason_to_skip(), "Inner, Outer")
            self.assertEqual(self.reason_to_skip(), "Outer")
            raise ZeroDivisionError
        self.assertIsNone(self.reason_to_skip())

    def reason_to_skip(self):
        return self.unit(RecordImporter)._must_skip()


class TestAtInstall(KitCase):
    """As when the tests of an addon run after its install, and others are still to be installed."""

    def setUp(self):
        super().setUp()
        self.env.cr.execute("UPDATE ir_module_module SET state = 'to install' WHERE name = 'test_connector_extension'")

    def test_f18_jobs_run_while_other_addons_are_still_to_be_installed(self):
        do_nothing.delay(self.session, "test.effect")
        self.assertDone(self.run_jobs())

    def test_f18_jobs_that_run_as_one_call_run_too(self):
        for _n in range(3):
            do_nothing_together.delay(self.session, "test.effect")
        self.assertEqual(len(self.run_jobs()), 3)

    def test_f18_workers_still_wait_afterwards(self):
        self.run_jobs()
        do_nothing.delay(self.session, "test.effect")
        self.cr.flush()
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        self.assertFalse(store.claiming.claim(self.cr, worker, 9, 9))

    def test_f18_functions_and_channels_of_an_addon_are_there_once_it_is_installed(self):
        functions = self.env["queue.job.function"]
        functions.search([("module", "=", "test_connector")]).unlink()
        other = functions.create({"name": "an addon that is not loaded yet", "module": "test_connector_extension"})
        channel = self.env["queue.job.channel"].search(
            [("complete_name", "=", tell_the_time.job_options.default_channel)]
        )
        self.env.cr.execute("DELETE FROM queue_job_channel WHERE starts_with(parent_path, %s)", (channel.parent_path,))
        self.env.invalidate_all()
        self.env.ref("base.module_test_connector").write({"state": "installed"})
        function = functions.search([("name", "=", tell_the_time.job_options.name)])
        self.assertEqual(function.default_channel, "root.test")
        self.assertEqual(
            tell_the_time.delay(self.session, "res.partner").record(self.env).channel_id.complete_name, "root.test"
        )
        self.assertTrue(other.exists())

    def test_f18_addons_without_jobs_cost_nothing(self):
        queries = self.cr.sql_log_count
        module = self.env.ref("base.module_base")
        module.write({"state": "installed"})
        self.assertLess(self.cr.sql_log_count - queries, 10)


class TestRunningJobs(KitCase):
    def test_a_job_runs_at_its_time_by_the_clock(self):
        at = datetime(2031, 5, 1, 12)
        tell_the_time.delay(self.session, "res.partner", eta=at)
        self.assertFalse(self.run_jobs())
        self.assertFalse(self.run_jobs(at=at - timedelta(seconds=1)))
        self.assertDone(self.run_jobs(at=at))
        self.assertEqual(told, [at])

    def test_another_try_comes_at_its_time(self):
        tell_the_time.delay(self.session, "res.partner", tries=2)
        job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("scheduled", 1))
        self.assertFalse(self.run_jobs(at=fields.Datetime.now() + timedelta(seconds=590)))
        self.assertDone(self.run_jobs(at=fields.Datetime.now() + timedelta(seconds=610)))

    def test_a_job_that_should_be_done_and_is_not_says_why(self):
        do_nothing.delay(self.session, "res.partner")
        break_down.delay(self.session, "res.partner")
        with self.assertRaisesRegex(AssertionError, r"Break down: failed, .*Out of order(.|\n)*Traceback"):
            self.assertDone(self.run_jobs())

    def test_no_job_at_all_is_not_done(self):
        with self.assertRaisesRegex(AssertionError, "No job was run"):
            self.assertDone(self.run_jobs())

    def test_a_job_that_should_have_failed_with_a_message(self):
        break_down.delay(self.session, "res.partner")
        job = self.run_jobs()
        self.assertFailed(job, "Out of order")
        with self.assertRaises(AssertionError):
            self.assertFailed(job, "Out of paper")


class TestTrappedJobs(KitCase):
    def test_what_is_delayed_in_the_block_is_trapped(self):
        do_nothing.delay(self.session, "res.partner")
        with self.trap_jobs() as trap:
            tell_the_time.delay(self.session, "res.partner", 3, priority=5)
        self.assertEqual(trap.assert_delayed(tell_the_time, tries=3).priority, 5)
        trap.assert_delayed("test_test_kit.tell_the_time", model_name="res.partner")
        trap.assert_not_delayed(do_nothing)

    def test_a_call_with_other_arguments_is_another_call(self):
        with self.trap_jobs() as trap:
            tell_the_time.delay(self.session, "res.partner", tries=3)
        trap.assert_not_delayed(tell_the_time, tries=2)
        with self.assertRaisesRegex(AssertionError, r"(?s)'tries': 2.* once. Delayed was:.*tell_the_time .*'tries': 3"):
            trap.assert_delayed(tell_the_time, tries=2)

    def test_a_call_that_was_delayed_twice_was_not_delayed_once(self):
        with self.trap_jobs() as trap:
            do_nothing.delay(self.session, "res.partner")
            do_nothing.delay(self.session, "res.partner")
        with self.assertRaises(AssertionError):
            trap.assert_delayed(do_nothing)

    def test_methods_and_calls_that_run_together_are_told_by_their_arguments(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        with self.trap_jobs() as trap:
            partner.with_delay().write({"name": "Grace"})
            do_nothing_together.delay(self.session, "res.partner", "key", 7)
        trap.assert_delayed("res.partner.write", self=partner, vals={"name": "Grace"})
        trap.assert_delayed(do_nothing_together, call=("key", 7))


@tagged("post_install", "-at_install")
class TestRecording(ConnectorCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        Shop.number = 0
        self.shop = HTTPServer(("127.0.0.1", 0), Shop)
        threading.Thread(target=self.shop.serve_forever, kwargs={"poll_interval": 0.01}).start()

    @property
    def recordings(self):
        return Path(self.folder.name)

    def record(self):
        """Record three exchanges with a shop, and close the shop."""
        with patch.dict("os.environ", CONNECTOR_RECORD="1"):
            answers = self.exchange(f"http://127.0.0.1:{self.shop.server_port}", "s3cr3t")
        self.shop.shutdown()
        self.shop.server_close()
        return answers

    def exchange(self, location, key):
        with self.recorded("shop", secrets=[key]):
            session = requests.Session()
            session.headers["Authorization"] = f"Bearer {key}"
            return [
                session.post(f"{location}/{path}", params={"key": key}, json={"ask": path}, timeout=60).json()
                for path in ("orders", "orders", "customers")
            ]

    def tearDown(self):
        self.shop.shutdown()
        self.shop.server_close()
        super().tearDown()

    def test_what_was_recorded_is_played_wherever_the_shop_is_and_whatever_the_key(self):
        answers = self.record()
        self.assertEqual([answer["number"] for answer in answers], [1, 2, 3])
        played = self.exchange("https://shop.example.com", "another")
        self.assertEqual([answer["number"] for answer in played], [1, 2, 3])

    def test_no_secret_is_recorded(self):
        self.record()
        recording = (self.recordings / "shop.yaml").read_text()
        self.assertNotIn("s3cr3t", recording)
        self.assertIn("orders?key=***", recording)
        self.assertNotIn("Authorization", recording)
        self.assertNotIn("Set-Cookie", recording)

    def test_a_token_that_the_system_hands_out_is_not_recorded_and_the_recording_can_be_played(self):
        def answer(request):
            if request.path == "/token":
                return Answer({"access_token": "t0ken", "expires_in": 600, "scope": "all"})
            return Answer({"authorized": request.headers["Authorization"] == "Bearer t0ken", "next_page_token": "2"})

        with local_server(answer) as server, patch.dict("os.environ", CONNECTOR_RECORD="1"):
            self.assertEqual(self.authorize(server.url), {"authorized": True, "next_page_token": "2"})
        recording = (self.recordings / "tokens.yaml").read_text()
        for secret in ("t0ken", "s3cr3t"):
            self.assertNotIn(secret, recording)
        self.assertIn("expires_in", recording)
        self.assertTrue(self.authorize("https://shop.example.com")["authorized"])

    def authorize(self, location):
        """Ask for a token and with it for the orders, from a recording; return the answer."""
        with self.recorded("tokens"):
            client = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "s3cr3t"}
            token = requests.post(f"{location}/token", data=client, timeout=60).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            return requests.get(f"{location}/orders?access_token={token}", headers=headers, timeout=60).json()

    def test_what_was_not_recorded_is_refused_and_says_so(self):
        self.record()
        with self.recorded("shop"), self.assertRaisesRegex(CannotOverwriteExistingCassetteException, "GET .*/stock"):
            requests.get("https://shop.example.com/stock", timeout=60)

    def test_a_recording_that_was_never_made_says_how_to_make_it(self):
        with self.assertRaisesRegex(FileNotFoundError, "set CONNECTOR_RECORD=1"), self.recorded("unknown"):
            pass


class Shop(BaseHTTPRequestHandler):
    number = 0

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Shop.number += 1
        self.send_response(200)
        self.send_header("Set-Cookie", "session=s3cr3t")
        self.end_headers()
        answer = {"number": Shop.number, "asked": body, "key": self.headers["Authorization"]}
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args):
        """Say nothing."""
