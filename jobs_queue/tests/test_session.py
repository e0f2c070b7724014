from odoo.tests import TransactionCase

from ..session import ConnectorSession


class TestConnectorSession(TransactionCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession(self.cr, self.uid, {"lang": "en_US"})

    def test_a_session_holds_cursor_user_and_context(self):
        self.assertEqual(
            (self.session.cr, self.session.uid, self.session.context), (self.cr, self.uid, {"lang": "en_US"})
        )
        self.assertEqual(self.session.env.context, {"lang": "en_US"})
        self.assertIsNone(self.session.job)

    def test_a_session_of_an_environment_works_in_that_very_environment(self):
        env = self.env(user=self.env.ref("base.user_admin"), su=True, context={"a": 1})
        self.assertIs(ConnectorSession.from_env(env).env, env)

    def test_the_user_is_changed_for_a_block_only(self):
        admin = self.env.ref("base.user_admin")
        with self.session.change_user(admin.id):
            self.assertEqual(self.session.env.user, admin)
        self.assertEqual(self.session.uid, self.uid)

    def test_a_changed_user_is_no_superuser(self):
        with self.session.change_user(self.env.ref("base.user_admin").id):
            self.assertFalse(self.session.env.su)

    def test_the_user_is_restored_after_an_error(self):
        with self.assertRaises(ZeroDivisionError), self.session.change_user(self.env.ref("base.user_admin").id):
            raise ZeroDivisionError
        self.assertEqual(self.session.uid, self.uid)

    def test_context_keys_are_added_for_a_block_only(self):
        with self.session.change_context(active_test=False):
            self.assertEqual(self.session.context, {"lang": "en_US", "active_test": False})
        self.assertEqual(self.session.context, {"lang": "en_US"})

    def test_the_context_is_restored_after_an_error(self):
        with self.assertRaises(ZeroDivisionError), self.session.change_context(active_test=False):
            raise ZeroDivisionError
        self.assertEqual(self.session.context, {"lang": "en_US"})

    def test_a_session_with_another_context_leaves_this_one_as_it_is(self):
        self.session.job = object()
        other = self.session.with_context(active_test=False)
        self.assertEqual(
            (other.context, other.cr, other.uid), ({"lang": "en_US", "active_test": False}, self.cr, self.uid)
        )
        self.assertIs(other.job, self.session.job)
        self.assertEqual(self.session.context, {"lang": "en_US"})

    def test_a_commit_writes_what_is_pending_and_a_rollback_undoes_what_came_after(self):
        with self.registry.cursor() as cr:
            session = ConnectorSession(cr, self.uid)
            tag = session.env["res.partner.category"].create({"name": "Before"})
            tag.name = "Pending"
            session.commit()
            tag.name = "After"
            session.rollback()
            name = tag.name
            tag.unlink()
        self.assertEqual(name, "Pending")

    def test_it_knows_which_addons_are_installed(self):
        self.assertTrue(self.session.is_module_installed("jobs_queue"))
        self.assertFalse(self.session.is_module_installed("jobs_queue_of_nowhere"))
