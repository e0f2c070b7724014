"""Webhooks that Odoo registers in the external system by itself."""

import json

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from odoo.addons.connector.declaration import OnePage, RestAdapter, field
from odoo.addons.connector.testing import Answer, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter
from odoo.addons.connector.unit.webhook_receiver import RegisteredWebhook, WebhookReceiver

from ..units import ShopWebhook, webshop
from .test_http_adapter import HttpCase

OTHERS = "https://another.example.com/hook"


class HookedWebhook(ShopWebhook):
    webhooks = {"order.created": "Orders", "order.changed": "Changed orders"}

    def list_webhooks(self):
        hooks = self._adapter.request_json("GET", "/webhooks")
        return [RegisteredWebhook(hook["id"], hook["topic"], hook["address"]) for hook in hooks]

    def register_webhook(self, topic, address):
        self._adapter.request("POST", "/webhooks", json={"topic": topic, "address": address})

    def remove_webhook(self, external_id):
        self._adapter.request("DELETE", f"/webhooks/{external_id}")

    @property
    def _adapter(self):
        return self.unit_for(BackendAdapter, "test.shop.tag")


class TestTopics(HttpCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.enterContext(registering(webshop))
        declared = {"base": field("location"), "path": "/tags", "paginator": OnePage()}
        webshop(type("Tags", (RestAdapter,), {**declared, "_model_name": "test.shop.tag", "__module__": __name__}))
        self.enterContext(extending(webshop, HookedWebhook))
        self.hooks = {}
        self.is_down = False
        self.answers = self.answer
        self.backend.location = self.serve(lambda request: self.answers(request)).url
        self.backend.action_renew_webhook()
        self.env.flush_all()

    def answer(self, request):
        """Be a shop with webhooks."""
        if self.is_down:
            return Answer({"message": "no right to webhooks"}, 403)
        if request.method == "POST":
            return Answer(self.add_hook(**json.loads(request.body)))
        if request.method == "DELETE":
            return Answer(status=204 if self.hooks.pop(int(request.path.rpartition("/")[2]), None) else 404)
        return Answer(list(self.hooks.values()))

    def add_hook(self, topic, address):
        number = max(self.hooks, default=0) + 1
        self.hooks[number] = {"id": number, "topic": topic, "address": address}
        return self.hooks[number]

    def registered(self):
        return sorted((hook["topic"], hook["address"]) for hook in self.hooks.values())

    def states(self):
        self.env.invalidate_all()
        return {topic.topic: topic.state for topic in self.backend.webhook_topic_ids}

    def archive(self):
        self.backend.active = False
        self.env.flush_all()
        self.env.cr.postcommit.run()

    def test_repair_registers_each_topic_once(self):
        for _time in range(2):
            self.backend.action_repair_webhooks()
            address = self.backend.webhook_url
            self.assertEqual(self.registered(), [("order.changed", address), ("order.created", address)])
        self.assertEqual(self.states(), {"order.created": "registered", "order.changed": "registered"})

    def test_repair_replaces_what_leads_to_a_former_address_and_leaves_what_others_have(self):
        self.backend.action_repair_webhooks()
        former = self.backend.webhook_url
        another = f"{self.backend.get_base_url()}/connector/webhook/other.backend-1/x"
        self.add_hook("order.created", OTHERS)
        self.add_hook("order.created", another)
        self.add_hook("order.changed", former)  # once more than needed
        self.backend.action_renew_webhook()
        self.assertEqual(set(self.states().values()), {"elsewhere"})
        self.backend.action_repair_webhooks()
        address = self.backend.webhook_url
        self.assertNotEqual(address, former)
        kept = [("order.created", OTHERS), ("order.created", another)]
        self.assertEqual(self.registered(), sorted([("order.changed", address), ("order.created", address), *kept]))

    def test_look_tells_what_is_missing_and_what_is_sent_elsewhere_and_changes_nothing(self):
        self.add_hook("order.created", OTHERS)
        self.add_hook("order.created", "http://[nonsense")
        self.assertFalse(self.backend._is_ours(None))
        self.backend.action_check_webhooks()
        self.assertEqual(self.states(), {"order.created": "elsewhere", "order.changed": "missing"})
        self.assertEqual(len(self.hooks), 2)

    def test_repair_needs_an_address_that_is_committed(self):
        self.backend.stored_webhook_token = False
        with self.assertRaisesRegex(UserError, "Press “Create the Address” first"):
            self.backend.action_repair_webhooks()
        self.assertEqual(self.server.requests, [])

    def test_repair_replaces_what_leads_to_a_former_address_of_odoo(self):
        self.backend.action_repair_webhooks()
        self.env["ir.config_parameter"].set_param("web.base.url", "https://new.example.com")
        self.env.flush_all()
        self.env.invalidate_all()
        self.backend.action_repair_webhooks()
        self.assertEqual({address for _topic, address in self.registered()}, {self.backend.webhook_url})
        self.assertIn("https://new.example.com/", self.backend.webhook_url)

    def test_a_webhook_that_somebody_else_removes_meanwhile_is_no_error(self):
        self.backend.action_repair_webhooks()
        self.backend.action_renew_webhook()
        receiver = self.unit(WebhookReceiver, "test.shop.backend")
        gone = RegisteredWebhook(99, "order.created", "https://x")
        self.backend._remove_webhook(receiver, gone)
        self.assertEqual(self.server.requests[-1].method, "DELETE")

    def test_a_topic_shows_when_it_was_last_received(self):
        self.backend.action_repair_webhooks()
        deliveries = self.env["connector.webhook.delivery"]
        deliveries.create({"backend_id": f"test.shop.backend,{self.backend.id}", "topic": "order.created"})
        self.env.flush_all()
        self.env.invalidate_all()
        received = {topic.topic: bool(topic.last_received) for topic in self.backend.webhook_topic_ids}
        self.assertEqual(received, {"order.created": True, "order.changed": False})

    def test_a_topic_that_the_connector_does_not_have_any_more_is_removed(self):
        self.backend.action_repair_webhooks()
        less = {"webhooks": {"order.created": "Orders"}, "__module__": __name__}
        with extending(webshop, type("Less", (ShopWebhook,), less)):
            self.backend.action_repair_webhooks()
        self.assertEqual(self.states(), {"order.created": "registered"})
        self.assertEqual([topic for topic, _address in self.registered()], ["order.created"])

    def test_when_the_backend_is_archived_its_webhooks_are_removed(self):
        self.backend.action_repair_webhooks()
        self.add_hook("order.created", OTHERS)
        self.archive()
        self.assertEqual(self.registered(), [("order.created", OTHERS)])
        self.assertEqual(self.states(), {"order.created": "elsewhere", "order.changed": "missing"})

    def test_repair_of_an_archived_backend_removes_what_was_left(self):
        self.backend.action_repair_webhooks()
        self.backend.active = False
        self.env.flush_all()
        self.backend.action_repair_webhooks()
        self.assertEqual(self.hooks, {})
        self.assertEqual(set(self.states().values()), {"missing"})

    def test_one_webhook_that_cannot_be_removed_keeps_no_other_one(self):
        self.backend.action_repair_webhooks()
        first = min(self.hooks)
        forbidden = lambda request: request.method == "DELETE" and request.path.endswith(f"/{first}")  # noqa: E731
        answer = self.answer
        self.answers = lambda request: Answer({"message": "kept"}, 403) if forbidden(request) else answer(request)
        with mute_logger("odoo.addons.connector.models.connector_backend_webhook"):
            self.archive()
        self.assertEqual(list(self.hooks), [first])
        self.env.invalidate_all()
        self.assertIn("kept", self.backend.message_ids[0].body)

    def test_a_backend_that_is_archived_and_deleted_at_once_leaves_no_error(self):
        self.backend.action_repair_webhooks()
        self.backend.active = False
        self.backend.unlink()
        self.env.flush_all()
        self.env.cr.postcommit.run()

    def test_a_backend_that_never_had_webhooks_asks_for_nothing_when_it_is_archived(self):
        self.backend.stored_webhook_token = False
        self.archive()
        self.assertEqual(self.server.requests, [])

    @mute_logger("odoo.addons.connector.models.connector_backend_webhook")
    def test_a_system_that_refuses_does_not_keep_a_backend_from_being_archived(self):
        self.backend.action_repair_webhooks()
        self.is_down = True
        self.archive()
        self.env.invalidate_all()
        self.assertFalse(self.backend.active)
        self.assertIn("could not be removed", self.backend.message_ids[0].body)

    def test_what_the_system_refuses_is_told_to_the_user(self):
        self.is_down = True
        for action in (self.backend.action_repair_webhooks, self.backend.action_check_webhooks):
            with self.assertRaisesRegex(UserError, "no right to webhooks"):
                action()

    def test_a_copy_of_the_database_changes_no_webhooks(self):
        self.backend.action_repair_webhooks()
        self.env["ir.config_parameter"].set_param("jobs_queue.database", "neutralized")
        self.env.flush_all()
        asked = len(self.server.requests)
        with self.assertRaisesRegex(UserError, "This database is a copy"):
            self.backend.action_repair_webhooks()
        self.archive()
        self.assertEqual(len(self.server.requests), asked)
        self.assertEqual(len(self.hooks), 2)

    def test_a_backend_to_which_the_system_sends_has_to_be_archived_before_it_is_deleted(self):
        self.backend.action_repair_webhooks()
        with self.assertRaisesRegex(UserError, "Archive Test Shop first"):
            self.backend.unlink()
        self.archive()
        self.env.invalidate_all()
        backend = self.backend.id
        self.backend.unlink()
        self.assertFalse(self.env["connector.webhook.topic"].search([("backend_id", "=", backend)]))

    def test_a_receiver_with_topics_and_without_their_methods_says_which_it_needs(self):
        bare = {"list_webhooks": ShopWebhook.list_webhooks, "__module__": __name__}
        with (
            extending(webshop, type("Bare", (ShopWebhook,), bare)),
            self.assertRaisesRegex(NotImplementedError, "needs list_webhooks"),
        ):
            self.backend.action_check_webhooks()
