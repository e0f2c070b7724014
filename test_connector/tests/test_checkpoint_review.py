from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.wizards import connector_checkpoint_review

from .common import ShopCase


class TestCheckpointReview(ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, "connector user", "connector.group_connector_user")
        records = self.env["res.partner"].create([{"name": "Ada"}, {"name": "Grace"}, {"name": "Joan"}])
        self.ada, self.grace, self.joan = (
            add_checkpoint(self.session, record._name, record.id, self.backend) for record in records
        )

    def review(self, checkpoints):
        """Return the form that the button “Review” opens on a selection of checkpoints."""
        return Form(
            self.env["connector.checkpoint.review"].with_user(self.user).with_context(active_ids=checkpoints.ids)
        )

    def test_a_user_reviews_many_checkpoints_at_once(self):
        self.review(self.ada | self.grace).save().action_reviewed()
        self.assertEqual((self.ada | self.grace | self.joan).mapped("state"), ["reviewed", "reviewed", "need_review"])

    def put_up_for_archiving(self, *names):
        """Put up tags that are archived once they are reviewed; one called “Refused” refuses."""
        tags = self.env["res.partner.category"].create([{"name": name} for name in names])

        def action_archive(tag):
            if tag.name == "Refused":
                raise UserError(tag.env._("%s may not archive this tag.", tag.env.user.login))
            tag.sudo().active = False

        self.patch(type(tags), "action_archive", action_archive)
        return tags, self.env["connector.checkpoint"].union(
            *(add_checkpoint(self.session, tag._name, tag.id, self.backend, on_review="action_archive") for tag in tags)
        )

    def test_u1_all_selected_checkpoints_are_reviewed_although_the_client_names_fewer(self):
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", 1)
        self.joan.company_id = self.env["res.company"].create({"name": "Other company"})
        all_selected = {
            "active_model": "connector.checkpoint",
            "active_domain": [("id", "in", (self.ada | self.grace | self.joan).ids)],
            "active_ids": self.ada.ids,
        }
        reviews = self.env["connector.checkpoint.review"].with_user(self.user).with_context(**all_selected)
        told = Form(reviews).save().action_reviewed()["params"]
        self.assertEqual(told["message"], "Checkpoints reviewed: 2.")
        self.assertEqual((self.ada | self.grace | self.joan).mapped("state"), ["reviewed", "reviewed", "need_review"])

    def test_u1_very_many_checkpoints_are_reviewed_in_jobs(self):
        # nobody runs the jobs: the scheduled actions that would are late
        self.env["queue.worker"].sudo()._cron_slots().write({"nextcall": "2026-01-01"})
        _tags, refused = self.put_up_for_archiving("Refused")
        checkpoints = self.ada | self.grace | self.joan | refused
        with (
            patch.object(connector_checkpoint_review, "SHOWN", 3),
            patch.object(connector_checkpoint_review, "CHUNK", 2),
        ):
            form = self.review(checkpoints)
            self.assertFalse(form.checkpoint_ids)
            told = form.save().action_reviewed()["params"]
        self.assertIn("no worker", told["message"])
        self.assertEqual(set(checkpoints.mapped("state")), {"need_review"})
        self.joan.company_id = self.env["res.company"].create({"name": "Other company"})
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual(len(jobs), 2)
        self.assertEqual(checkpoints.mapped("state"), ["reviewed", "reviewed", "need_review", "need_review"])
        self.assertIn('"Refused: connector user may not archive this tag."', jobs.mapped("result"))

    def test_what_the_connector_wants_is_done_with_the_record_on_review(self):
        tags, checkpoints = self.put_up_for_archiving("Gold", "Silver")
        self.review(checkpoints).save().action_reviewed()
        self.assertEqual((checkpoints.mapped("state"), tags.mapped("active")), (["reviewed"] * 2, [False] * 2))

    def test_it_is_done_once(self):
        tags, checkpoints = self.put_up_for_archiving("Gold")
        checkpoints.action_reviewed()
        tags.active = True
        checkpoints.action_reviewed()
        self.assertTrue(tags.active)

    def test_a_record_that_refuses_stays_to_be_reviewed_and_the_others_do_not(self):
        tags, checkpoints = self.put_up_for_archiving("Gold", "Refused", "Silver")
        told = self.review(checkpoints).save().action_reviewed()["params"]
        self.assertEqual(checkpoints.mapped("state"), ["reviewed", "need_review", "reviewed"])
        self.assertEqual(tags.mapped("active"), [False, True, False])
        self.assertEqual(
            (told["title"], told["message"]), ("Not reviewed: 1", "Refused: connector user may not archive this tag.")
        )

    def test_what_the_record_returns_is_told(self):
        tags, checkpoints = self.put_up_for_archiving("Gold", "Silver")
        with patch.object(type(tags), "action_archive", lambda tag: tag.name == "Gold" and "Archived already."):
            told = checkpoints.action_reviewed()["params"]
        self.assertEqual(checkpoints.mapped("state"), ["reviewed", "reviewed"])
        self.assertEqual((told["type"], told["message"]), ("info", "Gold: Archived already."))

    def test_of_a_record_that_is_gone_it_is_told_that_nothing_was_done(self):
        tags, checkpoints = self.put_up_for_archiving("Gold")
        tags.unlink()
        told = checkpoints.action_reviewed()["params"]
        self.assertEqual(checkpoints.state, "reviewed")
        self.assertEqual(told["message"], "deleted record: There was nothing to do any more.")

    def test_what_is_taken_out_of_the_list_is_left_for_later(self):
        with self.review(self.ada | self.grace) as form:
            form.checkpoint_ids.remove(self.grace.id)
        form.record.action_reviewed()
        self.assertEqual((self.ada | self.grace).mapped("state"), ["reviewed", "need_review"])

    def test_what_was_reviewed_is_not_asked_for_again(self):
        self.ada.action_reviewed()
        self.assertEqual(self.review(self.ada | self.grace).checkpoint_ids.ids, self.grace.ids)

    def test_a_user_cannot_put_up_or_delete_a_checkpoint_by_hand(self):
        with mute_logger("odoo.addons.base.models.ir_model"):
            with self.assertRaises(AccessError):
                self.ada.with_user(self.user).copy()
            with self.assertRaises(AccessError):
                self.ada.with_user(self.user).unlink()

    def test_nobody_points_a_checkpoint_at_another_record_to_read_its_name(self):
        self.user.group_ids += self.env.ref("connector.group_connector_manager")
        with mute_logger("odoo.addons.base.models.ir_model"), self.assertRaises(AccessError):
            self.ada.with_user(self.user).write({"record_id": self.joan.record_id})

    def test_a_user_sees_the_checkpoints_of_his_companies_alone(self):
        self.grace.company_id = self.env["res.company"].create({"name": "Other company"})
        mine = self.env["connector.checkpoint"].with_user(self.user).search([("id", "in", (self.ada | self.grace).ids)])
        self.assertEqual(mine.ids, self.ada.ids)
