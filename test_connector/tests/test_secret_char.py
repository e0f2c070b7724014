"""Secrets of backends: who reads and writes them, and when they are forgotten.

``test_secrets.py`` tries the usual ways to read and forge them.
"""

import traceback

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form
from odoo.tools import mute_logger

from odoo.addons.connector import SecretChar
from odoo.addons.connector.testing import Roles

from .common import ShopCase

TOKEN = "t0k3n"


class SecretCharCase(Roles, ShopCase):
    """A backend with a token, as a manager sees it (``shown``)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend.write({"location": "https://shop.example.com/api", "token": TOKEN})
        cls.shown = cls.backend.with_user(cls.manager)
        cls.env.flush_all()

    def token(self, backend=None):
        return (backend or self.backend).sudo().token


class TestReading(SecretCharCase):
    def test_code_reads_it_by_sudo(self):
        self.env.invalidate_all()
        self.assertEqual(self.shown.sudo().token, TOKEN)
        self.assertEqual(self.shown.sudo().read(["token"])[0]["token"], TOKEN)

    def test_a_user_reads_nothing_and_takes_nothing_away_from_code(self):
        self.env.invalidate_all()
        self.assertEqual(self.shown.read(["name", "token"])[0]["token"], False)
        self.assertEqual((self.shown.token, self.shown.mapped("token")), (False, [False]))
        self.assertNotIn(TOKEN, str(self.shown.get_field_translations("token")))
        self.assertEqual(self.token(), TOKEN)

    def test_a_user_reads_nothing_that_code_has_put_into_the_cache(self):
        self.assertEqual(self.token(), TOKEN)
        self.assertEqual(self.shown.web_read({"token": {}})[0]["token"], False)
        self.assertFalse(self.shown.token)

    def test_a_template_of_a_user_shows_nothing(self):
        self.manager.group_ids += self.env.ref("mail.group_mail_template_editor")
        values = {"name": "Leak", "model_id": self.env["ir.model"]._get_id("test.shop.backend")}
        body = '<p><t t-out="object.name"/> <t t-out="object.token"/></p>'
        template = self.env["mail.template"].with_user(self.manager).create({**values, "body_html": body})
        rendered = template._render_field("body_html", self.shown.ids)[self.shown.id]
        self.assertIn("Test Shop", rendered)
        self.assertNotIn(TOKEN, rendered)

    def test_an_onchange_shows_nothing(self):
        changed = self.shown.onchange({"location": "https://evil.example.com"}, ["location"], {"token": {}, "name": {}})
        self.assertNotIn(TOKEN, str(changed))

    def test_code_of_an_onchange_gets_what_is_entered_and_nothing_that_is_stored_for_another_server(self):
        edited = self.shown.new({"location": "https://evil.example.com"}, origin=self.shown)
        self.assertFalse(edited.sudo().token)
        self.assertEqual(self.shown.new({"token": " entered "}, origin=self.shown).sudo().token, "entered")

    def test_nobody_filters_by_it_in_memory_either(self):
        for backend in (self.shown, self.backend):
            with self.assertRaisesRegex(AccessError, "Token of Test Shop is a secret: nobody can search"):
                backend.filtered_domain([("token", "=like", "t%")])

    def test_to_a_user_no_order_in_memory_tells_it(self):
        low = self.backend.create({"name": "Low", "token": "a"})
        self.assertGreater(TOKEN, low.token)
        self.assertEqual((self.shown + low).sorted("token").ids, [self.shown.id, low.id])

    def test_nobody_searches_by_it_not_even_code_that_works_for_a_user(self):
        for search in (
            lambda: self.backend.search([("token", "=", TOKEN)]),
            lambda: self.backend.search([], order="token"),
            lambda: self.backend._read_group([], ["token"]),
        ):
            with self.assertRaisesRegex(AccessError, "is a secret"):
                search()
        self.assertEqual(self.backend.search([]).filtered("token"), self.backend)

    def test_a_field_that_is_related_to_it_tells_nothing(self):
        page = self.env["test.shop.page"].create({"backend_id": self.backend.id}).with_user(self.manager)
        self.assertNotIn("backend_token", page.fields_get())
        for way in (
            lambda: page.read(["backend_token"]),
            lambda: page.search([("backend_token", "=like", "t%")]),
            lambda: page.search([], order="backend_token"),
            lambda: page.formatted_read_group([], ["backend_token"], ["__count"]),
        ):
            with self.assertRefused():
                way()

    def test_the_client_offers_neither_to_search_nor_to_sort_group_or_export_it(self):
        offered = self.shown.fields_get(["token"])["token"]
        names = ("searchable", "sortable", "groupable", "exportable", "required", "readonly")
        self.assertEqual([offered[name] for name in names], [False] * 6)

    def test_a_stored_default_is_none(self):
        self.env["ir.default"].set("test.shop.backend", "token", "everybody's")
        self.assertNotIn("token", self.shown.default_get(["token", "name"]))
        self.assertNotIn("token", self.shown.with_context(default_token="x").default_get(["token"]))
        self.assertFalse(self.token(self.shown.create({"name": "New"})))

    def test_a_copy_has_none_and_no_message_is_posted(self):
        self.assertFalse(self.token(self.backend.copy()))
        self.shown.token = "another"
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.assertFalse(self.backend.message_ids.tracking_value_ids)

    @mute_logger("odoo.sql_db")
    def test_an_error_of_the_database_does_not_answer_with_the_row(self):
        new = {"name": "New", "token": TOKEN, "exchange_log": False}
        for write, message in (
            (lambda: self.shown.write({"exchange_log_days": 0}), "kept for a day at least"),
            (lambda: self.shown.write({"exchange_log": False}), "Missing required value"),
            (lambda: self.shown.create(new), "Missing required value"),
        ):
            with self.assertRaises(psycopg2.IntegrityError) as caught, self.cr.savepoint():
                write()
                self.env.flush_all()
            # a client is answered with a message and with the traceback
            said = self.shown._sql_error_to_message(caught.exception)
            self.assertIn(message, said)
            self.assertNotIn(TOKEN, said + "".join(traceback.format_exception(caught.exception)))


class TestWriting(SecretCharCase):
    def test_blanks_around_it_are_left_out(self):
        self.shown.token = "  another\n"
        self.assertEqual(self.token(), "another")

    def test_a_form_that_is_saved_without_it_keeps_it(self):
        with Form(self.shown, "connector.connector_backend_view_form") as form:
            form.name = "Renamed"
        for empty in (False, "", "  "):
            self.shown.write({"name": "Renamed again", "token": empty})
        self.assertEqual(self.token(), TOKEN)

    def test_code_empties_it(self):
        self.backend.token = False
        self.env.invalidate_all()
        self.assertIs(self.token(), False)

    def test_a_manager_forgets_it_by_a_button_and_others_may_not(self):
        for user in self.outsiders + self.user + self.other_manager:
            with self.assertRefused():
                self.backend.with_user(user).action_forget_credentials()
        self.shown.action_forget_credentials()
        self.assertFalse(self.token())

    def test_it_can_be_entered_by_who_may_write_the_backend_alone(self):
        for user in self.outsiders + self.user:
            with self.assertRefused():
                self.backend.with_user(user).token = "forged"
        self.shown.token = "another"
        self.assertEqual(self.token(), "another")

    def test_a_new_one_lets_the_jobs_go_on_and_an_empty_one_does_not(self):
        status = self.env["connector.backend.status"]._locked(self.backend)
        for vals, state in (
            ({"token": False}, "needs_attention"),
            ({"name": "Renamed"}, "needs_attention"),
            ({"client_secret": "new"}, "ready"),
        ):
            status.state = "needs_attention"
            self.shown.write(vals)
            self.assertEqual(status.state, state, vals)

    def test_forgetting_lets_no_job_go_on(self):
        status = self.env["connector.backend.status"]._locked(self.backend)
        status.state = "needs_attention"
        self.shown.action_forget_credentials()
        self.assertEqual(status.state, "needs_attention")


class TestKnownCredentials(SecretCharCase):
    def known(self, backend):
        return backend.web_read({"known_credentials": {}})[0]["known_credentials"]

    def test_the_form_says_which_are_stored(self):
        self.assertEqual(self.known(self.shown), "Stored: Token")
        self.shown.client_secret = "s"
        self.assertEqual(self.known(self.shown), "Stored: Secret of the Client, Token")
        self.assertTrue(self.shown.has_stored_credentials)
        self.shown.action_forget_credentials()
        self.assertFalse(self.known(self.shown) or self.shown.has_stored_credentials)

    def test_the_form_says_at_once_that_another_server_gets_none(self):
        def changed(location):
            return self.shown.onchange({"location": location}, ["location"], {"location": {}, "known_credentials": {}})

        self.assertEqual(changed("https://elsewhere.example.com")["value"], {"known_credentials": False})
        self.assertFalse(changed("https://shop.example.com/v2").get("value"))


class TestForgetting(SecretCharCase):
    def test_another_scheme_host_or_port_forgets_it_and_another_path_does_not(self):
        for location, kept in (
            ("https://shop.example.com/v2", True),
            ("https://SHOP.example.com:443", True),
            (" https://shop.example.com/api", True),
            ("http://shop.example.com/api", False),
            ("https://shop.example.com:8443/api", False),
            ("https://shop.example.com.evil.com/api", False),
            ("https://shop.example.com@evil.com/api", False),
            ("https://evil.com\\@shop.example.com/api", False),
            ("//shop.example.com/api", False),
            ("https://[evil", False),
            ("", False),
            (False, False),
        ):
            with self.subTest(location):
                self.backend.write({"location": "https://shop.example.com/api", "token": TOKEN, "client_secret": "s"})
                self.shown.location = location
                self.assertEqual((self.token(), self.backend.client_secret), (TOKEN, "s") if kept else (False, False))

    def test_what_is_entered_with_the_new_address_stays_and_the_rest_is_forgotten(self):
        self.backend.client_secret = "s"
        self.shown.write({"token": "for elsewhere", "location": "https://elsewhere.example.com"})
        self.assertEqual((self.token(), self.backend.client_secret), ("for elsewhere", False))

    def test_of_several_backends_those_that_move_forget_it(self):
        there = self.backend.create({"name": "There", "location": "https://there.example.com", "token": TOKEN})
        (self.shown + there).location = "https://there.example.com/api"
        self.assertEqual((self.token(), self.token(there)), (False, TOKEN))

    def test_the_secret_of_the_webhook_stays(self):
        self.backend.stored_webhook_secret = "s3cr3t"
        self.shown.location = "https://elsewhere.example.com"
        self.assertEqual(self.backend.stored_webhook_secret, "s3cr3t")

    def test_who_may_not_write_the_backend_lets_it_forget_nothing(self):
        with self.assertRefused():
            self.backend.with_user(self.user).location = "https://elsewhere.example.com"
        self.assertEqual(self.token(), TOKEN)

    def test_a_neutralized_database_has_none(self):
        for query in get_neutralization_queries(["connector"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertEqual((self.token(), self.backend.location), (False, "https://shop.example.com/api"))


class TestDefinition(SecretCharCase):
    def test_a_field_that_it_replaces_leaves_it_no_option_that_would_show_it(self):
        field = self.backend._fields["client_secret"]
        self.assertTrue(field.store)
        self.assertFalse(self.backend.create({"name": "New"}).client_secret, "no default")
        self.shown.client_secret = "s3cr3t"
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.assertFalse(self.backend.message_ids.tracking_value_ids, "nor a message")
        self.assertFalse(self.backend.copy().client_secret, "nor a copy")
        self.assertFalse(field.index or field.compute)
        self.assertEqual((field.string, field._modules), ("Secret of the Client", ("test_connector",)))

    def test_what_would_show_it_is_no_option_of_it(self):
        for option in ("tracking", "index", "default", "copy", "translate", "compute", "related", "company_dependent"):
            with self.subTest(option), self.assertRaisesRegex(TypeError, rf"SecretChar\({option}=...\).* string, help"):
                SecretChar(**{option: True})

    def test_its_model_must_be_a_backend(self):
        field = SecretChar()
        with self.assertRaisesRegex(TypeError, "res.partner must inherit connector.backend"):
            field.setup_nonrelated(self.env["res.partner"])

    def test_an_extension_that_makes_a_readable_field_of_it_is_refused(self):
        model = type(self.backend)
        self.patch(model, "_fields", {**model._fields, "token": fields.Char()})
        with self.assertRaisesRegex(TypeError, "test.shop.backend.token is a SecretChar: extend it by another one"):
            self.backend._register_hook()

    def test_a_location_that_is_computed_is_refused(self):
        self.patch(type(self.backend), "_location_field", "display_name")
        with self.assertRaisesRegex(
            ValueError, "test.shop.backend.display_name is computed, .* field that people enter"
        ):
            self.backend._register_hook()

    def test_a_location_that_differs_by_company_is_refused(self):
        self.patch(self.backend._fields["location"], "company_dependent", True)
        with self.assertRaisesRegex(ValueError, "company-dependent: it changes without being written"):
            self.backend._register_hook()

    def test_a_field_for_the_location_that_is_not_there_is_refused(self):
        self.patch(type(self.backend), "_location_field", "lokation")
        with self.assertRaisesRegex(ValueError, "test.shop.backend, _location_field is 'lokation'"):
            self.backend._register_hook()
