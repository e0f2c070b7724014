"""What a manager of one company cannot reach of another one, by whatever way he writes."""

from psycopg2.errors import NotNullViolation

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.models.connector_backend import _LEFT_BEHIND
from odoo.addons.connector.testing import Roles
from odoo.addons.connector.unit.checkpoint import add_checkpoint

from .common import ShopCase


class TwoCompaniesCase(Roles, ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.theirs = cls.env["test.shop.backend"].create({"name": "Theirs", "company_id": cls.elsewhere.id})
        cls.tag = cls.env["test.shop.tag"].create({"backend_id": cls.backend.id, "name": "Tag"})

    def as_manager(self, records):
        return records.with_user(self.manager).with_context(allowed_company_ids=self.manager.company_ids.ids)


class TestAfterAWrite(TwoCompaniesCase):
    def setUp(self):
        super().setUp()
        self.binding = self.as_manager(self.partner())

    def test_s1_a_binding_is_not_moved_to_the_backend_of_another_company(self):
        # each way in which a client writes
        values = {"backend_id": self.theirs.id}
        tries = {
            "write": lambda: self.binding.write(values),
            "web_save": lambda: self.binding.web_save(values, {}),
            "create": lambda: self.binding.create({"odoo_id": self.binding.odoo_id.id, **values}),
            "copy": lambda: self.binding.copy(values),
            "name_create": lambda: self.binding.with_context(default_backend_id=self.theirs.id).name_create("Ada"),
            "load": lambda: self._load(["name", "backend_id/.id"], ["Ada", str(self.theirs.id)]),
            "load on": lambda: self._load([".id", "backend_id/.id"], [str(self.binding.id), str(self.theirs.id)]),
        }
        jobs = self.env["queue.job"].search_count([])
        for name, attempt in tries.items():
            with self.subTest(name), self.assertRefused():
                attempt()
        self.binding.invalidate_recordset()
        self.assertEqual(self.binding.backend_id, self.backend)
        self.assertEqual(self.env["queue.job"].search_count([]), jobs)

    def _load(self, names, row):
        loaded = self.binding.load(names, [row])
        if not loaded["ids"]:
            raise AccessError(str(loaded["messages"]))

    def test_s1_a_binding_that_has_no_rule_is_not_moved_there_either(self):
        tag = self.as_manager(self.tag)
        with self.assertRefused():
            tag.backend_id = self.theirs.id
        with self.assertRefused():
            tag.create({"name": "New", "backend_id": self.theirs.id})

    def test_s1_a_backend_is_not_given_to_another_company(self):
        backend = self.as_manager(self.backend)
        for name, attempt in {
            "write": lambda: backend.write({"company_id": self.elsewhere.id}),
            "web_save": lambda: backend.web_save({"company_id": self.elsewhere.id}, {}),
            "create": lambda: backend.create({"name": "New", "company_id": self.elsewhere.id}),
            "copy": lambda: backend.copy({"company_id": self.elsewhere.id}),
        }.items():
            with self.subTest(name), self.assertRefused():
                attempt()

    def test_s1_a_record_is_not_pointed_to_what_its_user_may_not_read(self):
        partner = self.env["res.partner"].create({"name": "Of theirs", "company_id": self.elsewhere.id})
        with self.assertRefused():
            self.binding.odoo_id = partner.id
        with self.assertRefused():
            self.binding.create({"backend_id": self.backend.id, "odoo_id": partner.id})

    def test_s1_what_belongs_to_another_backend_does_not_come_by_a_list_of_ones_own(self):
        self.env["connector.watermark"].move(self.theirs, "test.shop.partner", "7")
        theirs = self.theirs.watermark_ids
        for command in (
            Command.link(theirs.id),
            Command.update(theirs.id, {"value": "1"}),
            Command.delete(theirs.id),
            Command.create({"value": "1"}),
        ):
            with self.subTest(command), self.assertRefused():
                self.as_manager(self.backend).write({"watermark_ids": [command]})
        self.assertEqual((theirs.value, theirs.backend_id), ("7", self.theirs.id))

    def test_s1_a_binding_of_another_company_is_not_taken(self):
        theirs = self.as_manager(self.partner(backend_id=self.theirs.id))
        for values in ({"odoo_id": self.binding.odoo_id.id}, {"backend_id": self.backend.id}):
            with self.subTest(values), self.assertRefused():
                theirs.write(values)

    def test_s1_who_sees_both_companies_moves_what_he_likes(self):
        self.manager.company_ids += self.elsewhere
        self.binding.with_context(allowed_company_ids=self.manager.company_ids.ids).backend_id = self.theirs.id
        self.assertEqual(self.binding.backend_id, self.theirs)

    def test_s1_a_watermark_stays_that_of_its_backend(self):
        self.env["connector.watermark"].move(self.backend, "test.shop.partner", "7")
        watermark = self.as_manager(self.backend.watermark_ids)
        for values in (
            {"backend_id": self.theirs.id},
            {"backend_model": "other.backend"},
            {"company_id": False},
            {"model_name": "test.shop.tag"},
            {"value": "8", "direction": "export"},
        ):
            with self.subTest(values), self.assertRefused("written by code alone"):
                watermark.write(values)
        watermark.value = "8"
        self.assertEqual(watermark.value, "8")

    def test_s1_what_a_backend_leaves_behind_goes_with_it_to_another_company(self):
        reference = {"backend_id": f"{self.backend._name},{self.backend.id}", "company_id": self.backend.company_id.id}
        other = self.env["test.shop.backend"].create({"name": "Another"})
        self.env["connector.watermark"].move(self.backend, "test.shop.partner", "7")
        left_behind = {
            "connector.checkpoint": add_checkpoint(self.session, *self.backend_and_id(), self.backend, "Look"),
            "connector.exchange": self.env["connector.exchange"].create(
                {**reference, "method": "GET", "url": "http://x"}
            ),
            "connector.export.intent": self.env["connector.export.intent"]._declare(
                self.binding.sudo(), self.backend, "key"
            ),
            "connector.webhook.delivery": self.env["connector.webhook.delivery"].create({**reference, "topic": "page"}),
            "connector.watermark": self.backend.watermark_ids,
            "connector.webhook.topic": self.env["connector.webhook.topic"].create(
                {
                    "backend_model": self.backend._name,
                    "backend_id": self.backend.id,
                    "company_id": self.backend.company_id.id,
                    "topic": "page",
                }
            ),
        }
        foreign = add_checkpoint(self.session, other._name, other.id, other, "Look")
        for company in (self.elsewhere, self.env["res.company"], self.env.company):
            self.backend.company_id = company
            for model_name, record in left_behind.items():
                with self.subTest(model_name, company=company.name):
                    self.assertEqual(record.company_id, company)
                    seen = self.as_manager(self.env[model_name]).search([("id", "=", record.id)])
                    self.assertEqual(bool(seen), company != self.elsewhere)
        self.assertEqual(foreign.company_id, self.env.company)

    def test_s1_what_was_left_behind_before_goes_with_it_at_the_update(self):
        checkpoint = add_checkpoint(self.session, *self.backend_and_id(), self.backend, "Look")
        checkpoint.company_id = self.elsewhere
        self.patch(self.env.registry, "updated_modules", ["connector"])
        self.backend.browse()._register_hook()
        self.assertEqual(checkpoint.company_id, self.backend.company_id)

    def backend_and_id(self):
        return self.backend._name, self.backend.id

    def test_s1_each_model_that_refers_to_backends_goes_with_them(self):
        self.assertEqual(
            {
                name
                for name, model in self.env.registry.items()
                if model._original_module == "connector"
                and not (model._abstract or model._transient)
                and "backend_id" in model._fields
                and "company_id" in model._fields
                and model._fields["company_id"].store
            },
            {
                *_LEFT_BEHIND,
                "connector.flow",
                "connector.flow.policy",
                "connector.listing",
                "connector.match",
                "connector.watermark",
                "connector.webhook.topic",
            },
        )

    def test_s1_a_watermark_is_written_by_who_may_write_its_backend(self):
        self.env["connector.watermark"].move(self.theirs, "test.shop.partner", "7")
        watermark = self.theirs.watermark_ids
        for company in (self.backend.company_id, self.env["res.company"]):  # as one that was left behind
            watermark.company_id = company
            with self.subTest(company=company.name), self.assertRefused():
                self.as_manager(watermark).value = "1"
        self.assertEqual(watermark.value, "7")

    def test_s1_a_backend_keeps_the_channel_that_was_made_for_it(self):
        root = self.env.ref("jobs_queue.channel_root")
        for channel in (root, self.theirs.channel_id):
            with self.assertRefused("written by code alone"):
                self.as_manager(self.backend).channel_id = channel.id
        created = self.as_manager(self.backend).create({"name": "New", "channel_id": root.id})
        self.assertEqual(created.channel_id.name, f"new-{created.id}")


class TestValuesOfCode(TwoCompaniesCase):
    def ways(self, model, values, **forged):
        """Return the ways to create a record with values that code alone writes."""
        defaults = {f"default_{name}": value for name, value in forged.items()}
        return {
            "create": lambda: model.create({**values, **forged}),
            "web_save": lambda: model.browse(model.web_save({**values, **forged}, {})[0]["id"]),
            "default": lambda: model.with_context(**defaults).create(values),
            "load": lambda: model.browse(
                model.load(
                    [*values, *(f"{name}/.id" for name in forged)], [[*values.values(), *map(str, forged.values())]]
                )["ids"]
            ),
        }

    def test_s1_a_new_record_has_nothing_that_code_alone_writes(self):
        backends = self.as_manager(self.backend.browse())
        self.patch(type(backends), "_create_channel", lambda backend: None)
        for name, create in self.ways(backends, {"name": "New"}, channel_id=self.backend.channel_id.id).items():
            with self.subTest(name):
                record = create()
                self.assertTrue(record)
                self.assertFalse(record.channel_id)

    def test_s1_nor_has_a_new_channel_another_company_than_the_one_above_it(self):
        below = self.as_manager(self.backend.channel_id)
        self.manager.company_ids += self.elsewhere
        for number, way in enumerate(("create", "web_save", "default")):
            values = {"name": f"new {number}", "parent_id": below.id}
            with self.subTest(way):
                record = self.ways(below.browse(), values, company_id=self.elsewhere.id)[way]()
                self.assertEqual(record.company_id, self.backend.company_id)

    def test_s1_a_new_watermark_has_none_either_whoever_gets_the_right_to_create_one(self):
        access = self.env["ir.model.access"].search([("model_id.model", "=", "connector.watermark")])
        access.perm_create = True
        values = {"backend_model": self.theirs._name, "backend_id": self.theirs.id, "model_name": "test.shop.partner"}
        with self.assertRaises(NotNullViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.as_manager(self.env["connector.watermark"]).create({**values, "value": "1"})


class TestChannels(TwoCompaniesCase):
    def setUp(self):
        super().setUp()
        self.ours, self.foreign = self.as_manager(self.backend.channel_id), self.as_manager(self.theirs.channel_id)

    def test_s8_the_channel_of_a_backend_has_its_company(self):
        self.assertEqual(self.backend.channel_id.company_id, self.backend.company_id)
        self.assertEqual(self.theirs.channel_id.company_id, self.elsewhere)
        self.theirs.company_id = False
        self.assertFalse(self.theirs.channel_id.company_id)

    def test_s8_the_channel_of_an_older_backend_gets_it_with_the_update(self):
        channel = self.theirs.channel_id
        channel.company_id = False
        self.patch(self.env.registry, "updated_modules", ["connector"])
        self.theirs.browse()._register_hook()
        self.assertEqual(channel.company_id, self.elsewhere)

    def test_s8_the_channels_below_it_have_it_too(self):
        channel = self.ours.create({"name": "images", "parent_id": self.ours.id})
        self.assertEqual(channel.company_id, self.backend.company_id)
        self.backend.company_id = self.elsewhere
        self.assertEqual(channel.company_id, self.elsewhere)

    def test_s8_a_manager_neither_sees_nor_stops_the_channel_of_another_company(self):
        self.assertFalse(self.foreign.search([("complete_name", "like", "theirs")]))
        for name, attempt in {
            "read": lambda: self.foreign.read(["name"]),
            "pause": self.foreign.action_pause,
            "resume": self.foreign.action_resume,
            "slow": lambda: self.foreign.write({"capacity": 1}),
            "rate": lambda: self.foreign.write({"rate": 1, "rate_period": 3600}),
            "weight": lambda: self.foreign.write({"weight": 1}),
            "create below": lambda: self.foreign.create({"name": "mine", "parent_id": self.foreign.id}),
            "move below": lambda: self.ours.write({"parent_id": self.foreign.id}),
            "give away": lambda: self.ours.write({"company_id": self.elsewhere.id}),
            "share": lambda: self.ours.write({"company_id": False}),
            "delete": self.foreign.unlink,
            "copy": lambda: self.foreign.copy({"name": "mine"}),
        }.items():
            with self.subTest(name), self.assertRefused():
                attempt()
        self.assertTrue(self.ours.search([("id", "=", self.ours.id)]))

    def test_s8_nor_what_holds_it(self):
        for channel in (self.backend.channel_id, self.theirs.channel_id):
            self.env["queue.job.channel.hold"].create({"channel_id": channel.id, "holder": "busy", "reason": "Wait"})
        holds = self.env["queue.job.channel.hold"].with_user(self.manager).search([])
        self.assertEqual(holds.channel_id.ids, self.ours.ids)

    def test_s8_channels_that_all_share_stay_so(self):
        service = self.as_manager(self.backend.channel_id.parent_id)
        self.assertFalse(service.company_id)
        self.manager.group_ids += self.env.ref("base.group_system")
        with self.assertRefused("written by code alone"):
            service.company_id = self.manager.company_id.id
        with self.assertRaisesRegex(ValidationError, "for the company"):
            shared = self.env["queue.job.channel"].create({"name": "shared", "parent_id": service.parent_id.id})
            shared.parent_id = self.ours.id

    def test_s8_what_all_companies_share_is_changed_by_who_may_speak_for_all(self):
        service = self.backend.channel_id.parent_id
        function = self.env["queue.job.function"].search([], limit=1)
        administrator = new_test_user(self.env, "administrator", "base.group_system,connector.group_connector_manager")
        of_all = new_test_user(
            self.env,
            "manager of all",
            "connector.group_connector_manager",
            company_ids=self.env["res.company"].search([]).ids,
        )

        def attempts(user):
            channel = service.with_user(user)
            return {
                "pause": channel.action_pause,
                "resume": channel.action_resume,
                "slow": lambda: channel.write({"capacity": 1}),
                "web_save": lambda: channel.web_save({"weight": 7}, {}),
                "create": lambda: channel.create({"name": f"of {user.id}", "parent_id": service.id}),
                "delete": lambda: channel.search([("name", "=", f"of {user.id}")]).unlink(),
                "tries": lambda: function.with_user(user).write({"max_retries": 1}),
                "seconds": lambda: function.with_user(user).write({"time_limit": 1}),
                "jobs at once": lambda: function.with_user(user).write({"concurrency_limit": 1}),
            }

        for name, attempt in attempts(self.manager).items():
            if name != "delete":
                with self.subTest(name), self.assertRefused("All companies share.*Elsewhere"):
                    attempt()
        with self.assertRefused("All companies share"):
            service.create({"name": "empty", "parent_id": service.id}).with_user(self.manager).unlink()
        for user in (administrator, of_all):
            for name, attempt in attempts(user).items():
                with self.subTest(name, user=user.login):
                    attempt()

    def test_s8_where_there_is_one_company_its_managers_change_all(self):
        one = self.env.company
        self.patch(type(one), "search", lambda companies, *args, **kwargs: one.with_env(companies.env))
        service = self.as_manager(self.backend.channel_id.parent_id)
        service.action_pause()
        self.assertTrue(service.is_paused)

    def test_s8_nobody_makes_the_jobs_of_all_go_through_the_channel_of_a_company(self):
        function = self.as_manager(self.env["queue.job.function"].search([], limit=1))
        self.manager.group_ids += self.env.ref("base.group_system")
        with self.assertRefused():
            function.channel_id = self.foreign.id
        with self.assertRaisesRegex(ValidationError, "a job function is for all"):
            function.channel_id = self.ours.id

    def test_s8_why_a_job_waits_is_told_whoever_may_see_the_channel(self):
        self.theirs.channel_id.is_paused = True
        job = self.env["queue.job"].new({"state": "pending", "channel_id": self.theirs.channel_id.id})
        self.assertIn("paused", job.with_user(self.manager)._wait_reason())


class TestTheFormOfAChannel(TwoCompaniesCase):
    def test_s8_a_manager_creates_a_channel_on_the_screen(self):
        form = Form(
            self.as_manager(self.env["queue.job.channel"]).with_context(default_parent_id=self.backend.channel_id.id)
        )
        form.name = "images"
        self.assertEqual(form.save().company_id, self.backend.company_id)


class TestDialogs(TwoCompaniesCase):
    def test_each_dialog_is_read_by_who_has_opened_it_alone(self):
        dialogs = [
            name
            for name, model in self.env.items()
            if model._transient and model._original_module == "connector" and not model._abstract
        ]
        self.assertIn("connector.find.line", dialogs)
        for name in dialogs:
            rules = self.env["ir.rule"].search([("model_id.model", "=", name)])
            self.assertEqual(rules.mapped("domain_force"), ["[('create_uid', '=', user.id)]"], name)

    def test_what_somebody_has_found_is_not_read_by_others(self):
        find = self.as_manager(self.env["connector.find"]).create(
            {"backend_id": f"{self.backend._name},{self.backend.id}", "number": "100042"}
        )
        other = new_test_user(self.env, "other", "connector.group_connector_manager")
        self.assertTrue(find.number)
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_rule"):
            find.with_user(other).read(["number"])
