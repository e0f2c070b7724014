"""Credentials of backends in Odoo's configuration file."""

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from odoo.tools import config

from odoo.addons.connector.declaration import RestAdapter, field, secret
from odoo.addons.connector.testing import Answer

from .test_http_adapter import HttpCase
from .test_secret_char import SecretCharCase

STORED, OF_SERVER = "st0red", "0f-the-server"


class ConfiguredCase(SecretCharCase):
    """A backend with a stored token, and a configuration file for its server."""

    def setUp(self):
        super().setUp()
        self.backend.token = STORED
        self.file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "odoo.conf"
        self.patch(config, "options", config.options.new_child({"config": str(self.file)}))
        self.section = f"connector:{self.env.cr.dbname}:test.shop.backend:{self.backend.id}"

    def configure(self, *lines, section=None):
        self.file.write_text("\n".join(["[options]", f"[{section or self.section}]", *lines, ""]))


class TestServerCredentials(ConfiguredCase):
    def test_one_of_the_server_wins_over_the_stored_one_and_is_seen_by_code_alone(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        self.assertEqual((self.token(), self.backend.client_secret), (OF_SERVER, False))
        self.assertEqual(self.shown.read(["token"])[0]["token"], False)
        self.env.flush_all()
        self.env.cr.execute("SELECT token FROM test_shop_backend WHERE id = %s", [self.backend.id])
        self.assertEqual(self.env.cr.fetchone(), (STORED,))

    def test_the_form_says_from_where_each_one_is(self):
        self.backend.client_secret = "s"
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        self.assertEqual(self.shown.known_credentials, "Stored: Secret of the Client. From the server: Token")

    def test_what_is_stored_can_be_forgotten_and_what_the_server_has_cannot(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        self.assertTrue(self.shown.has_stored_credentials, "the stored one is there below")
        self.shown.action_forget_credentials()
        self.assertEqual(
            (self.shown.known_credentials, self.shown.has_stored_credentials), ("From the server: Token", False)
        )

    def test_they_are_used_only_while_the_location_is_on_that_host_and_port_and_without_a_port_by_https(self):
        for host, location, used in (
            ("shop.example.com", "https://shop.example.com/v2", True),
            ("Shop.Example.com", "https://SHOP.example.com:443", True),
            ("shop.example.com:8080", "http://shop.example.com:8080", True),
            ("localhost:8069", "http://localhost:8069", True),
            ("shop.example.com:443", "https://shop.example.com", True),
            ("[::1]:8069", "http://[::1]:8069/odoo", True),
            ("shop.example.com:443", "https://shop.example.com:8443", False),
            ("shop.example.com", "https://evil.com\\@shop.example.com", False),
            ("shop.example.com", "https://shop.example.com@evil.com", False),
            ("shop.example.com", "https://shop.example.com.evil.com", False),
            ("shop.example.com", False, False),
            ("shop.example.com", "http://shop.example.com", False),
            ("shop.example.com", "http://shop.example.com:443", False),
            ("shop.example.com:443", "http://shop.example.com:443", False),
            ("shop.example.com", "https://shop.example.com:8443", False),
            ("localhost", "http://localhost", False),
        ):
            with self.subTest(host=host, location=location):
                self.configure(f"host = {host}", f"token = {OF_SERVER}")
                self.backend.location = location
                self.assertEqual(self.token() == OF_SERVER, used)

    def test_no_name_that_a_user_chooses_finds_them(self):
        others = f"connector:{self.env.cr.dbname}:test.shop.backend"
        for section in (
            f"{others}:{self.backend.id + 1}",
            f"connector:another:test.shop.backend:{self.backend.id}",
            f"connector:{self.env.cr.dbname}:odoo.backend:{self.backend.id}",
        ):
            self.configure("host = shop.example.com", f"token = {OF_SERVER}", section=section)
            self.assertEqual(self.token(), STORED)

    def test_a_neutralized_database_has_none(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.assertEqual(self.token(), STORED)

    def test_a_change_of_the_file_is_seen(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        self.assertEqual(self.token(), OF_SERVER)
        self.configure("host = shop.example.com", "token = 0f-the-Server")
        os.utime(self.file, (1, 1))
        self.assertEqual(self.token(), "0f-the-Server")
        self.file.unlink()
        self.assertEqual(self.token(), STORED)

    def test_what_is_wrong_is_named_with_its_section_and_no_secret(self):
        host, token = "host = shop.example.com", f"token = {OF_SERVER}"
        for lines, message in (
            ([token], "host is missing"),
            ([f"host = https://{OF_SERVER}", token], "host must be a host"),
            ([f"host = me:{OF_SERVER}@shop.example.com", token], "host must be a host"),
            (
                [host, f"tokn = {OF_SERVER}"],
                "tokn is no secret of test.shop.backend; its secrets are: client_secret, token",
            ),
            ([host, f"name = {OF_SERVER}"], "name is no secret of test.shop.backend"),
            ([host, "token ="], "token is empty"),
            ([host, f"token = {OF_SERVER} ; of the shop"], "token has a blank and then ; or #"),
            ([host, token, f"  of = {OF_SERVER}"], "token has more than one line"),
        ):
            self.configure(*lines)
            with self.subTest(message), self.assertRaises(ValueError) as caught:
                self.token()
            self.assertIn(f"{self.file}, section [{self.section}]: {message}", str(caught.exception))
            self.assertNotIn(OF_SERVER, str(caught.exception))
            self.shown.invalidate_recordset()
            self.assertEqual(self.shown.credentials_error, str(caught.exception))
            self.assertEqual(self.shown.known_credentials, "Stored: Token")

    def test_of_a_section_that_is_wrong_nothing_is_known(self):
        self.shown.action_forget_credentials()
        self.configure("host = shop.example.com", f"tokn = {OF_SERVER}")
        self.assertFalse(self.shown.known_credentials)
        self.assertIn("tokn is no secret", self.shown.credentials_error)

    def test_what_a_file_that_cannot_be_read_may_have_is_not_replaced_by_what_is_stored(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        self.assertEqual(self.token(), OF_SERVER)
        self.file.unlink()
        self.file.mkdir()
        with self.assertRaisesRegex(ValueError, f"{self.file} cannot be read"):
            self.token()

    def test_a_key_in_pem_has_its_lines(self):
        self.configure("host = shop.example.com", "token = -----BEGIN KEY-----", "  MII", "  -----END KEY-----")
        self.assertEqual(self.token(), "-----BEGIN KEY-----\nMII\n-----END KEY-----")

    def test_an_option_for_all_sections_is_none_of_them(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}", "[DEFAULT]", "retries = 3")
        self.assertEqual(self.token(), OF_SERVER)

    def test_a_line_that_cannot_be_read_is_named_by_its_number(self):
        self.configure("host = shop.example.com", OF_SERVER)
        with self.assertRaises(ValueError) as caught:
            self.token()
        self.assertIn("line 4", str(caught.exception))
        self.assertNotIn(OF_SERVER, str(caught.exception))

    def test_what_is_wrong_is_logged_when_a_database_is_loaded(self):
        here = f"connector:{self.env.cr.dbname}"
        for section, message in (
            (self.section, "tokn is no secret"),
            (f"{here}:res.partner:1", "has no backends of the model res.partner"),
            ("connector:test.shop.backend:1", "its name must be connector:<database>:<model>:<id>"),
            (f"{here}:test.shop.backend:Berlin", "its name must be connector:<database>:<model>:<id>"),
        ):
            self.configure("host = shop.example.com", f"tokn = {OF_SERVER}", section=section)
            with self.subTest(section), self.assertLogs("odoo.addons.connector", "ERROR") as logs:
                self.env["connector.backend"]._register_hook()
            self.assertIn(message, logs.output[0])
            self.assertNotIn(OF_SERVER, logs.output[0])

    def test_a_file_without_mistakes_logs_nothing(self):
        self.configure("host = shop.example.com", f"token = {OF_SERVER}")
        with self.assertNoLogs("odoo.addons.connector", "ERROR"):
            self.env["connector.backend"]._register_hook()


class TestUsedByAdapters(ConfiguredCase, HttpCase):
    def test_a_declared_secret_of_the_server_is_sent_and_masked(self):
        class Adapter(RestAdapter):
            base, path = field("location"), "/things"
            headers = {"X-Api-Key": secret("token")}

        self.serve(Answer({"message": f"What is {OF_SERVER}?"}, 422))
        self.backend.location = self.server.url
        self.configure(f"host = {urlsplit(self.server.url).netloc}", f"token = {OF_SERVER}")
        error = self.error_of(lambda: Adapter(self.environment()).read(7))
        self.assertEqual(self.server.requests[0].headers["X-Api-Key"], OF_SERVER)
        self.assertIn("What is ***?", str(error))
