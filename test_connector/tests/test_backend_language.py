from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.jobs import RunningJob
from odoo.addons.jobs_queue.session import ConnectorSession

from .common import ShopCase


@tagged("post_install", "-at_install")
class TestBackendLanguage(ShopCase):
    def setUp(self):
        super().setUp()
        self.french = self.env["res.lang"]._activate_lang("fr_FR")
        self.backend.default_lang_id = self.french

    def test_f14_a_language_in_which_a_backend_works_stays_active(self):
        with self.assertRaisesRegex(UserError, "Test Shop “Test Shop”"):
            self.french.active = False
        self.assertTrue(self.french.active)

    def test_f14_an_archived_backend_keeps_no_language_active(self):
        self.backend.active = False
        self.french.active = False
        self.assertFalse(self.french.active)

    def test_f14_other_languages_can_be_deactivated(self):
        german = self.env["res.lang"]._activate_lang("de_DE")
        german.active = False
        self.assertFalse(german.active)

    def _deactivate(self):
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_lang SET active = false WHERE id = %s", (self.french.id,))
        self.env.invalidate_all()
        self.env.registry.clear_cache("stable")

    def test_f14_a_backend_whose_language_is_not_active_works_in_that_of_the_user_and_the_log_of_the_job_says_so_once(
        self,
    ):
        self._deactivate()
        env = self.env(context={"lang": "en_US"})
        job = RunningJob(env=env, function="test")
        for _n in range(2):
            with self.backend.work_on("test.shop.partner", ConnectorSession.from_env(env, job=job)) as work:
                self.assertEqual(work.env.lang, "en_US")
        self.assertEqual(job.log_text, "The language fr_FR of “Test Shop” is not active any more: en_US is used.")

    @mute_logger("odoo.addons.connector.models.res_lang")
    def test_f14_without_a_job_it_works_too(self):
        self._deactivate()
        self.assertEqual(self.environment().env.lang, self.env.lang)
