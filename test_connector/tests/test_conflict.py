from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.exporter.record import RecordExporter
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.jobs_queue import store

from ..units import webshop
from .common import ShopCase, conflict_policy


class TestConflict(ShopCase, JobsCase):
    """A record that was imported in its version 1 and changed here."""

    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 42, name="Ada", changed="1")
        self.binding = self.partner("42", external_version="1")
        self.binding.name = "Ours"

    def change_there(self, **values):
        self.shop.table("test.shop.partner")[42].update(name="Theirs", changed="2", **values)

    def run_export(self, policy):
        with conflict_policy(policy):
            return self.unit(RecordExporter).run(self.binding.id, ["name"])

    def name_there(self):
        return self.shop.table("test.shop.partner")[42]["name"]

    def checkpoint(self):
        return self.env["connector.checkpoint"].search([("record_id", "=", self.binding.odoo_id.id)])

    def assert_ours_is_kept(self, name="Ours"):
        self.assertEqual((self.name_there(), self.binding.name), (name, name))

    def assert_theirs_is_taken(self, message):
        self.assertEqual(message, "Changed in Test Shop too: record 42 is imported and not exported.")
        self.assertEqual(self.shop.calls, [])
        self.run_jobs()
        self.assertEqual((self.name_there(), self.binding.name), ("Theirs", "Theirs"))

    def test_a_record_that_was_changed_here_only_is_exported_whatever_the_policy(self):
        for policy in ("odoo_wins", "external_wins", "newest", "ask"):
            self.shop.table("test.shop.partner")[42]["name"] = "Ada"
            self.binding.export_checksum = False
            with self.subTest(policy):
                self.run_export(policy)
                self.assert_ours_is_kept()

    def test_ours_wins(self):
        self.change_there()
        self.run_export("odoo_wins")
        self.assert_ours_is_kept()

    def test_theirs_wins(self):
        self.change_there()
        self.assert_theirs_is_taken(self.run_export("external_wins"))

    def test_the_newest_wins_when_it_is_ours(self):
        self.change_there(date=self.binding.odoo_id.write_date - timedelta(seconds=1))
        self.run_export("newest")
        self.assert_ours_is_kept()

    def test_the_newest_wins_when_it_is_theirs(self):
        self.change_there(date=self.binding.odoo_id.write_date + timedelta(seconds=1))
        self.assert_theirs_is_taken(self.run_export("newest"))

    def test_what_else_was_changed_there_is_imported_after_ours_has_won(self):
        self.change_there(date=self.binding.odoo_id.write_date - timedelta(seconds=1), nickname="Countess")
        self.run_export("newest")
        self.unit(RecordImporter).run(42)
        self.assert_ours_is_kept()
        self.assertEqual(self.binding.nickname, "Countess")

    def test_what_else_was_changed_there_is_imported_after_a_person_has_kept_ours(self):
        self.change_there(nickname="Countess")
        self.run_export("ask")
        self.binding.action_keep_ours()
        with conflict_policy("ask"):
            self.assertDone(self.run_jobs())
        self.unit(RecordImporter).run(42)
        self.assert_ours_is_kept()
        self.assertEqual(self.binding.nickname, "Countess")

    def test_what_the_shop_changes_along_with_our_export_is_no_conflict_and_is_imported(self):
        theirs = self.shop.table("test.shop.partner")[42]

        class Exporter(RecordExporter):
            def _update(self, values):
                theirs.update(**values, changed="2", nickname="Countess")

        with extending(webshop, Exporter):
            self.run_export("ask")
            self.assertEqual(self.binding.sync_state, "to_import")
            self.binding.name = "Ours again"
            self.run_export("ask")
        self.assertEqual((self.name_there(), self.binding.sync_state), ("Ours again", "to_import"))
        self.assertDone(self.run_jobs())
        self.assert_ours_is_kept("Ours again")
        self.assertEqual((self.binding.nickname, self.binding.sync_state), ("Countess", "in_sync"))

    def test_a_shop_that_tells_no_date_cannot_tell_which_is_newest(self):
        self.change_there()
        with self.assertRaisesRegex(NotImplementedError, "needs its method _get_external_date"):
            self.run_export("newest")

    def test_somebody_is_asked(self):
        self.change_there()
        message = self.run_export("ask")
        self.assertEqual(message, "Changed here and in Test Shop (record 42): keep ours or take theirs.")
        self.assertEqual((self.name_there(), self.binding.name), ("Theirs", "Ours"))
        self.assertEqual((self.binding.sync_state, self.binding.sync_error), ("conflict", message))
        self.assertEqual((self.checkpoint().model, self.checkpoint().message), ("res.partner", message))

    def test_who_is_asked_twice_about_one_conflict_has_one_checkpoint(self):
        self.change_there()
        self.run_export("ask")
        self.run_export("ask")
        self.assertEqual(len(self.checkpoint()), 1)

    def test_a_person_keeps_ours(self):
        self.change_there()
        self.run_export("ask")
        self.binding.action_keep_ours()
        with conflict_policy("ask"):
            self.assertDone(self.run_jobs())
        self.assert_ours_is_kept()
        self.assertEqual((self.binding.sync_state, self.binding.sync_error), ("in_sync", False))
        self.assertEqual(self.checkpoint().state, "reviewed")

    def test_an_import_leaves_a_conflict_to_the_person_who_is_asked(self):
        self.change_there()
        self.run_export("ask")
        message = self.unit(RecordImporter).run(42)
        self.assertEqual(message, "Not imported: its conflict waits for a person to keep ours or take theirs.")
        for force in (False, True):
            self.assertEqual(self.unit(BulkImporter).run_ids([42], force), "1 skipped")
        self.assertEqual((self.binding.name, self.binding.sync_state), ("Ours", "conflict"))
        self.binding.action_keep_ours()
        with conflict_policy("ask"):
            self.assertDone(self.run_jobs())
        self.assert_ours_is_kept()

    def test_a_person_takes_theirs(self):
        self.change_there()
        self.run_export("ask")
        self.binding.action_take_theirs()
        self.assertDone(self.run_jobs())
        self.assertEqual((self.name_there(), self.binding.name), ("Theirs", "Theirs"))
        self.assertEqual((self.binding.sync_state, self.binding.sync_error), ("in_sync", False))
        self.assertEqual(self.checkpoint().state, "reviewed")

    def test_u4_bindings_without_a_conflict_have_nothing_to_settle_and_the_user_is_told(self):
        for button in (self.binding.action_keep_ours, self.binding.action_take_theirs):
            with self.assertRaisesRegex(UserError, "None of these records waits"):
                button()
        self.assertFalse(self.delayed_jobs())

    def test_u4_the_answer_counts_the_conflicts_that_were_settled(self):
        store.workers.register(self.env.cr, "uuid", "host", 1, "command", 1, (None, None))
        bindings = self.binding | self.partner("43") | self.partner("44")
        for button, done in (("action_keep_ours", "sent"), ("action_take_theirs", "imported")):
            self.binding.sync_state = "conflict"
            told = getattr(bindings, button)()["params"]
            self.assertEqual(told["message"], f"Records that are {done} in the background: 1.")

    def test_who_may_not_change_the_binding_settles_nothing(self):
        self.change_there()
        self.run_export("ask")
        clerk = new_test_user(self.env, "clerk", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.binding.with_user(clerk).action_keep_ours()

    def test_what_our_export_has_changed_there_is_no_conflict(self):
        theirs = self.shop.table("test.shop.partner")[42]

        class Exporter(RecordExporter):
            def _update(self, values):
                theirs.update(**values, changed="2")

        with extending(webshop, Exporter):
            self.run_export("ask")
            self.binding.name = "Ours again"
            self.run_export("ask")
        self.assertEqual((self.name_there(), self.binding.sync_state), ("Ours again", "in_sync"))

    def test_a_shop_without_versions_has_a_conflict_when_the_checksum_is_another(self):
        del self.shop.table("test.shop.partner")[42]["changed"]
        self.unit(RecordImporter).run(42)
        self.binding.name = "Ours"
        self.run_export("ask")
        self.assert_ours_is_kept()
        self.shop.table("test.shop.partner")[42]["name"] = "Theirs"
        self.binding.name = "Ours again"
        self.run_export("ask")
        self.assertEqual((self.name_there(), self.binding.sync_state), ("Theirs", "conflict"))

    def test_a_state_that_the_shop_restores_after_our_export_is_imported(self):
        table = self.shop.table("test.shop.partner")
        del table[42]["changed"]
        before = dict(table[42])
        self.unit(RecordImporter).run(42)
        self.binding.name = "Ours"
        self.run_export("odoo_wins")
        table[42] = before
        self.unit(RecordImporter).run(42)
        self.assert_ours_is_kept("Ada")

    def test_sides_that_are_the_same_by_now_have_no_conflict(self):
        """As when a job has sent ours, and died before it remembered the version that this made."""
        self.change_there()
        self.shop.table("test.shop.partner")[42]["name"] = "Ours"
        self.run_export("ask")
        self.assertEqual((self.name_there(), self.binding.sync_state), ("Ours", "in_sync"))

    def test_a_policy_that_does_not_exist_is_refused_at_once(self):
        with self.assertRaisesRegex(
            ValueError, "BadExporter._conflict_policy is 'oddo_wins': it must be one of odoo_wins"
        ):
            type("BadExporter", (RecordExporter,), {"_conflict_policy": "oddo_wins"})
