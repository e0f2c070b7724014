"""Schedules that belong to a record: its code writes them, people see and run them."""

import logging
from datetime import datetime

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.graph import barrier
from odoo.addons.jobs_queue.models import queue_job_schedule_owner

from . import test_schedule
from .test_schedule import NAME, NAME_OF_BACKEND


class OwnerCase(test_schedule.ScheduleCase):
    def setUp(self):
        super().setUp()
        self.owner = self.env["res.partner"].create({"name": "Berlin"})
        self.schedules = self.env["queue.job.schedule"]

    def own(self, at="2027-01-10 10:00:00", expression="0 * * * *", owner=None, timezone="UTC", **changed):
        """Write the schedule of the owner at a time, in UTC."""
        values = {"name": "Orders", "function": NAME, "model_name": "res.partner", "arguments": {}, **changed}
        with freeze_time(at):
            schedule = self.schedules._own(owner or self.owner, expression=expression, timezone=timezone, **values)
            schedule.flush_recordset()  # computes the next run
            return schedule


class TestWriting(OwnerCase):
    def test_a_record_has_one_schedule_a_function(self):
        schedule = self.own()
        self.assertEqual(self.own(expression="0 2 * * *", name="All orders"), schedule)
        self.assertEqual((schedule.name, schedule.expression), ("All orders", "0 2 * * *"))
        other = self.own(function=NAME_OF_BACKEND, arguments={"backend_id": 7})
        others = self.own(owner=self.env["res.partner"].create({"name": "Paris"}))
        self.assertEqual(len(schedule | other | others), 3)
        self.assertEqual(self.schedules._of(self.owner), schedule | other)

    @mute_logger("odoo.sql_db")
    def test_no_code_makes_a_second_one(self):
        schedule = self.own()
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            schedule.create(schedule.copy_data({"owner_model": "res.partner", "owner_id": self.owner.id}))

    def test_a_function_that_was_renamed_keeps_its_schedule(self):
        (former,) = barrier.job_options.former_names
        schedule = self.own(function=former)
        self.assertEqual(self.own(function=barrier.job_options.name), schedule)
        self.assertEqual(schedule.function, barrier.job_options.name)

    def test_what_is_not_about_its_times_leaves_the_next_run_and_the_last_job(self):
        schedule = self.own()
        schedule.button_run()
        job, company = schedule.job_id, self.env["res.company"].create({"name": "Shop Ltd"})
        changed = {"name": "All orders", "arguments": {"force": True}, "company": company}
        self.own(at="2027-01-10 11:30:00", **changed)
        self.assertEqual((schedule.name, schedule.arguments), ("All orders", '{"force": true}'))
        self.assertEqual((schedule.company_id, schedule.job_id), (company, job))
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 11))

    def test_what_is_the_same_is_not_written(self):
        schedule = self.own()
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.assertEqual(self.own(at="2027-01-10 10:30:00", timezone=None), schedule)
            self.env.flush_all()

    def test_new_times_give_a_new_next_run(self):
        schedule = self.own()
        self.own(expression="0 6 * * *", timezone="Asia/Kolkata")
        self.assertEqual(schedule.next_run, datetime(2027, 1, 11, 0, 30))

    def test_without_times_it_is_archived_until_there_are_some(self):
        self.assertFalse(self.own(expression=False))
        schedule = self.own()
        self.assertEqual(self.own(expression=False), schedule)
        self.assertEqual((schedule.active, schedule.next_run), (False, False))
        self.assertEqual(self.own(at="2027-01-10 12:00:00"), schedule)
        self.assertEqual((schedule.active, schedule.next_run), (True, datetime(2027, 1, 10, 13)))

    def test_who_may_write_no_schedule_may_change_a_record_that_has_one(self):
        employee = new_test_user(self.env, "employee of Berlin", "base.group_user", tz="Asia/Tokyo")
        self.schedules = self.schedules.with_user(employee)
        self.assertEqual(self.own(timezone=None).timezone, "Asia/Tokyo")

    def test_its_jobs_run_as_superuser_in_the_company(self):
        company = self.env["res.company"].create({"name": "Shop Ltd"})
        schedule = self.own(company=company, arguments={"force": True})
        schedule._run(datetime(2027, 1, 10, 11))
        job = self.run_jobs()
        self.assertDone(job)
        self.assertEqual((job, job.su), (schedule.job_id, True))
        self.assertEqual(test_schedule._runs, [("res.partner", True, SUPERUSER_ID, company.id)])

    def test_bad_input_is_refused_by_name(self):
        for changed, error, message in (
            ({"expression": "61 * * * *"}, ValidationError, "“61 .* of the schedule “Orders”"),
            ({"function": "res.partner.fly"}, ValidationError, "“Orders” cannot run: .*no method “fly”"),
            ({"arguments": {"backend": 1}}, ValidationError, "“Orders” are not those of .*'backend'"),
            ({"arguments": {"force": self.owner}}, TypeError, "res.partner is not JSON serializable"),
        ):
            with self.subTest(changed), self.assertRaisesRegex(error, message), self.env.cr.savepoint():
                self.own(**changed)


