import base64
import hashlib
import hmac
import json
import socket
import time
from datetime import timedelta
from functools import partial
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tests.common import HOST, TEST_CURSOR_COOKIE_NAME
from odoo.tools import mute_logger

from odoo.addons.connector.controllers.webhook import LONGEST
from odoo.addons.connector.models import connector_webhook_delivery as webhook
from odoo.addons.connector.models.connector_webhook_delivery import KEPT
from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.webhook_receiver import WebhookReceiver
from odoo.addons.jobs_queue import store

from .common import ShopCase, register_another

CONTROLLER = "odoo.addons.connector.controllers.webhook"


def sign(key, content):
    return hmac.new(key.encode(), content, hashlib.sha256)


class WebhookCase(JobsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["test.shop.backend"].create({"name": "Test Shop", "webhook_secret": " s3cr3t "})
        cls.backend.action_renew_webhook()

    def deliveries(self):
        return self.env["connector.webhook.delivery"].search(
            [("backend_id", "=", f"test.shop.backend,{self.backend.id}")]
        )


@tagged("post_install", "-at_install")
class TestWebhook(WebhookCase, HttpCase):
    def send(self, payload=None, key="s3cr3t", at=None, path=None, body=None, **headers):
        """Send a signed webhook; return the response."""
        data = body or json.dumps(payload or {"title": "Home"}).encode()
        body = b"".join(data) if isinstance(data, list) else data
        sent = str(int(at or time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Shop-Time": sent,
            "X-Shop-Topic": "page/changed",
            "X-Shop-Signature": "sha256=" + sign(key, f"{sent}.".encode() + body).hexdigest(),
            **headers,
        }
        path = path or "/" + self.backend.webhook_url.split("/", 3)[3]
        # what comes piece by piece does not say how long it is
        return self.url_open(path, data=iter(data) if isinstance(data, list) else data, headers=headers)

    def test_what_is_sent_is_stored_and_a_job_deals_with_it(self):
        response = self.send()
        self.assertEqual((response.status_code, response.json()), (200, {"status": "accepted"}))
        delivery = self.deliveries()
        self.assertEqual((delivery.topic, delivery.body), ("page/changed", '{"title": "Home"}'))
        self.assertNotIn("sha256=", delivery.headers)
        self.assertEqual(delivery.job_id.channel_id, self.backend.channel_id)
        job = self.run_jobs()
        self.assertDone(job)
        self.assertEqual(job.message, "page/changed: Home")
        self.assertEqual(job.button_related()["res_id"], delivery.id)

    @mute_logger(CONTROLLER)
    def test_a_wrong_signature_stores_nothing(self):
        for refused in (
            self.send(key="guessed"),
            self.send(**{"X-Shop-Signature": ""}),
            self.send(**{"X-Shop-Signature": "sha256="}),
            self.send(**{"X-Shop-Time": str(int(time.time()) - 1)}),
        ):
            self.assertEqual(refused.status_code, 401)
        self.assertFalse(self.deliveries())
        self.assertFalse(self.delayed_jobs())

    @mute_logger(CONTROLLER)
    def test_without_a_secret_nothing_is_accepted(self):
        self.backend.stored_webhook_secret = False
        self.assertEqual(self.send(key="").status_code, 401)

    def test_what_is_sent_once_more_is_not_processed_again(self):
        now = time.time()
        self.send(at=now)
        response = self.send(at=now)
        self.assertEqual((response.status_code, response.json()), (200, {"status": "known"}))
        self.assertEqual(len(self.deliveries()), 1)
        self.assertEqual(len(self.delayed_jobs()), 1)

    @mute_logger(CONTROLLER)
    def test_what_was_sent_long_ago_is_refused(self):
        self.assertEqual(self.send(at=time.time() - 400).status_code, 401)
        self.assertFalse(self.deliveries())

    def test_a_wrong_address_is_not_found(self):
        right = self.backend.stored_webhook_token
        for name, token in (
            (f"test.shop.backend-{self.backend.id}", "guessed"),
            (f"test.shop.backend-{self.backend.id + 1000}", right),
            ("test.shop.backend-x", right),
            ("res.partner-1", right),
            ("nothing", right),
        ):
            self.assertEqual(self.send(path=f"/connector/webhook/{name}/{token}").status_code, 404)

    def test_a_replaced_address_and_an_archived_backend_are_not_found(self):
        path = "/" + self.backend.webhook_url.split("/", 3)[3]
        self.backend.action_renew_webhook()
        self.assertEqual(self.send(path=path).status_code, 404)
        self.backend.active = False
        self.assertEqual(self.send().status_code, 404)

    @mute_logger("odoo.http")
    def test_two_receivers_of_a_backend_are_an_error_and_no_address_that_is_wrong(self):
        register_another(self, WebhookReceiver, None)
        self.assertEqual(self.send().status_code, 500)

    def test_s7_no_address_makes_an_error(self):
        backend = f"test.shop.backend-{self.backend.id}"
        token = self.backend.stored_webhook_token
        for name in (
            f"test.shop.backend-{'9' * 5000}",
            f"test.shop.backend-{'9' * 18}",
            "test.shop.backend-" + "\u0663" * 5000,
            f"test.shop.backend-{self.backend.id}%00",
            "test.shop.backend--1",
            "%00-1",
            "x" * 5000 + "-1",
        ):
            with self.subTest(name[:40]):
                self.assertEqual(self.send(path=f"/connector/webhook/{name}/{token}").status_code, 404)
        for token in ("%00", "%ff", "\u20ac" * 5000, "%ED%A0%BD"):
            with self.subTest(token[:40]):
                self.assertEqual(self.send(path=f"/connector/webhook/{backend}/{token}").status_code, 404)

    @mute_logger(CONTROLLER)
    def test_s7_no_header_makes_an_error(self):
        for name, value, status in (
            ("X-Shop-Topic", "t" * 5000, 400),
            ("X-Shop-Topic", "caf\xe9", 200),
            ("X-Shop-Topic", "<b>topic</b>", 200),
            ("X-Shop-Time", "9" * 5000, 401),
            ("X-Shop-Time", "nan", 401),
            ("X-Shop-Time", "1e999", 401),
            ("X-Shop-Signature", "sha256=\xff", 401),
            ("X-Shop-Signature", "s" * 50_000, 401),
            ("Content-Type", "application/json; charset=\xff", 200),
        ):
            with self.subTest(name, value=value[:10]):
                self.assertEqual(
                    self.send({"title": f"{name} {value[:10]}"}, **{name: value.encode("latin-1")}).status_code, status
                )

    @mute_logger(CONTROLLER)
    def test_s7_a_header_with_a_nul_is_refused(self):
        for name in ("X-Shop-Topic", "X-Shop-Signature", "X-Anything"):
            with self.subTest(name):
                self.assertEqual(self.send_raw([f"{name}: a\0b"], b"{}"), 400)
        self.assertFalse(self.deliveries())

    @mute_logger(CONTROLLER)
    def test_s7_a_long_body_is_refused_whether_or_not_it_says_how_long_it_is(self):
        self.assertEqual(self.send(body=b" " * (LONGEST + 1)).status_code, 413)
        self.assertEqual(self.send(body=[b" " * 1_000_000] * 20).status_code, 413)
        self.assertFalse(self.deliveries())

    @mute_logger(CONTROLLER)
    def test_s7_a_captured_delivery_is_refused_under_another_topic(self):
        now = time.time()
        self.send(at=now)
        self.assertEqual(self.send(at=now, **{"X-Shop-Topic": "page/deleted"}).status_code, 401)
        self.assertEqual(self.deliveries().topic, "page/changed")

    def test_s7_what_the_screen_cannot_show_is_shown_in_another_way(self):
        manager = new_test_user(self.env, "manager", "connector.group_connector_manager", password="manager1234")
        self.authenticate(manager.login, "manager1234")
        for number, body in enumerate(
            (
                b"[" * 100_000,
                b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
                b'{"title": "cut \\ud83d"}',
                b'{"title": "nul \\u0000"}',
                b'{"title": ' + b"9" * 5_000 + b"}",
                b"\xff\xfe\0",
                b"<script>alert(1)</script>",
            )
        ):
            with self.subTest(body[:20]):
                self.assertEqual(self.send(body=body, at=time.time() - number).status_code, 200)
                delivery = self.deliveries()[0]
                self.env.flush_all()
                shown = self.make_jsonrpc_request(
                    f"/web/dataset/call_kw/{delivery._name}/web_read",
                    {
                        "model": delivery._name,
                        "method": "web_read",
                        "args": [delivery.ids, {"readable_body": {}, "headers": {}, "topic": {}}],
                        "kwargs": {},
                    },
                )
                self.assertTrue(shown[0]["readable_body"])

    def send_raw(self, lines, body):
        """Send a request as bytes, which no client would send so; return the status."""
        path = "/" + self.backend.webhook_url.split("/", 3)[3]
        head = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}", "Connection: close", *lines]
        self.env.flush_all()
        with self.allow_requests(), socket.create_connection((HOST, self.http_port()), timeout=60) as connection:
            cookie = f"Cookie: {TEST_CURSOR_COOKIE_NAME}={self.http_request_key}"
            connection.sendall("\r\n".join([*head, cookie, "", ""]).encode() + body)
            return int(connection.makefile("rb").readline().split()[1])

    def test_of_a_form_the_handler_gets_the_values(self):
        content_type = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        response = self.send(body=b"title=Caf%C3%A9+au+lait&empty=", **content_type)
        self.assertEqual((response.status_code, response.json()), (200, {"status": "accepted"}))
        self.assertEqual(self.deliveries().body, "title=Caf%C3%A9+au+lait&empty=")
        self.assertEqual(self.deliveries().readable_body, "title = Café au lait\nempty = ")
        job = self.run_jobs()
        self.assertDone(job)
        self.assertEqual(job.message, "page/changed: Café au lait")

    @mute_logger(CONTROLLER)
    def test_a_form_whose_signature_is_wrong_stores_nothing(self):
        response = self.send(body=b"title=x", key="guessed", **{"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(response.status_code, 401)
        self.assertFalse(self.deliveries())

    def test_a_form_with_files_is_refused_as_such(self):
        response = self.send(**{"Content-Type": "multipart/form-data; boundary=x"})
        self.assertEqual(response.status_code, 415)

    def test_what_is_too_long_is_refused_as_such(self):
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            response = self.send(body=b"x" * (LONGEST + 1), **{"Content-Type": content_type})
            self.assertEqual(response.status_code, 413)

    def test_a_delivery_is_processed_again_by_a_button(self):
        self.send()
        self.run_jobs()
        self.deliveries().action_process_again()
        self.assertDone(self.run_jobs())

    def test_u1_all_selected_deliveries_are_processed_again_although_the_client_names_fewer(self):
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", 2)
        for number in range(4):
            self.send({"title": str(number)})
        self.run_jobs()
        store.workers.register(self.env.cr, "uuid", "host", 1, "command", 1, (None, None))
        manager = new_test_user(self.env, "connector manager", "connector.group_connector_manager")
        deliveries = self.deliveries().with_user(manager)
        deliveries[3].sudo().company_id = self.env["res.company"].create({"name": "Other company"})
        selected = deliveries[:2].with_context(
            active_model=deliveries._name, active_domain=[("id", "in", deliveries.ids)], active_ids=deliveries[:2].ids
        )
        told = selected.action_process_again()["params"]
        self.assertEqual(told["message"], "Deliveries that are processed in the background: 3.")
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual(jobs, deliveries[:3].sudo().job_id.sorted("id"))
        told = deliveries[0].with_context(active_model=deliveries._name, active_domain=[]).action_process_again()
        self.assertEqual(told["params"]["message"], "Deliveries that are processed in the background: 1.")

    def test_u1_very_many_deliveries_are_processed_again_in_short_transactions_each_of_them_once(self):
        other_backend = self.backend.copy()
        for number in range(5):
            self.send({"title": str(number)})
        self.run_jobs()
        deliveries = self.deliveries()
        deliveries[0].backend_id = other_backend
        former = deliveries.job_id
        with patch.object(webhook, "CHUNK", 2):
            deliveries.action_process_again()
            chunks = self.delayed_jobs("process_again")
        self.assertEqual(deliveries.job_id, former)
        self.assertEqual(
            [(job.channel_id, job.name) for job in chunks],
            [
                (other_backend.channel_id, f"Webhooks of {other_backend.name} to process: 1"),
                (self.backend.channel_id, "Webhooks of Test Shop to process: 2"),
                (self.backend.channel_id, "Webhooks of Test Shop to process: 2"),
            ],
        )
        deliveries[-1].unlink()
        jobs = self.run_jobs() - chunks
        self.assertDone(jobs + chunks)
        self.assertEqual(jobs, deliveries.exists().job_id.sorted("id"))
        self.assertEqual(len(jobs), 4)

    def test_s8_the_jobs_that_process_many_again_are_of_the_company_of_the_backend(self):
        self.send()
        other_company = self.env["res.company"].create({"name": "Other company"})
        self.env.user.company_ids += other_company
        companies = (other_company + self.env.company).ids
        deliveries = self.deliveries().with_context(allowed_company_ids=companies)
        self.assertNotEqual(deliveries.env.company, self.backend.company_id)
        deliveries._delay_in_chunks()
        self.assertEqual(self.delayed_jobs("process_again").company_id, self.backend.company_id)

    def test_a_delivery_says_what_has_become_of_its_job(self):
        self.send()
        delivery = self.deliveries()
        self.assertEqual(delivery.job_state, "pending")
        self.run_jobs()
        self.assertEqual(delivery.job_state, "done")
        delivery.job_id = self.env["queue.job"].browse(2**31 - 1)  # one that was deleted
        self.assertFalse(delivery.job_state)

    def test_deliveries_are_deleted_after_a_time(self):
        self.send()
        self.run_jobs()
        self.age()
        with patch.object(webhook, "_VACUUM_LIMIT", 1):
            passes = [self.env["connector.webhook.delivery"]._gc_deliveries() for _pass in range(2)]
        self.assertFalse(self.deliveries())
        self.assertEqual(passes, [(1, True), (0, False)])

    def test_a_delivery_is_kept_until_its_job_is_done_or_gone(self):
        for title in ("Home", "Failed", "Gone"):
            self.send({"title": title})
        gone, failed, waiting = self.deliveries()
        failed.job_id.state = "failed"
        gone.job_id = self.env["queue.job"].browse(2**31 - 1)  # one that was deleted
        self.age()
        self.env["connector.webhook.delivery"]._gc_deliveries()
        self.assertEqual(self.deliveries(), failed | waiting)

    def age(self):
        """Make what was received older than it is kept."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE connector_webhook_delivery SET create_date = create_date - %s", (KEPT + timedelta(minutes=1),)
        )
        self.env.invalidate_all()


class TestReceiver(ShopCase):
    def receiver(self, backend=None, **attributes):
        self.backend.stored_webhook_secret = "s3cr3t"
        return type("Receiver", (WebhookReceiver,), attributes)(self.environment("test.shop.backend", backend))

    def receive(self, receiver, body=b"{}", **headers):
        """Let a signed webhook come in; return whether it is new."""
        with patch.object(type(self.env["connector.webhook.delivery"]), "_delay"):
            return receiver.env["connector.webhook.delivery"].sudo()._receive(receiver, headers, body)

    def test_a_signature_may_be_hexadecimal_or_in_base64(self):
        for signature in (
            sign("s3cr3t", b"body").hexdigest(),
            base64.b64encode(sign("s3cr3t", b"body").digest()).decode(),
        ):
            self.assertIsNone(self.receiver().refuse({"X-Signature": signature}, b"body"))

    def test_letters_beyond_ascii_in_a_signature_are_refused(self):
        self.assertTrue(self.receiver().refuse({"X-Signature": "ä"}, b"body"))

    def test_a_system_that_does_not_sign_is_believed_by_its_address_alone(self):
        self.assertIsNone(self.receiver(_signature_header=None).refuse({}, b"body"))

    def test_a_time_that_is_none_is_refused(self):
        receiver = self.receiver(_signature_header=None, _timestamp_header="X-Time")
        self.assertIn("too old", receiver.refuse({"X-Time": "yesterday"}, b""))
        self.assertIn("too old", receiver.refuse({}, b""))

    def test_the_id_of_a_delivery_is_the_one_that_the_system_sends(self):
        receiver = self.receiver(_delivery_header="X-Id")
        self.assertEqual(receiver.delivery_key({"X-Id": "7"}, b"body"), "7")

    def test_item3_the_job_of_a_delivery_is_found_by_the_id_that_the_system_sends(self):
        receiver = self.receiver(_delivery_header="X-Id")
        for headers in ({"X-Id": "evt_42"}, {"X-Id": "evt_43"}, {}):
            self.env["connector.webhook.delivery"]._receive(receiver, headers, b"{}")
        _without, _other, delivery = self.env["connector.webhook.delivery"].search([], limit=3)
        self.assertEqual(self.env["queue.job"].search([("name", "ilike", "evt_42")]), delivery.job_id)

    def test_what_the_system_sends_once_more_is_known_by_its_id_whatever_its_time(self):
        receiver = self.receiver(_delivery_header="X-Id", _timestamp_header="X-Time")
        self.assertTrue(self.receive(receiver, **{"X-Id": "7", "X-Time": "1"}))
        self.assertFalse(self.receive(receiver, **{"X-Id": "7", "X-Time": "2"}))

    def test_what_was_signed_once_is_not_taken_again_under_another_id(self):
        receiver = self.receiver(_delivery_header="X-Id", _replay_window=600)
        self.assertTrue(self.receive(receiver, **{"X-Id": "7"}))
        self.assertFalse(self.receive(receiver, **{"X-Id": "8"}))
        self.assertTrue(self.receive(receiver, b'{"other": 1}', **{"X-Id": "9"}))

    def test_the_same_content_is_taken_again_when_the_window_is_over(self):
        receiver = self.receiver(_replay_window=600)
        self.assertTrue(self.receive(receiver))
        self.age(599)
        self.assertFalse(self.receive(receiver))
        self.age(2)
        self.assertTrue(self.receive(receiver))
        self.assertFalse(self.receive(receiver))

    def age(self, seconds):
        """Make what was received so many seconds older."""
        self.env["connector.webhook.delivery"].flush_model()
        self.env.cr.execute(
            "UPDATE connector_webhook_delivery SET create_date = create_date - %s", (timedelta(seconds=seconds),)
        )
        self.env.invalidate_all()

    def test_what_was_signed_with_its_time_is_not_taken_again_while_that_time_is_not_too_old(self):
        receiver = self.receiver(_delivery_header="X-Id", _timestamp_header="X-Time")
        self.assertTrue(self.receive(receiver, **{"X-Id": "7", "X-Time": "1"}))
        self.assertFalse(self.receive(receiver, **{"X-Id": "8", "X-Time": "1"}))
        self.assertTrue(self.receive(receiver, **{"X-Id": "9", "X-Time": "2"}))

    def test_a_longer_tolerance_makes_the_window_longer(self):
        receiver = self.receiver(_timestamp_header="X-Time", _tolerance=1000)
        self.assertEqual(receiver.replay_window, 2000)

    def test_the_same_content_may_tell_of_several_topics_where_the_author_says_so(self):
        receiver = self.receiver(_topic_header="X-Topic", _replay_window=600, _topics_share_content=True)
        self.assertTrue(self.receive(receiver, **{"X-Topic": "created"}))
        self.assertTrue(self.receive(receiver, **{"X-Topic": "paid"}))

    def test_s7_what_was_received_is_not_taken_again_under_another_topic(self):
        for attributes in ({"_replay_window": 600}, {"_timestamp_header": "X-Time"}):
            receiver = self.receiver(_topic_header="X-Topic", _delivery_header="X-Id", **attributes)
            with self.subTest(attributes):
                first = {"X-Topic": "created", "X-Time": str(attributes), "X-Id": str(attributes)}
                self.assertTrue(self.receive(receiver, **first))
                self.assertFalse(self.receive(receiver, **{**first, "X-Id": "2"}))
                for topic in ({"X-Topic": "paid"}, {"X-Topic": ""}):
                    with self.assertRaisesRegex(webhook.TakenBefore, "under the topic 'created'"):
                        self.receive(receiver, **{**first, "X-Id": "3", **topic})

    def test_s7_by_default_nothing_is_taken_under_another_topic_for_as_long_as_deliveries_are_kept(self):
        receiver = self.receiver(_topic_header="X-Topic", _delivery_header="X-Id")
        self.assertTrue(self.receive(receiver, **{"X-Topic": "created", "X-Id": "1"}))
        self.assertTrue(self.receive(receiver, **{"X-Topic": "created", "X-Id": "2"}))
        for seconds in (0, (KEPT - timedelta(minutes=1)).total_seconds()):
            self.age(seconds)
            for topic in ("paid", ""):
                for delivery in ("1", "2", "3", ""):
                    with (
                        self.subTest(seconds=seconds, topic=topic, delivery=delivery),
                        self.assertRaisesRegex(webhook.TakenBefore, "under the topic 'created'.*_topics_share_content"),
                    ):
                        self.receive(receiver, **{"X-Topic": topic, "X-Id": delivery})

    def test_s7_the_end_of_the_window_lets_no_other_topic_in(self):
        for attributes in ({"_replay_window": 600}, {"_timestamp_header": "X-Time"}):
            receiver = self.receiver(_topic_header="X-Topic", **attributes)
            first = {"X-Topic": "created", "X-Time": str(attributes)}
            with self.subTest(attributes):
                self.assertTrue(self.receive(receiver, **first))
                self.age(601)
                with self.assertRaises(webhook.TakenBefore):
                    self.receive(receiver, **{**first, "X-Topic": "paid"})
                self.assertTrue(self.receive(receiver, **first))

    def test_s7_a_delivery_with_the_id_of_another_is_refused_under_another_topic(self):
        for attributes in ({}, {"_signature_header": None}, {"_topics_share_content": True}):
            receiver = self.receiver(_topic_header="X-Topic", _delivery_header="X-Id", **attributes)
            with self.subTest(attributes):
                body, first = str(attributes).encode(), {"X-Id": str(attributes), "X-Topic": "created"}
                self.assertTrue(self.receive(receiver, body, **first))
                self.assertFalse(self.receive(receiver, body, **first))
                for other_body in (body, b"[]"):
                    with self.assertRaises(webhook.TakenBefore):
                        self.receive(receiver, other_body, **{**first, "X-Topic": "paid"})

    def test_without_a_signed_time_a_second_change_may_have_the_content_of_the_first(self):
        for attributes in ({}, {"_delivery_header": "X-Id"}, {"_signature_header": None, "_replay_window": 600}):
            receiver = self.receiver(**attributes)
            for delivery in ("7", "8"):
                self.assertTrue(self.receive(receiver, **{"X-Id": delivery}))

    def test_of_two_replays_at_once_one_is_stored(self):
        backend = self.committed_backend()
        with self.transaction() as env, self.transaction() as other_env:
            first, second = (
                self.receiver(backend.with_env(some_env), _delivery_header="X-Id", _replay_window=600)
                for some_env in (env, other_env)
            )
            self.assertTrue(self.receive(first, **{"X-Id": "7"}))
            with self.in_thread(partial(self.receive, second, **{"X-Id": "8"})) as is_new:
                self.wait_until_blocked(other_env)
                env.cr.commit()
            # which Odoo answers by serving the request anew
            self.assertIsInstance(is_new.exception(), SerializationFailure)
            other_env.cr.rollback()
            self.assertFalse(self.receive(second, **{"X-Id": "8"}))

    def test_a_value_of_a_form_that_comes_several_times_is_not_lost(self):
        form = self.receiver().parse_form("id=7&line=1&line=2&note=")
        self.assertEqual((form["id"], form["note"], form.getlist("line")), ("7", "", ["1", "2"]))


class TestWebhookFields(WebhookCase):
    def test_the_secret_is_stored_but_not_shown_again(self):
        manager = new_test_user(self.env, "manager", groups="connector.group_connector_manager")
        self.assertEqual(self.backend.stored_webhook_secret, "s3cr3t")
        self.assertFalse(self.backend.with_user(manager).webhook_secret)
        for name in ("stored_webhook_secret", "stored_webhook_token"):
            with self.assertRaises(AccessError):
                self.backend.with_user(manager).read([name])
        self.backend.name = "Renamed"
        self.assertEqual(self.backend.stored_webhook_secret, "s3cr3t")

    def test_a_copy_has_neither_address_nor_secret(self):
        copy = self.backend.copy()
        self.assertFalse(copy.webhook_url or copy.stored_webhook_secret)

    def test_a_backend_whose_connector_takes_webhooks_says_so(self):
        self.assertTrue(self.backend.has_webhook)
