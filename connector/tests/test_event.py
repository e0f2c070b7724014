from unittest.mock import patch

from odoo.modules import module as odoo_module
from odoo.tests import TransactionCase

from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.tests.registering import register_as

from ..event import Event, on_record_change, on_record_create, on_record_unlink, on_record_write
from ..models import base


class EventCase(TransactionCase):
    def setUp(self):
        super().setUp()
        self.calls = []
        self.session = ConnectorSession.from_env(self.env)

    def consumer(self, name="consumer"):
        """Return a new consumer that notes its calls."""

        def consume(session, model_name, *args):
            self.calls.append((name, model_name, *args))

        consume.__qualname__ = name
        return consume

    def subscribe(self, event, consumer, **kwargs):
        """Subscribe until the end of the test."""
        event.subscribe(consumer, **kwargs)
        self.addCleanup(self.unsubscribe, event, consumer, kwargs.get("model_names"))

    def unsubscribe(self, event, consumer, model_names):
        event.unsubscribe(consumer, model_names)  # called from here, as the addon that has subscribed


class TestEvent(EventCase):
    def setUp(self):
        super().setUp()
        self.event = Event()

    def fired(self, model_name="res.partner"):
        """Return the names of the consumers that are called, in their order."""
        self.calls.clear()
        self.event.fire(self.session, model_name)
        return [call[0] for call in self.calls]

    def test_a_consumer_gets_what_the_event_is_fired_with(self):
        self.event.subscribe(self.consumer())
        self.event.fire(self.session, "res.partner", 42, {"name": "x"})
        self.assertEqual(self.calls, [("consumer", "res.partner", 42, {"name": "x"})])

    def test_a_decorator_subscribes_with_and_without_parentheses(self):
        self.event(self.consumer("bare"))
        self.event()(self.consumer("empty"))
        self.event(model_names="res.partner")(self.consumer("filtered"))
        self.assertEqual(self.fired(), ["bare", "empty", "filtered"])

    def test_a_consumer_that_does_not_take_what_the_event_tells_is_refused_when_it_subscribes(self):
        def consume(session):
            """Take too little."""

        for event, told in ((on_record_write, "record_id, vals"), (on_record_change, "record_id, change")):
            with self.assertRaisesRegex(TypeError, rf"consume is called with \(session, model_name, {told}\), which"):
                event.subscribe(consume, model_names="res.partner")

    def test_a_record_is_no_name_of_a_model(self):
        with self.assertRaisesRegex(TypeError, r"Names are texts, not res\.users"):
            self.event.subscribe(self.consumer(), model_names=self.env.user)

    def test_a_decorated_function_stays_what_it_is(self):
        consumer = self.consumer()
        self.assertIs(self.event(model_names=["res.partner"])(consumer), consumer)

    def test_a_consumer_of_some_models_is_not_called_for_others(self):
        self.event.subscribe(self.consumer(), model_names=["res.partner", "res.users"])
        self.assertEqual((self.fired("res.users"), self.fired("res.company")), (["consumer"], []))

    def test_one_model_name_as_text_is_not_taken_for_letters_or_parts(self):
        self.event.subscribe(self.consumer(), model_names="res.partner")
        self.assertEqual((self.fired("res.partner"), self.fired("res"), self.fired("r")), (["consumer"], [], []))

    def test_a_model_name_given_in_the_place_of_the_consumer_is_refused(self):
        with self.assertRaisesRegex(TypeError, "model_names="):
            self.event("res.partner")

    def test_consumers_of_one_addon_are_called_in_the_order_of_subscription(self):
        for name in "abc":
            self.event.subscribe(self.consumer(name))
        self.assertEqual(self.fired(), ["a", "b", "c"])

    def test_consumers_of_an_addon_come_after_those_of_the_addons_it_depends_on(self):
        register_as("connector", self.event.subscribe, self.consumer("connector"))
        register_as("mail", self.event.subscribe, self.consumer("mail"))
        register_as("base", self.event.subscribe, self.consumer("base"))
        self.assertEqual(self.fired(), ["base", "mail", "connector"])

    def test_a_consumer_that_is_subscribed_twice_is_called_once(self):
        consumer = self.consumer()
        self.event.subscribe(consumer)
        self.event.subscribe(consumer, model_names="res.partner")
        self.assertEqual(self.fired(), ["consumer"])

    def test_a_replaced_consumer_is_not_called(self):
        old = self.consumer("old")
        self.event.subscribe(old)
        self.event.subscribe(self.consumer("new"), replacing=old)
        self.assertEqual(self.fired(), ["new"])

    def test_a_replacement_of_a_replacement_is_the_one_that_is_called(self):
        first, second = self.consumer("first"), self.consumer("second")
        self.event.subscribe(first)
        self.event.subscribe(second, replacing=first)
        self.event.subscribe(self.consumer("third"), replacing=second)
        self.assertEqual(self.fired(), ["third"])

    def test_a_consumer_that_is_replaced_for_a_model_is_still_called_for_the_others(self):
        old = self.consumer("old")
        self.event.subscribe(old)
        self.event.subscribe(self.consumer("new"), model_names="res.partner", replacing=old)
        self.assertEqual((self.fired("res.partner"), self.fired("res.users")), (["new"], ["old"]))

    def test_replacing_what_is_not_subscribed_is_refused_by_name(self):
        with self.assertRaisesRegex(ValueError, "test_event.stranger is not subscribed"):
            self.event.subscribe(self.consumer(), replacing=self.consumer("stranger"))

    def test_an_unsubscribed_consumer_is_not_called(self):
        consumer = self.consumer()
        self.event.subscribe(consumer)
        self.event.unsubscribe(consumer)
        self.assertEqual(self.fired(), [])

    def test_a_consumer_can_be_unsubscribed_for_one_of_its_models(self):
        consumer = self.consumer()
        self.event.subscribe(consumer, model_names=["res.partner", "res.users"])
        self.event.unsubscribe(consumer, model_names="res.users")
        self.assertEqual((self.fired("res.partner"), self.fired("res.users")), (["consumer"], []))

    def test_a_consumer_can_be_subscribed_again(self):
        consumer = self.consumer()
        self.event.subscribe(consumer)
        self.event.unsubscribe(consumer)
        self.event.subscribe(consumer)
        self.assertEqual(self.fired(), ["consumer"])

    def test_unsubscribing_what_is_not_subscribed_is_refused_by_name(self):
        with self.assertRaisesRegex(ValueError, "test_event.stranger is not subscribed"):
            self.event.unsubscribe(self.consumer("stranger"))

    def test_a_consumer_of_an_addon_that_is_not_installed_is_not_called(self):
        register_as("not_installed", self.event.subscribe, self.consumer())
        self.assertEqual(self.fired(), [])
        self.assertFalse(self.event.has_consumer_for(self.session, "res.partner"))

    def test_what_an_addon_that_is_not_installed_replaces_is_called(self):
        old = self.consumer("old")
        self.event.subscribe(old)
        register_as("not_installed", self.event.subscribe, self.consumer("new"), replacing=old)
        self.assertEqual(self.fired(), ["old"])

    def test_what_an_addon_that_is_not_installed_unsubscribes_is_called(self):
        consumer = self.consumer()
        self.event.subscribe(consumer)
        register_as("not_installed", self.event.unsubscribe, consumer)
        self.assertEqual(self.fired(), ["consumer"])

    def test_what_another_installed_addon_unsubscribes_is_not_called(self):
        consumer = self.consumer()
        register_as("base", self.event.subscribe, consumer)
        register_as("mail", self.event.unsubscribe, consumer)
        self.assertEqual(self.fired(), [])

    def test_what_an_addon_unsubscribed_it_can_subscribe_again(self):
        consumer = self.consumer()
        register_as("base", self.event.subscribe, consumer)
        register_as("mail", self.event.unsubscribe, consumer)
        register_as("mail", self.event.subscribe, consumer)
        self.assertEqual(self.fired(), ["consumer"])

    def test_the_subscription_of_a_function_of_another_addon_is_the_subscribers(self):
        consumer = self.consumer()
        consumer.__module__ = "odoo.addons.base"
        register_as("not_installed", self.event.subscribe, consumer)
        self.assertEqual(self.fired(), [])

    def test_a_consumer_that_is_subscribed_later_is_called_from_then_on(self):
        self.assertEqual(self.fired(), [])
        self.event.subscribe(self.consumer())
        self.assertEqual(self.fired(), ["consumer"])

    def test_an_error_of_a_consumer_reaches_the_caller(self):
        def fail(session, model_name):
            raise ZeroDivisionError

        self.event.subscribe(fail)
        with self.assertRaises(ZeroDivisionError):
            self.event.fire(self.session, "res.partner")

    def test_consumers_are_found_once_per_registry_and_model(self):
        self.patch(self.registry, "ready", True)
        self.event.subscribe(self.consumer())
        with patch.object(self.event, "_find_subscriptions", wraps=self.event._find_subscriptions) as find:
            self.assertEqual((self.fired(), self.fired(), self.fired("res.users")), (["consumer"],) * 3)
        self.assertEqual(find.call_count, 2)

    def test_nobody_is_called_while_the_registry_is_being_loaded(self):
        self.event.subscribe(self.consumer())
        self.patch(self.registry, "ready", False)
        with patch.object(odoo_module, "current_test", None):
            self.assertEqual(self.fired(), [])
            self.assertFalse(self.event.has_consumer_for(self.session, "res.partner"))

    def test_a_test_that_runs_while_the_registry_is_being_loaded_sees_events(self):
        self.event.subscribe(self.consumer())
        self.patch(self.registry, "ready", False)
        with patch.object(odoo_module, "current_test", self):
            self.assertEqual(self.fired(), ["consumer"])


