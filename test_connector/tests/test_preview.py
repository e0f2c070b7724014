"""A preview says what the next import would do, and leaves nothing behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector import ExportFlow, ImportFlow, RecordExporter, add_checkpoint, on_record_change
from odoo.addons.connector.event.notes import take_notes
from odoo.addons.connector.exception import CredentialsRefused, InvalidDataError, NotYet
from odoo.addons.connector.testing import extending
from odoo.addons.connector.unit.importer.batch import BatchImporter
from odoo.addons.connector.unit.importer.preview import ImportPreview
from odoo.addons.jobs_queue.exception import NothingToDoJob
from odoo.addons.jobs_queue.jobs.trap import trapped_jobs

from ..units import PartnerImporter, ShopAdapter, webshop
from .test_flow import PARTNER, TAG, FlowCase


class Matching(PartnerImporter):
    """Matches a new partner by its e-mail address."""

    def _match_key(self):
        mail = self.external_record.get("mail")
        return mail and ("email", mail)


class PreviewCase(FlowCase):
    def preview(self, code="partners"):
        """Press the button, and return the preview."""
        action = self.flow(code).action_preview()
        return self.env[action["res_model"]].browse(action["res_id"])

    def told(self, preview=None):
        """Return what a preview says: a list of (outcome, number, text)."""
        parts = (preview or self.preview()).part_ids
        return [(part.outcome, part.number, part.text) for part in parts]

    def counts(self, preview=None):
        return {part.outcome: part.number for part in (preview or self.preview()).part_ids}

    def lines(self, outcome, preview):
        return preview.part_ids.line_ids.filtered(lambda line: line.outcome == outcome)

    def values(self, lines):
        return {value.field: (value.before or "", value.after or "") for value in lines.value_ids}


class TestWhatItSays(PreviewCase):
    def test_it_says_what_is_new(self):
        self.there(3)
        preview = self.preview()
        self.assertEqual(self.told(preview), [("new", 3, "Would be created here")])
        self.assertEqual(preview.summary, "The next run would import these 3 records.")
        self.assertFalse(preview.stopped)
        self.assertEqual(self.lines("new", preview).mapped("name"), ["Ada 1", "Ada 2", "Ada 3"])
        self.assertEqual(self.values(self.lines("new", preview)[0])["Name"], ("", "Ada 1"))

    def test_it_says_what_is_changed_field_by_field(self):
        self.partner("1", name="Ada", points=3)
        self.partner("2", name="Bob")
        self.shop.add(PARTNER, 1, name="Ada King", points=7, changed="2")
        self.shop.add(PARTNER, 2, name="Bob", changed="2")
        preview = self.preview()
        self.assertEqual(
            self.told(preview),
            [("changed", 1, "Would be changed here: Name (1), Points (1)"), ("unchanged", 1, "Are up to date")],
        )
        self.assertEqual(
            self.values(self.lines("changed", preview)), {"Name": ("Ada", "Ada King"), "Points": ("3", "7")}
        )

    def test_it_says_which_record_matches_and_what_is_written_on_it(self):
        self.enterContext(extending(webshop, Matching))
        ada = self.env["res.partner"].create({"name": "Countess", "email": "ada@example.com"})
        self.shop.add(PARTNER, 1, name="Ada", mail="ada@example.com", changed="1")
        preview = self.preview()
        outcome, number, text = self.told(preview)[0]
        self.assertEqual((outcome, number), ("matched", 1))
        self.assertRegex(text, r"^Are here already: they would be bound, and these fields overwritten: .*\(1\)")
        line = self.lines("matched", preview)
        self.assertEqual((line.res_model, line.res_id, line.name), ("res.partner", ada.id, "Countess"))
        self.assertEqual(self.values(line)["Name"], ("Countess", "Ada"))
        self.assertNotIn("Email", self.values(line))
        self.assertEqual(line.action_open_record()["res_id"], ada.id)

    def test_it_says_who_is_refused_grouped_by_the_reason(self):
        class Refusing(PartnerImporter):
            def _validate_data(self, values):
                if self.external_id in (2, 3):
                    raise InvalidDataError(f"Partner {self.external_id} has no address")
                if self.external_id == 4:
                    raise InvalidDataError("The country is unknown")

        self.there(5)
        with extending(webshop, Refusing):
            preview = self.preview()
        refused = [(number, text) for outcome, number, text in self.told(preview) if outcome == "refused"]
        self.assertEqual(refused, [(2, "Partner 2 has no address"), (1, "The country is unknown")])
        self.assertEqual(self.counts(preview)["new"], 2)
        self.assertTrue(preview.is_refused)

    def test_it_says_who_is_skipped_and_why(self):
        class Skipping(PartnerImporter):
            def _must_skip(self):
                return "It is a test customer" if self.external_id == 1 else None

            def _validate_data(self, values):
                if self.external_id == 2:
                    raise NothingToDoJob("Not paid yet")

        self.there(3)
        with extending(webshop, Skipping):
            told = self.told()
        self.assertIn(("skipped", 1, "It is a test customer"), told)
        self.assertIn(("skipped", 1, "Not paid yet"), told)
        self.assertIn(("new", 1, "Would be created here"), told)

    def test_it_says_who_would_wait_and_for_what(self):
        def raising(importer, *args):
            if importer.external_id == 1:
                raise NotYet("It is not paid")
            return getattr(super(Waiting, importer), step)(*args)

        self.there(2)
        for step in ("_read", "_must_skip", "_validate_data", "_after_import"):
            Waiting = type("Waiting", (PartnerImporter,), {step: raising, "__module__": __name__})
            with self.subTest(step), extending(webshop, Waiting):
                told = self.told()
                self.assertIn(("skipped", 1, "Waits: It is not paid"), told)
                self.assertIn(("new", 1, "Would be created here"), told)

    def test_it_says_what_else_would_be_created(self):
        self.shop.add(TAG, 7, name="Gold", changed="1")
        self.shop.add(PARTNER, 1, name="Ada", tag=7, changed="1")
        self.shop.add(PARTNER, 2, name="Bob", tag=7, changed="1")
        preview = self.preview()
        self.assertIn(
            ("other", 1, "Would also be created, as the records need them: Test Shop Tag"), self.told(preview)
        )
        self.assertEqual(self.lines("other", preview).name, "Gold")
        self.assertEqual(self.values(self.lines("new", preview)[0])["Main Tag"], ("", "Gold"))

    def test_a_record_that_another_one_needs_is_new_itself_too(self):
        self.shop.add(PARTNER, 1, name="Ada", parent=2, changed="1")
        self.shop.add(PARTNER, 2, name="Acme", changed="1")
        self.assertEqual(self.counts(), {"new": 2})

    def test_it_says_what_a_needed_record_is_refused_for(self):
        self.shop.add(PARTNER, 1, name="Ada", tag=8, changed="1")
        self.shop.add(TAG, 8, name=None, changed="1")
        with mute_logger("odoo.sql_db"):
            told = self.told()
        self.assertTrue(
            [text for outcome, _number, text in told if outcome == "refused" and text.startswith("Test Shop Tag:")]
        )

    def test_two_records_of_the_list_with_one_key_are_told_apart(self):
        self.enterContext(extending(webshop, Matching))
        self.shop.add(PARTNER, 1, name="Ada", mail="ada@example.com", changed="1")
        self.shop.add(PARTNER, 2, name="Ada too", mail="ada@example.com", changed="1")
        self.assertEqual(self.counts(), {"new": 1, "refused": 1})

    def test_it_looks_at_the_first_hundred_and_says_that_there_are_more(self):
        self.there(130)
        preview = self.preview()
        self.assertEqual(self.counts(preview), {"new": 100})
        self.assertEqual(preview.summary, "The first 100 of 130 records.")

    def test_it_lists_what_the_next_run_would_list(self):
        self.there(3)
        self.shop.add(PARTNER, 4, name="Late", changed="1", since="yesterday")

        with patch.object(BatchImporter, "_filters_since", lambda importer, since: {"since": since} if since else None):
            self.env["connector.watermark"].move(self.backend, PARTNER, "yesterday")
            self.assertEqual(self.lines("new", self.preview()).mapped("name"), ["Late"])

    def test_an_empty_list_is_said(self):
        preview = self.preview()
        self.assertFalse(preview.part_ids)
        self.assertIn("empty", preview.summary)

    def test_exports_that_the_import_would_cause_are_named(self):
        other = self.new_backend()
        other.flow("partners_out").sudo().is_on = True
        self.export_changes()
        ada = self.env["res.partner"].create({"name": "Ada"})
        self.Partner.create({"backend_id": other.id, "odoo_id": ada.id, "external_id": "5"})
        self.Partner.create({"backend_id": self.backend.id, "odoo_id": ada.id, "external_id": "1"})
        self.shop.add(PARTNER, 1, name="Ada King", changed="2")
        with self.trap_jobs() as trap:
            told = self.told()
        self.assertIn(("job", 1, "Export a record to an external system"), told)
        self.assertFalse(trap.jobs)


class TestNothingStays(PreviewCase):
    def state(self):
        """Return what a preview must not change."""
        models = (
            "res.partner",
            PARTNER,
            TAG,
            "connector.checkpoint",
            "connector.watermark",
            "queue.job",
            "mail.message",
            "mail.mail",
        )
        counts = {name: self.env[name].sudo().with_context(active_test=False).search_count([]) for name in models}
        bindings = self.here().read(
            ["name", "points", "import_checksum", "external_version", "sync_state", "sync_date", "export_checksum"]
        )
        return counts, bindings, self.shop.calls[:]

    def test_nothing_of_an_import_stays(self):
        self.partner("1", name="Ada", sync_state="error", sync_error="Before")
        self.shop.add(TAG, 7, name="Gold", changed="1")
        self.shop.add(PARTNER, 1, name="Ada King", tag=7, changed="2")
        self.shop.add(PARTNER, 2, name="Bob", changed="1")
        before = self.state()
        self.preview()
        self.env.invalidate_all()
        self.assertEqual(self.state(), before)

    def test_neither_does_anything_of_a_refused_one(self):
        def refuse(importer, values):
            add_checkpoint(importer.session, "res.partner", 1, importer.backend_record, "Look")
            raise InvalidDataError("No")

        self.there(3)
        before = self.state()
        with patch.object(PartnerImporter, "_validate_data", refuse):
            self.assertEqual(self.counts(), {"refused": 3})
        self.assertEqual(self.state(), before)

    def test_what_comes_after_the_commit_does_not_happen(self):
        told = []

        def tell(session, model_name, record_id, change):
            told.append(record_id)

        on_record_change.subscribe(tell, model_names=["res.partner"])
        self.addCleanup(on_record_change.unsubscribe, tell, ["res.partner"])

        class Telling(PartnerImporter):
            def _after_import(self, binding):
                self.env.cr.postcommit.add(lambda: told.append("after the commit"))
                self.env.cr.precommit.add(lambda: told.append("before the commit"))

        self.there(1)
        take_notes(self.env.cr)
        with extending(webshop, Telling):
            self.preview()
        self.tell_changes()
        self.env.cr.postcommit.run()
        self.assertNotIn("after the commit", told)
        self.assertFalse([id_ for id_ in told if isinstance(id_, int)])

    def test_what_the_caller_has_noted_before_stays(self):
        called = []
        self.env.cr.postcommit.add(lambda: called.append("mine"))
        self.there(1)
        self.preview()
        self.env.cr.postcommit.run()
        self.assertEqual(called, ["mine"])

    def test_a_commit_of_the_code_keeps_nothing(self):
        class Committing(PartnerImporter):
            def _after_import(self, binding):
                self.env.cr.commit()  # pylint: disable=invalid-commit

        self.there(2)
        before = self.state()
        with extending(webshop, Committing):
            self.assertEqual(self.counts(), {"new": 2})
        self.assertEqual(self.state(), before)

    def test_code_that_rolls_back_is_named(self):
        class RollingBack(PartnerImporter):
            def _after_import(self, binding):
                self.env.cr.rollback()

        self.there(1)
        with extending(webshop, RollingBack):
            self.assertIn("rolls back", self.told()[0][2])

    def test_a_mail_is_not_sent(self):
        servers = self.env["ir.mail_server"]
        message = servers._build_email__("a@example.com", ["b@example.com"], "Welcome", "Hello")

        class Mailing(PartnerImporter):
            def _after_import(self, binding):
                self.env["ir.mail_server"].send_email(message)

        self.there(1)
        self.patch(type(servers), "_disable_send", classmethod(lambda cls: False))
        with extending(webshop, Mailing), patch("smtplib.SMTP", side_effect=AssertionError("a mail is sent")):
            self.assertEqual(self.counts(), {"new": 1})

    def test_nothing_is_sent_to_the_other_system(self):
        class Sending(PartnerImporter):
            def _after_import(self, binding):
                if self.external_id == 2:
                    binding.nickname = "Seen"
                    self.unit_for(RecordExporter).run(binding.id)

        self.there(3)
        with extending(webshop, Sending):
            told = self.told()
        self.assertFalse(self.shop.calls)
        self.assertEqual([part[:2] for part in told], [("new", 2), ("sends", 1)])
        self.assertEqual(told[1][2], "It would send to Shop with flows: write test.shop.partner 2")

    def test_a_rolled_back_savepoint_takes_its_jobs_out_of_the_trap(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        with trapped_jobs(self.env.cr) as jobs:
            partner.with_delay().write({"name": "B"})
            with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
                partner.with_delay().write({"name": "C"})
                raise ZeroDivisionError
            self.assertEqual(len(jobs), 1)
        self.assertFalse(self.delayed_jobs())


class TestItsLimits(PreviewCase):
    def test_it_stops_when_its_time_is_up_and_says_how_far_it_came(self):
        self.there(30)
        self.patch(ImportPreview.__init__, "__defaults__", (-1,))
        preview = self.preview()
        self.assertFalse(preview.part_ids)
        self.assertIn("after 0 of 30 records", preview.stopped)

    def test_what_it_has_found_until_then_is_shown(self):
        self.there(30)
        self.patch(ImportPreview, "_somebody_waits", iter_of([False, True]))
        preview = self.preview()
        self.assertEqual(self.counts(preview), {"new": 10})
        self.assertIn("after 10 of 30 records", preview.stopped)
        self.assertIn("somebody else needs", preview.stopped)

    def test_an_error_that_concerns_all_ends_it(self):
        self.there(30)

        class Ending(PartnerImporter):
            def _validate_data(self, values):
                if self.external_id == 15:
                    raise CredentialsRefused("The shop refuses us")

        with extending(webshop, Ending):
            preview = self.preview()
        self.assertEqual(self.counts(preview), {"new": 10})
        self.assertIn("The shop refuses us", preview.stopped)

    def test_a_list_that_cannot_be_read_is_an_error_for_people(self):
        class Refused(ShopAdapter):
            def search(self, filters=None):
                raise CredentialsRefused("The shop refuses us")

        with extending(webshop, Refused), self.assertRaisesRegex(UserError, "Shop with flows.*The shop refuses us"):
            self.preview()

    def test_an_adapter_that_lists_nothing_is_named(self):
        class Listless(ShopAdapter):
            def search(self, filters=None):
                raise NotImplementedError("ShopAdapter cannot search")

        with extending(webshop, Listless), self.assertRaisesRegex(UserError, "cannot search"):
            self.preview()

    def test_an_export_has_none(self):
        with self.assertRaisesRegex(UserError, "Only an import"):
            self.flow("partners_out").action_preview()

    def test_an_archived_backend_is_left_alone(self):
        self.backend.active = False
        with self.assertRaisesRegex(UserError, "is archived"):
            self.preview()

    def test_a_flow_that_is_off_or_paused_can_be_looked_at(self):
        self.there(1)
        self.flow("partners").action_switch_off()
        self.assertEqual(self.counts(), {"new": 1})
        self.flow("partners").action_switch_on()
        self.flow("partners").action_pause()
        self.assertEqual(self.counts(), {"new": 1})

    def test_it_runs_in_the_company_of_the_backend_with_the_rights_of_a_job(self):
        company = self.env["res.company"].create({"name": "Other"})
        manager = new_test_user(
            self.env,
            "previewer",
            "base.group_user,connector.group_connector_manager",
            company_ids=[(6, 0, (company + self.env.company).ids)],
            company_id=self.env.company.id,
        )
        self.backend.company_id = company
        seen = []

        class Seeing(PartnerImporter):
            def _after_import(self, binding):
                seen.append((self.env.company, self.env.su, self.env.context.get("default_name")))

        self.there(1)
        with extending(webshop, Seeing):
            flow = (
                self.flow("partners")
                .with_user(manager)
                .with_context(allowed_company_ids=(self.env.company + company).ids)
            )
            action = flow.with_context(default_name="Wrong").action_preview()
        self.assertEqual(seen, [(company, True, None)])
        preview = self.env["connector.preview"].with_user(manager).browse(action["res_id"])
        self.assertEqual(preview.part_ids.mapped("number"), [1])
        other = new_test_user(self.env, "curious", "base.group_user,connector.group_connector_manager")
        self.assertFalse(self.env["connector.preview.line"].with_user(other).search([("preview_id", "=", preview.id)]))

    def test_two_flows_do_not_disturb_each_other(self):
        self.declare(ImportFlow, TAG, "more_tags")
        self.declare(ExportFlow, TAG, "tags_out")
        self.env["connector.flow"]._sync(self.backend)
        self.backend.invalidate_recordset(["flow_ids"])
        self.shop.add(TAG, 1, name="Gold", changed="1")
        self.assertEqual(self.counts(self.preview("more_tags")), {"new": 1})


class TestOthersAtWork(PreviewCase):
    """What several transactions see."""

    def setUp(self):
        super().setUp()
        self.backend = self.committed_backend()
        self.there(30)

    def press(self, env):
        flow = env["test.shop.backend"].browse(self.backend.id).flow("partners")
        return env["connector.preview"].browse(flow.action_preview()["res_id"])

    def lock(self, env, external_id=1):
        """Lock the import of a record, as a job does."""
        name = f"import,{PARTNER},{self.backend.id},{external_id}"
        env.cr.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return True

    def test_it_does_not_wait_for_an_import_that_runs(self):
        with self.transaction() as job, self.transaction() as env:
            self.lock(job, external_id=15)
            preview = self.press(env)
            self.assertEqual(self.counts(preview), {"new": 10})
            self.assertIn("just being imported", preview.stopped)

    def test_an_import_that_runs_waits_for_a_few_records_at_most(self):
        jobs = []

        def lock():
            with self.transaction() as job:
                jobs.append(job)
                return self.lock(job)

        class Slow(PartnerImporter):
            def _after_import(importer, binding):
                if importer.external_id == 5 and not jobs:
                    locked.append(executor.submit(lock))
                    while not jobs:
                        time.sleep(0.01)
                    self.wait_until_blocked(jobs[0])

        locked = []
        with ThreadPoolExecutor(1) as executor, self.transaction() as env, extending(webshop, Slow):
            preview = self.press(env)
            self.assertTrue(locked[0].result(60))  # the transaction of the preview has not ended yet
            self.assertEqual(self.counts(preview), {"new": 10})
            self.assertIn("somebody else needs", preview.stopped)

    def test_two_of_a_backend_at_once_would_stop_each_other(self):
        with self.transaction() as one, self.transaction() as two:
            self.press(one)
            with self.assertRaisesRegex(UserError, "Somebody is just looking"):
                self.press(two)


def iter_of(values):
    """Return a method that returns these values one after the other."""
    left = iter(values)
    return lambda _self: next(left)
