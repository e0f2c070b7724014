from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import TransactionCase
from odoo.tests.common import new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.models import queue_job_channel_import
from odoo.addons.jobs_queue.models.channel_config import parse_channels


class TestParse(TransactionCase):
    def _parse_one(self, text):
        ((name, values),) = parse_channels(text).items()
        return name, values["capacity"], values["is_sequential"], values["rate"], values["rate_period"]

    def test_what_was_written_before_is_understood(self):
        for text, expected in (
            ("root:4", ("root", 4, False, 0, 1)),
            ("root", ("root", 0, False, 0, 1)),
            ("root.magento:1:sequential", ("root.magento", 1, True, 0, 1)),
            ("magento", ("root.magento", 1, False, 0, 1)),
            ("root.shop:2:throttle=5", ("root.shop", 2, False, 1, 5)),
            ("shop:sequential", ("root.shop", 1, True, 0, 1)),
        ):
            with self.subTest(text=text):
                self.assertEqual(self._parse_one(text), expected)

    def test_entries_are_parted_by_commas_or_lines(self):
        self.assertEqual(list(parse_channels("root.b:1,\nroot:4\nroot.a")), ["root", "root.a", "root.b"])

    def test_what_is_wrong_is_named(self):
        for text, message in (
            ("root:4,shop:many", "'shop:many': 'many' is unknown"),
            ("root:-1", "'root:-1': the capacity is '-1'"),
            ("shop:1:throttle=0", "throttle is '0'"),
            ("root..shop", "'root..shop': a channel's name"),
            ("shop:1,root.shop:2", "'root.shop:2': the channel root.shop is there twice"),
        ):
            with self.subTest(text=text), self.assertRaisesRegex(ValueError, message):
                parse_channels(text)


class TestImport(TransactionCase):
    def setUp(self):
        super().setUp()
        self.channels = self.env["queue.job.channel"]
        self.text = "root:4,root.magento:1:sequential"
        self.patch(queue_job_channel_import, "configured_channels", lambda: self.text)

    def _magento(self):
        return self.channels.search([("complete_name", "=", "root.magento")])

    def _update_addons(self):
        self.patch(self.env.registry, "updated_modules", ["jobs_queue"])
        self.channels._register_hook()

    def test_an_update_of_addons_imports_the_channels(self):
        self._update_addons()
        self.assertEqual((self._magento().capacity, self._magento().is_sequential), (1, True))
        self.assertEqual(self.env.ref("jobs_queue.channel_root").capacity, 4)

    def test_a_change_made_since_survives_the_next_update(self):
        self._update_addons()
        self._magento().capacity = 7
        self._update_addons()
        self.assertEqual(self._magento().capacity, 7)

    def test_a_mistake_in_the_file_does_not_keep_addons_from_being_updated(self):
        self.text = "root:four"
        with self.assertLogs(queue_job_channel_import._logger, "WARNING") as logs:
            self._update_addons()
        self.assertIn("'root:four'", logs.output[0])

    def test_the_button_imports_again_and_shows_the_channels(self):
        self._update_addons()
        self._magento().capacity = 7
        action = call_kw(self.channels, "action_import_configuration", [[]], {})
        self.assertEqual(self._magento().capacity, 1)
        self.assertEqual(self.channels.search(action["domain"]).mapped("complete_name"), ["root", "root.magento"])

    def test_the_button_names_what_is_wrong(self):
        for text, message in (("root:four", "'root:four'"), (None, "has no channels")):
            self.text = text
            with self.subTest(text=text), self.assertRaisesRegex(UserError, message):
                self.channels.action_import_configuration()

    @mute_logger("odoo.models")
    def test_the_button_is_for_managers(self):
        user = new_test_user(self.env, "a user", "base.group_user,jobs_queue.group_jobs_user")
        with self.assertRaises(AccessError):
            self.channels.with_user(user).action_import_configuration()
