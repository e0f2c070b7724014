from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.mapper.mapper import ImportMapper
from odoo.addons.jobs_queue.session import ConnectorSession

from ..consumers import heard
from ..jobs import greet
from ..units import PartnerImportMapperRemark


class TestAtInstall(JobsCase):
    """Tests that Odoo runs while it installs this addon, before the registry is ready."""

    def setUp(self):
        super().setUp()
        self.backend = self.env["test.shop.backend"].create({"name": "Shop", "version": "2.0"})

    def test_units_of_the_addon_serve_in_its_own_tests(self):
        with self.backend.work_on("test.shop.partner") as environment:
            self.assertIsInstance(environment.get_connector_unit(ImportMapper), PartnerImportMapperRemark)

    def test_consumers_of_the_addon_are_called_in_its_own_tests(self):
        tag = self.env["test.shop.tag"].create({"name": "Tag", "backend_id": self.backend.id})
        tag.external_id = "1"
        self.assertIn((self.env.cr.dbname, tag.id), heard)

    def test_the_addon_adds_a_field_to_the_screens_of_bindings(self):
        view = self.env["test.shop.partner"].get_view(view_type="form")["arch"]
        self.assertRegex(view, '(?s)name="remark".*name="email"')

    def test_f18_jobs_of_the_addon_run_in_its_own_tests_in_their_channel_while_another_is_to_be_installed(self):
        self.env.ref("base.module_connector_odoo").write({"state": "to install"})
        job = greet.delay(ConnectorSession.from_env(self.env), "res.partner").record(self.env)
        self.assertEqual(self.run_jobs(), job)
        self.assertDone(job)
        self.assertEqual(job.channel_id.complete_name, "root.test.extension")
        functions = self.env["queue.job.function"].search([("module", "=", "test_connector_extension")])
        self.assertIn(greet.job_options.name, functions.mapped("name"))