class TestRights(OwnerCase):
    def setUp(self):
        super().setUp()
        self.administrator = new_test_user(self.env, "an administrator", "base.group_system,jobs_queue.group_jobs_user")
        self.owned = self.own().with_user(self.administrator)

    @mute_logger("odoo.models.unlink")
    def test_nobody_writes_or_deletes_it(self):
        for what, write in {
            "write": lambda schedule: schedule.write({"expression": "* * * * *"}),
            "save": lambda schedule: schedule.web_save({"name": "Mine"}, {}),
            "take away": lambda schedule: schedule.write({"owner_model": False, "owner_id": False}),
            "translate": lambda schedule: schedule.update_field_translations("name", {"en_US": "Mine"}),
            "archive": lambda schedule: schedule.action_archive(),
            "delete": lambda schedule: schedule.unlink(),
            "copy": lambda schedule: schedule.copy(),
        }.items():
            with self.subTest(what), self.assertRaises(AccessError) as raised:
                write(self.owned)
            if what != "take away":
                self.assertEqual(
                    str(raised.exception), "The schedule “Orders” belongs to “Berlin” (Contact): change it there."
                )

    def test_one_of_several_is_enough_to_refuse(self):
        with self.assertRaisesRegex(AccessError, "“Berlin”"):
            (self.owned | self.owned.create({"name": "Mine", "function": NAME})).write({"active": False})

    def test_who_writes_the_others_runs_it(self):
        self.owned.button_run()
        self.assertEqual((self.owned.job_state, self.owned.job_id.user_id.id), ("pending", SUPERUSER_ID))

    def test_who_does_not_write_the_others_does_not_run_it(self):
        manager = new_test_user(self.env, "jobs manager", "jobs_queue.group_jobs_manager")
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            self.owned.with_user(manager).button_run()

    def test_who_is_not_of_its_company_neither_sees_nor_runs_it(self):
        self.own(company=self.env["res.company"].create({"name": "Shop Ltd"}))
        self.assertFalse(self.owned.search([("id", "=", self.owned.id)]))
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_rule"):
            self.owned.button_run()

    def test_nobody_gives_a_schedule_to_a_record(self):
        place = {"owner_model": "res.partner", "owner_id": self.owner.id}
        values = {"name": "Mine", "function": NAME}
        mine = self.owned.create({**values, **place})
        defaults = {f"default_{name}": value for name, value in place.items()}
        mine |= self.owned.with_context(**defaults).create(values)
        self.assertFalse(any(mine.mapped("owner_model")))
        with self.assertRaisesRegex(AccessError, "written by code alone"):
            mine.write(place)

    def test_the_form_shows_the_owner_and_lets_nothing_be_written(self):
        form = Form(self.owned)
        self.assertEqual(form.owner, f"res.partner,{self.owner.id}")
        for name in ("name", "expression", "timezone", "catch_up", "user_id", "function", "model_name", "arguments"):
            with self.subTest(name), self.assertRaisesRegex(AssertionError, "readonly"):
                form[name] = False
        with Form(self.owned.create({"name": "Mine", "function": NAME})) as form:
            form.name = "Ours"

    def test_the_list_shows_the_owner_of_each(self):
        self.own(owner=self.owner.create({"name": "Paris"}))
        specification = {"owner": {"fields": {"display_name": {}}}}
        records = self.schedules.web_search_read([("owner_model", "!=", False)], specification)["records"]
        self.assertEqual({record["owner"]["display_name"] for record in records}, {"Berlin", "Paris"})


class TestWithoutOwner(OwnerCase):
    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())
        self.env.cr.execute("UPDATE queue_job_schedule SET active = false")
        self.owned = self.own(at="2020-01-01 10:00:00")

    def set_owner_model(self, name):
        """Let the owner be of another model, such as one whose addon was uninstalled."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE queue_job_schedule SET owner_model = %s WHERE id = %s", [name, self.owned.id])
        self.env.invalidate_all()

    def run_due(self):
        self.env.flush_all()
        self.schedules._run_due()
        self.env.invalidate_all()

    def test_the_code_of_an_owner_finds_all_its_schedules(self):
        archived = self.own(function=NAME_OF_BACKEND, arguments={"backend_id": 7})
        archived.active = False
        self.assertEqual(self.schedules._of(self.owner), self.owned | archived)
        self.schedules._of(self.owner).unlink()
        self.assertFalse((self.owned | archived).exists())

    def test_one_whose_owner_was_deleted_is_deleted_when_it_is_due(self):
        id_ = self.owner.id
        self.owner.unlink()
        with self.assertLogs(queue_job_schedule_owner._logger, logging.INFO) as logged:
            self.run_due()
        self.assertIn(f"'Orders' is deleted: its owner res.partner,{id_} does not exist", logged.output[0])
        self.assertFalse(self.owned.exists())
        self.assertFalse(self.delayed_jobs("import_orders"))

    def test_one_whose_owner_s_model_was_uninstalled_is_deleted_when_it_is_due(self):
        self.set_owner_model("shop.flow")
        self.run_due()
        self.assertFalse(self.owned.exists())

    def test_a_model_that_only_this_process_does_not_know_is_not_taken_for_uninstalled(self):
        self.env.cr.execute(
            """INSERT INTO ir_model (model, name, "order", state)
            VALUES ('shop.flow', '{"en_US": "Flow"}', 'id', 'base')"""
        )
        self.set_owner_model("shop.flow")
        self.run_due()
        self.assertEqual(self.owned.job_state, "pending")

    def test_one_that_never_had_an_owner_stays(self):
        schedule = self.schedule("2020-01-01 10:00:00", name="Mine")
        self.run_due()
        self.assertEqual(schedule.job_state, "pending")

    def test_the_screens_show_it_and_let_it_be_deleted(self):
        administrator = new_test_user(self.env, "an administrator", "base.group_system,jobs_queue.group_jobs_user")
        self.set_owner_model("shop.flow")
        schedule = self.owned.with_user(administrator)
        self.assertFalse(schedule.web_read({"owner": {"fields": {"display_name": {}}}})[0]["owner"])
        schedule.unlink()
        self.assertFalse(schedule.exists())
