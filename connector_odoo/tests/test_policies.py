from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.connector import ConnectorSession, RecordImporter, delete_record, export_record

from .common import OdooCase


class PolicyCase(OdooCase):
    """A partner of both Odoos."""

    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.external_id = self.shop.create("res.partner", name="Ada", phone="1")
        self.import_partner()
        self.binding = self.env["odoo.res.partner"].search([("backend_id", "=", self.backend.id)])
        self.partner = self.binding.odoo_id

    def import_partner(self):
        with self.backend.work_on("odoo.res.partner") as environment:
            return environment.get_connector_unit(RecordImporter).run(self.external_id)

    def phone_there(self):
        return self.shop.read("res.partner", self.external_id, ["phone"])["phone"]

    def change_there(self, **values):
        self.shop.call("res.partner", "write", [self.external_id], vals=values)

    def delete_there(self):
        self.shop.call("res.partner", "unlink", [self.external_id])


@tagged("post_install", "-at_install")
class TestConflictWithAnotherOdoo(PolicyCase):
    """The phone number was changed on both sides."""

    def change_both(self, policy):
        self.backend.flow("partners").conflict = policy
        self.change_there(phone="theirs")
        self.partner.phone = "ours"
        return self.run_jobs()

    def date_here(self, **delta):
        """Have the partner be changed here some time after (or before) the change there."""
        there = self.shop.read("res.partner", self.external_id, ["write_date"])["write_date"]
        date = fields.Datetime.to_datetime(there) + timedelta(**delta)
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET write_date = %s WHERE id = %s", [date, self.partner.id])
        self.env.invalidate_all()

    def test_ours_wins(self):
        self.assertDone(self.change_both("odoo_wins"))
        self.assertEqual((self.phone_there(), self.partner.phone), ("ours", "ours"))

    def test_theirs_wins(self):
        self.assertDone(self.change_both("external_wins"))
        self.assertEqual((self.phone_there(), self.partner.phone), ("theirs", "theirs"))

    def test_the_newest_wins_when_it_is_ours(self):
        self.backend.flow("partners").conflict = "newest"
        self.change_there(phone="theirs")
        self.partner.phone = "ours"
        self.date_here(minutes=1)
        self.assertDone(self.run_jobs())
        self.assertEqual((self.phone_there(), self.partner.phone), ("ours", "ours"))

    def test_the_newest_wins_when_it_is_theirs(self):
        self.backend.flow("partners").conflict = "newest"
        self.change_there(phone="theirs")
        self.partner.phone = "ours"
        self.date_here(minutes=-1)
        self.assertDone(self.run_jobs())
        self.assertEqual((self.phone_there(), self.partner.phone), ("theirs", "theirs"))

    def test_somebody_is_asked_and_nothing_is_changed(self):
        self.assertDone(self.change_both("ask"))
        self.assertEqual((self.phone_there(), self.partner.phone), ("theirs", "ours"))
        self.assertEqual(self.binding.sync_state, "conflict")
        checkpoint = self.env["connector.checkpoint"].search(
            [("model", "=", "res.partner"), ("record_id", "=", self.partner.id)]
        )
        self.assertRegex(checkpoint.message, "Changed here and in Shop .* keep ours or take theirs")

    def test_two_changes_here_in_a_row_are_no_conflict(self):
        self.backend.flow("partners").conflict = "ask"
        for phone in ("2", "3"):
            self.partner.phone = phone
            self.assertDone(self.run_jobs())
        self.assertEqual((self.phone_there(), self.binding.sync_state), ("3", "in_sync"))


@tagged("post_install", "-at_install")
class TestDeletedOnEitherSide(PolicyCase):
    def test_what_was_deleted_there_fails_and_says_what_to_do(self):
        self.delete_there()
        self.partner.phone = "2"
        self.assertFailed(self.run_jobs(), "(?s)does not have the record any more.*restore the record there")
        self.assertEqual(self.binding.sync_state, "missing")

    def test_what_was_deleted_there_is_created_again_where_the_backend_says_so(self):
        self.backend.flow("partners").missing = "recreate"
        self.delete_there()
        self.partner.phone = "2"
        self.assertDone(self.run_jobs())
        self.external_id = int(self.binding.external_id)
        self.assertEqual(self.phone_there(), "2")

    def test_what_was_deleted_there_is_deleted_there_again_without_an_error(self):
        for message in ("Deleted record %s of Shop.", "Shop has no record %s any more."):
            delete_record.delay(self.session, "odoo.res.partner", self.backend.id, self.external_id)
            job = self.run_jobs()
            self.assertEqual((job.state, job.message), ("done", message % self.external_id))

    def test_what_was_deleted_there_stays_here_when_it_is_imported(self):
        self.delete_there()
        self.assertRegex(self.import_partner(), "nothing was changed here")
        self.assertTrue(self.partner.exists())

    def test_what_was_deleted_here_is_not_exported(self):
        export_record.delay(self.session, "odoo.res.partner", self.binding.id)
        self.partner.unlink()
        self.assertEqual(self.run_jobs().message, "The record to export does not exist any more.")
        self.assertEqual(self.phone_there(), "1")

    def test_what_was_deleted_on_a_side_is_found_by_a_comparison(self):
        deleted_here = self.shop.create("res.partner", name="Deleted here")
        self.delete_there()
        self.backend.flow("partners").action_compare()
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertRegex(
            jobs[0].message, r"Records compared with Shop: .* Missing here: [1-9]\d*, not there: 1, different: 0"
        )
        self.assertEqual(self.binding.sync_state, "missing")
        self.assertTrue(deleted_here)
