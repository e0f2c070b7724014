import logging
import tempfile
import traceback
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import config
from odoo.tools.safe_eval import safe_eval
from odoo.tools.translate import code_translations

from odoo.addons.connector import ConnectorSession, import_batch
from odoo.addons.connector.exception import CredentialsRefused

from .common import OdooCase


@tagged("post_install", "-at_install")
class TestBackend(OdooCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(cls.env, "manager", groups="connector.group_connector_manager")
        cls.reader = new_test_user(cls.env, "reader", groups="connector.group_connector_user")

    def read_by_rpc(self, user, *field_names):
        return self.backend.with_user(user).read(list(field_names))[0]

    # Secrets

    def test_the_api_key_is_stored_but_not_shown_again(self):
        self.backend.with_user(self.manager).write({"api_key": "secret-key"})
        self.assertEqual(self.backend.sudo().api_key, "secret-key")
        for user in (self.manager, self.reader, self.env.ref("base.user_admin")):
            read = self.read_by_rpc(user, "api_key", "known_credentials")
            self.assertEqual((read["api_key"], read["known_credentials"]), (False, "Stored: API Key"))

    def test_saving_the_form_does_not_answer_with_the_api_key(self):
        backends = self.env["odoo.backend"].with_user(self.manager)
        values = {"name": "S", "location": "https://shop.example.com", "database": "shop", "api_key": "secret-key"}
        saved = backends.web_save(values, {"api_key": {}, "known_credentials": {}})[0]
        self.assertEqual((saved["api_key"], saved["known_credentials"]), (False, "Stored: API Key"))
        saved = backends.browse(saved["id"]).web_save({"api_key": "other-key"}, {"api_key": {}})[0]
        self.assertFalse(saved["api_key"])

    def test_saving_without_an_api_key_keeps_the_stored_one(self):
        self.backend.with_user(self.manager).write({"name": "Renamed", "api_key": False})
        self.assertEqual(self.backend.sudo().api_key, self.shop.api_key)

    def test_blanks_around_an_api_key_are_left_out_and_line_breaks_within_are_refused(self):
        self.backend.api_key = " key\n"
        self.assertEqual(self.backend.sudo().api_key, "key")
        with self.assertRaisesRegex(ValidationError, "line break") as caught:
            self.backend.api_key = "secret\nkey"
        self.assertNotIn("secret", str(caught.exception))

    def test_who_may_not_enter_an_api_key_sees_no_field_for_it(self):
        form = self.env.ref("connector_odoo.odoo_backend_view_form")
        for user, seen in ((self.manager, True), (self.reader, False)):
            arch = self.env["odoo.backend"].with_user(user).get_view(form.id)["arch"]
            self.assertEqual('name="api_key"' in arch, seen)

    def test_the_form_asks_for_an_api_key_unless_there_is_one_or_the_configuration_has_a_mistake(self):
        file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "odoo.conf"
        self.patch(config, "options", config.options.new_child({"config": str(file)}))
        form = self.env["odoo.backend"].get_view(self.env.ref("connector_odoo.odoo_backend_view_form").id)["arch"]
        (required,) = etree.fromstring(form).xpath("//field[@name='api_key'][@required]/@required")

        def is_asked():
            self.env.invalidate_all()
            return safe_eval(required, self.backend.read(["known_credentials", "credentials_error"])[0])

        self.assertFalse(is_asked())
        self.backend.api_key = False
        self.assertTrue(is_asked())
        file.write_text(f"[connector:{self.env.cr.dbname}:odoo.backend:{self.backend.id}]\napi_key = s3cr3t\n")
        self.assertFalse(is_asked())

    def test_a_manager_saves_the_form(self):
        with Form(self.backend.with_user(self.manager), "connector_odoo.odoo_backend_view_form") as form:
            form.name = "Renamed"
        self.assertEqual(self.backend.name, "Renamed")

    def test_a_manager_alone_has_the_buttons_that_cancel_a_listing(self):
        form = self.env.ref("connector_odoo.odoo_backend_view_form")
        for user, buttons in ((self.manager, 2), (self.reader, 0)):
            page = self.env["odoo.backend"].with_user(user).get_view(form.id)["arch"]
            self.assertEqual((page.count("action_cancel"), page.count("action_open_jobs")), (buttons, 2))

    def test_a_manager_alone_has_the_button_that_tests_the_connection(self):
        form = self.env.ref("connector_odoo.odoo_backend_view_form")
        for user, buttons in ((self.manager, 1), (self.reader, 0)):
            page = self.env["odoo.backend"].with_user(user).get_view(form.id)["arch"]
            self.assertEqual(page.count("action_test_connection"), buttons)

    def test_the_api_key_that_is_entered_is_checked_whatever_the_server_has(self):
        file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "odoo.conf"
        self.patch(config, "options", config.options.new_child({"config": str(file)}))
        section = f"[connector:{self.env.cr.dbname}:odoo.backend:{self.backend.id}]"
        host = urlsplit(self.backend.location).netloc
        for of_server in (f"host = {host}\napi_key = of-the-server", "api_kee = wrong"):
            file.write_text(f"{section}\n{of_server}\n")
            with self.subTest(of_server), self.assertRaisesRegex(ValidationError, "line break"):
                self.backend.with_user(self.manager).api_key = "secret\nkey"

    def test_an_api_key_in_letters_that_no_header_has_is_refused_there(self):
        self.backend.api_key = "\u201csecret\u201d"
        found = self.found()
        self.assertEqual(found["Login"][0], "wrong")
        self.assertNotIn("secret", str(found))
        with (
            self.adapter() as adapter,
            self.assertRaisesRegex(CredentialsRefused, r"Enter valid ones in the backend \(.*API Key") as caught,
        ):
            adapter.who_am_i()
        self.assertNotIn("secret", "".join(traceback.format_exception(caught.exception)))

    def test_the_api_key_is_not_sent_to_another_server_than_the_one_it_was_entered_for(self):
        self.backend.location = self.shop.location + "/"
        self.assertEqual(self.backend.sudo().api_key, self.shop.api_key)
        self.backend.with_user(self.manager).location = "https://elsewhere.example.com"
        self.assertFalse(self.backend.sudo().api_key)
        self.backend.write({"location": self.shop.location, "api_key": self.shop.api_key})
        self.assertEqual(self.backend.sudo().api_key, self.shop.api_key)

    def test_a_neutralized_copy_of_the_database_has_no_api_key(self):
        self.env.flush_all()
        for query in get_neutralization_queries(["connector"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.backend.sudo().api_key)

    def test_a_copy_of_a_backend_has_no_api_key(self):
        self.assertFalse(self.backend.copy().sudo().api_key)

    def test_storing_and_using_the_api_key_leaves_it_out_of_the_logs(self):
        with self.assertLogs(level=logging.DEBUG) as logs:
            backend = self.create_backend()
            self.found(backend)
        without_sql = [line for line in logs.output if ":odoo.sql_db:" not in line]
        self.assertNotIn(self.shop.api_key, "".join(without_sql))
        self.assertNotIn(self.shop.api_key, repr(backend))

    # Input

    def test_a_location_that_is_no_address_is_refused(self):
        for location in (
            "shop.example.com",
            "ftp://shop.example.com",
            "https://",
            "http://shop:port",
            "http://[",
            "javascript:alert(1)",
        ):
            with self.subTest(location=location), self.assertRaisesRegex(ValidationError, "is not an address"):
                self.backend.location = location

    def test_a_location_with_a_password_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "Leave user and password out") as caught:
            self.backend.location = "https://me:secret@shop.example.com"
        self.assertNotIn("secret", str(caught.exception))

    def test_a_location_with_a_query_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "Leave out of the location what follows"):
            self.backend.location = "https://shop.example.com/?db=shop"

    def test_a_location_may_have_a_port_a_path_and_a_slash_at_its_end(self):
        self.move_to("http://[::1]:8069/odoo/")
        self.move_to(self.shop.location + "/")
        self.assertEqual(self.found()["Login"], ("ok", "The system accepts us as admin."))

    def test_xml_rpc_needs_a_login(self):
        with self.assertRaisesRegex(ValidationError, "login"):
            self.backend.write({"version": "legacy", "login": False})

    # Buttons

    def test_testing_the_connection_tells_who_we_are_there(self):
        for version in ("19.0", "legacy"):
            with self.subTest(version=version):
                self.backend.version = version
                found = self.found(self.backend.with_user(self.manager))
                self.assertEqual(found["Address"], ("ok", f"{self.shop.location} answers."))
                self.assertEqual(found["Login"], ("ok", "The system accepts us as admin."))
                self.assertEqual(found["Clock"], ("ok", "The clock of the system agrees with ours."))
                self.assertEqual(found["Version"][0], "ok")
                self.assertIn("says that it is 19.0", found["Version"][1])
                for model in ("Partner", "Product", "Product Category"):
                    self.assertEqual(found[f"{model} of another Odoo"], ("ok", "Our user may list them."))

    def test_testing_a_connection_that_does_not_work_tells_what_to_do(self):
        self.backend.api_key = "wrong-key"
        for version, fields in (("19.0", "API Key, Database"), ("legacy", "Database, Login, API Key")):
            self.backend.version = version
            outcome, text = self.found()["Login"]
            self.assertEqual(outcome, "wrong")
            self.assertIn(f"Look at: {fields}.", text)

    def test_testing_a_connection_of_a_user_without_rights_names_what_he_may_not(self):
        login = self.become_clerk("group_portal")
        for self.backend.version in ("19.0", "legacy"):
            found = self.found()
            self.assertEqual(found["Login"], ("ok", f"The system accepts us as {login}."))
            outcome, text = found["Product of another Odoo"]
            self.assertEqual(outcome, "wrong")
            self.assertRegex(text, r"may not list them \(.*not allowed to access .*\): give him the right there")

    def test_testing_a_connection_to_something_else_tells_what_to_check(self):
        for version in ("19.0", "legacy"):
            self.backend.version = version
            with self.subTest(version=version), self.answering("[]"):
                self.assertIn("Check in the backend: Location", str(self.found()))

    def test_the_button_of_flows_delays_jobs_and_links_to_them(self):
        params = self.imports.with_user(self.manager).action_run()["params"]
        jobs = self.delayed_jobs("import_batch")
        self.assertEqual(jobs.mapped("model_name"), ["odoo.product.category", "odoo.product.product"])
        self.assertEqual([link["url"] for link in params["links"]], [f"/odoo/queue-jobs/{job.id}" for job in jobs])
        self.assertEqual(params["message"].count("%s"), 2)

    def test_the_buttons_are_for_managers_alone(self):
        backend, imports = self.backend.with_user(self.reader), self.imports.with_user(self.reader)
        for button in (backend.action_test_connection, imports.action_run):
            with self.assertRaises(AccessError):
                button()
        self.assertFalse(self.delayed_jobs("import_batch"))

    @property
    def imports(self):
        return self.backend.flow("categories") | self.backend.flow("products")

    # Companies

    def test_backends_and_bindings_are_seen_in_their_company_alone(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.manager.write({"company_ids": [Command.link(company.id)]})
        for model_name, values in (
            ("odoo.res.partner", {"name": "Ada"}),
            ("odoo.product.category", {"name": "Toys"}),
            ("odoo.product.product", {"name": "Doll"}),
        ):
            binding = self.env[model_name].create({"backend_id": self.backend.id, "external_id": "1", **values})
            with self.subTest(model=model_name):
                self.assertEqual(self.seen_from(self.backend.company_id, binding), binding)
                self.assertFalse(self.seen_from(company, binding))
        self.assertFalse(self.seen_from(company, self.backend))

    def test_imports_and_exports_are_jobs_of_the_company_of_the_backend(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.manager.company_ids += company
        binding = self.env["odoo.res.partner"].create(
            {"backend_id": self.backend.id, "external_id": "1", "name": "Ada"}
        )
        self.backend.company_id = company
        self.imports.with_user(self.manager).action_run()
        binding.odoo_id.with_company(self.env.ref("base.main_company")).name = "Ada Lovelace"
        jobs = self.delayed_jobs()
        self.assertEqual(len(jobs), 3)
        self.assertEqual(jobs.mapped("company_id"), company)

    def test_testing_the_connection_speaks_the_language_of_the_user(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.backend.write({"version": "legacy", "api_key": "wrong-key"})

        def translations(module, lang):
            return {"wrong login or API key": f"wrong in {lang}"}

        for lang, said in (("en_US", "wrong login or API key"), ("fr_FR", "wrong in fr_FR")):
            self.backend.default_lang_id = self.env["res.lang"]._lang_get("fr_FR" if lang == "en_US" else "en_US")
            with (
                self.subTest(lang=lang),
                patch.object(code_translations, "get_python_translations", translations),
            ):
                self.assertIn(said, str(self.found(self.backend.with_context(lang=lang))))

    def seen_from(self, company, record):
        records = record.with_user(self.manager).with_context(allowed_company_ids=company.ids)
        return records.search([("id", "=", record.id)])


@tagged("post_install", "-at_install")
class TestRefusedKey(OdooCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.env.flush_all()

    def test_a_wrong_key_lets_the_jobs_wait_until_a_valid_one_is_entered(self):
        for self.backend.version in ("19.0", "legacy"):
            self.backend.api_key = "wrong-key"
            self.env.flush_all()
            with self.adapter() as adapter:
                try:
                    adapter.who_am_i()
                except CredentialsRefused as error:
                    self.assertIn("API Key", str(error))
            self.env.invalidate_all()
            self.assertEqual(self.backend.state, "needs_attention")
            self.backend.api_key = self.shop.api_key
            self.assertEqual(self.backend.state, "ready")
            self.assertEqual(self.found()["Login"][0], "ok")

    def test_a_job_with_a_wrong_key_fails_at_once(self):
        self.backend.api_key = "wrong-key"
        import_batch.delay(ConnectorSession.from_env(self.env), "odoo.res.partner", self.backend.id)
        job = self.run_jobs()
        self.assertFailed(job, r"refuses our credentials: .*Enter valid ones in the backend \(.*API Key")
