from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.unit.checkpoint import add_checkpoint

from .common import ShopCase


class TestCheckpoint(ShopCase):
    def setUp(self):
        super().setUp()
        self.record = self.env["res.partner"].create({"name": "Ada"})

    def add(self, message="Check the address.", **options):
        return add_checkpoint(self.session, "res.partner", self.record.id, self.backend, message, **options)

    def test_a_record_is_put_up_for_review(self):
        checkpoint = self.add()
        self.assertEqual(
            (checkpoint.name, checkpoint.message, checkpoint.state), ("Ada", "Check the address.", "need_review")
        )
        self.assertEqual((checkpoint.backend_id, checkpoint.company_id), (self.backend, self.backend.company_id))

    def test_what_waits_for_its_review_is_not_put_up_again(self):
        self.assertEqual(self.add(), self.add())

    def test_something_else_to_review_is_another_checkpoint(self):
        self.assertNotEqual(self.add(), self.add("Check the name."))

    def test_what_was_reviewed_can_be_put_up_again(self):
        checkpoint = self.add()
        checkpoint.action_reviewed()
        self.assertEqual(checkpoint.state, "reviewed")
        self.assertNotEqual(self.add(), checkpoint)

    def test_a_user_without_rights_can_put_up_a_record_by_what_he_does(self):
        user = self.env["res.users"].create({"name": "Clerk", "login": "clerk"})
        with self.session.change_user(user.id):
            self.assertTrue(self.add().exists())

    def test_the_button_opens_the_record(self):
        action = self.add().action_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.record.id))

    def test_one_that_lists_no_record_to_import_says_so_and_stays_to_be_reviewed(self):
        for to_import in (("test.shop.partner", []), None):
            checkpoint = self.add(to_import=to_import)
            with self.subTest(to_import), self.assertRaisesRegex(UserError, "no record to import"):
                checkpoint.action_import()
            self.assertEqual(checkpoint.state, "need_review")

    def test_a_deleted_record_is_told(self):
        checkpoint = self.add()
        with mute_logger("odoo.models.unlink"):
            self.record.unlink()
        checkpoint.invalidate_recordset()
        self.assertEqual(
            (checkpoint.name, checkpoint.action_related()["type"]), ("deleted record", "ir.actions.client")
        )

    def test_the_reviewer_finds_an_activity_until_it_is_reviewed(self):
        user = new_test_user(self.env, "clerk")
        checkpoint = self.add(user=user, severity="warning")
        self.assertEqual((checkpoint.user_id, checkpoint.severity), (user, "warning"))
        self.assertEqual(
            checkpoint.activity_ids.mapped(lambda activity: (activity.user_id, activity.summary)),
            [(user, "Review Ada")],
        )
        checkpoint.with_user(user).action_reviewed()
        self.assertFalse(checkpoint.activity_ids)

    def test_a_reviewer_who_is_no_connector_user_sees_what_he_is_asked_for_alone(self):
        user = new_test_user(self.env, "clerk")
        mine, other = self.add(user=user), self.add("Check the name.")
        found = self.env["connector.checkpoint"].with_user(user).search([("id", "in", (mine + other).ids)])
        self.assertEqual((found.ids, found.name), (mine.ids, "Ada"))

    def test_an_unknown_severity_or_method_is_refused_when_it_is_put_up(self):
        with self.assertRaisesRegex(ValueError, "res.partner has no method 'action_fly'"):
            self.add(on_review="action_fly")
        with self.assertRaisesRegex(ValueError, "deadly"):
            self.add(severity="deadly")

    def test_records_of_several_models_have_their_names(self):
        tag = self.env["res.partner.category"].create({"name": "Gold"})
        checkpoints = self.add() + add_checkpoint(self.session, tag._name, tag.id, self.backend)
        self.assertEqual(checkpoints.mapped("name"), ["Ada", "Gold"])

    def test_the_concrete_backends_of_the_database_can_be_chosen(self):
        models = dict(self.env["connector.checkpoint"]._select_backends())
        self.assertEqual(models["test.shop.backend"], "Test Shop")
        self.assertNotIn("connector.backend", models)