class TestRecordEvents(EventCase):
    def test_creating_several_records_fires_for_each_with_its_own_values(self):
        self.subscribe(on_record_create, self.consumer(), model_names="res.partner.category")
        a, b = self.env["res.partner.category"].create([{"name": "a"}, {"name": "b", "color": 3}])
        self.assertEqual(
            self.calls,
            [("consumer", a._name, a.id, {"name": "a"}), ("consumer", b._name, b.id, {"name": "b", "color": 3})],
        )

    def test_writing_several_records_fires_for_each(self):
        tags = self.env["res.partner.category"].create([{"name": "a"}, {"name": "b"}])
        self.subscribe(on_record_write, self.consumer(), model_names=["res.partner.category"])
        tags.write({"color": 5})
        self.assertEqual(self.calls, [("consumer", tags._name, tag.id, {"color": 5}) for tag in tags])

    def test_a_stored_field_that_is_computed_anew_fires_no_event_of_its_own(self):
        company = self.env["res.partner"].create({"name": "Engines"})
        contact = self.env["res.partner"].create({"name": "Ada", "parent_id": company.id})
        self.subscribe(on_record_write, self.consumer(), model_names="res.partner")
        company.name = "Analytical Engines"
        self.env.flush_all()
        self.assertEqual(contact.complete_name, "Analytical Engines, Ada")
        self.assertEqual({name for *_record, vals in self.calls for name in vals}, {"name"})

    def test_a_consumer_that_changes_the_values_changes_them_for_no_other_record(self):
        tags = self.env["res.partner.category"].create([{"name": "a"}, {"name": "b"}])
        seen = []

        def consume(session, model_name, record_id, vals):
            seen.append(dict(vals))
            vals.clear()

        self.subscribe(on_record_write, consume, model_names="res.partner.category")
        tags.write({"color": 5})
        self.assertEqual(seen, [{"color": 5}, {"color": 5}])

    def test_an_assignment_fires_like_a_write(self):
        tag = self.env["res.partner.category"].create({"name": "a"})
        self.subscribe(on_record_write, self.consumer(), model_names="res.partner.category")
        tag.color = 7
        self.assertEqual(self.calls, [("consumer", tag._name, tag.id, {"color": 7})])

    def test_writing_on_a_record_that_is_not_saved_fires_nothing(self):
        self.subscribe(on_record_write, self.consumer(), model_names="res.partner.category")
        self.env["res.partner.category"].new({"name": "a"}).write({"color": 5})
        self.assertEqual(self.calls, [])

    def test_a_record_still_exists_when_its_deletion_is_announced(self):
        tag = self.env["res.partner.category"].create({"name": "a"})
        names = []

        def consume(session, model_name, record_id):
            names.append(session.env[model_name].browse(record_id).name)

        self.subscribe(on_record_unlink, consume, model_names="res.partner.category")
        tag.unlink()
        self.assertEqual(names, ["a"])

    def test_deleting_several_records_fires_for_each(self):
        tags = self.env["res.partner.category"].create([{"name": "a"}, {"name": "b"}])
        self.subscribe(on_record_unlink, self.consumer(), model_names="res.partner.category")
        tags.unlink()
        self.assertEqual(self.calls, [("consumer", tags._name, tag.id) for tag in tags])

    def test_an_event_without_models_is_fired_for_every_model(self):
        self.subscribe(on_record_create, self.consumer())
        tag = self.env["res.partner.category"].create({"name": "a"})
        self.assertIn(("consumer", tag._name, tag.id, {"name": "a"}), self.calls)

    def test_consumers_work_as_the_user_and_in_the_context_of_the_change(self):
        tag = self.env["res.partner.category"].create({"name": "a"})
        admin = self.env.ref("base.user_admin")
        seen = []
        self.subscribe(
            on_record_write,
            lambda session, model_name, record_id, vals: seen.append((session.uid, session.context.get("why"))),
            model_names="res.partner.category",
        )
        tag.with_user(admin).with_context(why="test").write({"color": 5})
        self.assertEqual(seen, [(admin.id, "test")])

    def test_an_error_of_a_consumer_aborts_the_change(self):
        def fail(session, model_name, record_id, vals):
            raise ZeroDivisionError

        tag = self.env["res.partner.category"].create({"name": "a"})
        self.subscribe(on_record_write, fail, model_names="res.partner.category")
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            tag.color = 99
        self.assertNotEqual(tag.color, 99)

    def test_no_connector_export_does_not_stop_events(self):
        self.subscribe(on_record_create, self.consumer(), model_names="res.partner.category")
        self.env["res.partner.category"].with_context(no_connector_export=True).create({"name": "a"})
        self.assertEqual(len(self.calls), 1)

    def test_events_are_not_fired_for_every_record_of_every_model(self):
        """One look-up of listeners per method, for any number of records.

        Where nobody listens, that is all.
        """
        self.subscribe(on_record_write, self.consumer(), model_names="res.users")
        with (
            patch.object(base, "listeners", wraps=base.listeners) as asked,
            patch.object(Event, "fire", side_effect=AssertionError),
        ):
            tags = self.env["res.partner.category"].create([{"name": str(number)} for number in range(10)])
            tags.write({"color": 5})
            tags.unlink()
        of_tags = [call for call in asked.call_args_list if call.args[1] == tags._name]
        self.assertEqual(len(of_tags), 3)

    def test_a_model_without_consumers_opens_no_session(self):
        self.subscribe(on_record_write, self.consumer(), model_names="res.users")
        with patch.object(base, "ConnectorSession") as session:
            tag = self.env["res.partner.category"].create({"name": "a"})
            tag.color = 5
            tag.unlink()
        session.from_env.assert_not_called()
