"""The connection test tells by a sentence each thing that may be wrong, and changes nothing."""

import json
import os
import socket
import ssl
import threading
import xmlrpc.client
from datetime import timedelta
from email.utils import format_datetime
from unittest.mock import patch
from warnings import catch_warnings

from urllib3.exceptions import InsecureRequestWarning

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.declaration import (
    Basic,
    Bearer,
    Call,
    CursorPages,
    GraphQLAdapter,
    Login,
    NumberPages,
    OAuth2,
    OnePage,
    RestAdapter,
    RpcAdapter,
    Since,
    field,
    secret,
)
from odoo.addons.connector.exception import CredentialsRefused, NetworkRetryableError
from odoo.addons.connector.testing import Answer, ConnectorCase
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.backend_adapter.auth import BearerAuth
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter, CRUDAdapter
from odoo.addons.connector.unit.backend_adapter.http import HttpAdapter
from odoo.addons.connector.unit.connection_test import checks, traffic
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter

from ..units import webshop_2
from .certificate import own_certificate
from .common import ShopCase

PARTNERS, TAGS = "Test Shop Partner", "Test Shop Tag"
SECRET = "s3cr3t-t0ken"


class DeclaredShop(RestAdapter):
    """What most tests test: a system with REST."""

    base, auth, paginator = field("location"), Bearer(secret("token")), NumberPages(size=50)

    @property
    def path(self):
        return f"/{self.environment.model_name.rpartition('.')[2]}"


class WrittenShop(HttpAdapter):
    """The same, written by hand; it always reads the whole list."""

    @property
    def _base_url(self):
        return self.backend_record.location

    def _auth(self):
        return BearerAuth(self.backend_record.sudo().token)

    def search(self, filters=None):
        return [record["id"] for page in self.pages_by_number("/things", size=1) for record in page]


class ConnectionCase(ConnectorCase, ShopCase):
    """A backend of the version 2.0, whose models are all served by one adapter."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.enterContext(registering(webshop_2))
        self.answers = {}
        self.server = self.serve(self.answer)
        self.backend.write({"version": "2.0", "location": self.server.url, "token": SECRET})
        self.env.flush_all()

    def answer(self, request):
        """Answer as ``answers`` says: by path, or for all paths by None; else an empty list."""
        if request.path == "/":
            return self.answers.get("/", Answer("<html>Welcome</html>", headers={"Content-Type": "text/html"}))
        found = self.answers.get(request.path, self.answers.get(None, Answer([])))
        return found(request) if callable(found) else found

    def find(self, adapter_class=DeclaredShop, **attributes):
        """Press the button while an adapter serves; return {subject: (outcome, text)}."""
        with registering(webshop_2):
            webshop_2(type(adapter_class.__name__, (adapter_class,), attributes))
            lines = self.pressed().line_ids
        for line in lines:
            self.assertNotIn(SECRET, line.text)
        self.assertEqual(len(set(lines.mapped("subject"))), len(lines))
        return {line.subject: (line.outcome, line.text) for line in lines}

    def pressed(self):
        action = self.backend.action_test_connection()
        return self.env[action["res_model"]].browse(action["res_id"])

    def assertFound(self, found, subject, outcome, text):
        self.assertEqual(found[subject][0], outcome, found[subject][1])
        self.assertRegex(found[subject][1], text)

    def assertNothingElseAsked(self, found, *subjects):
        for subject in found.keys() - {*subjects}:
            self.assertEqual(found[subject], ("not_asked", "Not asked."), subject)

    def asked(self):
        return [request for request in self.server.requests if request.path != "/"]


class TestAllRight(ConnectionCase):
    def test_each_thing_has_its_sentence(self):
        found = self.find(who_am_i=lambda adapter: "ada", system_version=lambda adapter: "7.2")
        self.assertEqual(list(found)[:3], ["Address", "Certificate", "Login"])
        self.assertEqual(list(found)[-2:], ["Clock", "Version"])
        self.assertFound(found, "Address", "ok", rf"^{self.server.url} answers\.$")
        self.assertFound(found, "Login", "ok", "accepts us as ada")
        self.assertFound(found, PARTNERS, "ok", "may list them")
        self.assertFound(found, "Clock", "ok", "agrees with ours")
        self.assertFound(found, "Version", "ok", "says that it is 7.2")

    def test_what_the_system_does_not_say_is_not_all_right(self):
        found = self.find()
        self.assertFound(found, "Login", "ok", "accepts us. As whom, it does not say")
        self.assertFound(found, "Version", "unknown", "does not say it")

    def test_each_list_is_asked_for_one_record_by_one_request(self):
        self.find()
        asked = self.asked()
        self.assertEqual(len({request.path for request in asked}), len(asked))
        self.assertEqual({request.params["per_page"] for request in asked}, {"1"})
        self.assertEqual({request.method for request in self.server.requests}, {"GET"})

    def test_a_system_that_has_no_page_so_small_is_asked_for_a_declared_one(self):
        self.answers[None] = lambda request: Answer(
            *([[]] if request.params["per_page"] == "50" else [{"message": "10 at least"}, 422])
        )
        self.assertFound(self.find(), PARTNERS, "ok", "may list them")

    def test_an_empty_list_is_as_good_as_another(self):
        self.answers["/partner"] = Answer([{"id": 1}])
        found = self.find()
        self.assertEqual(found[PARTNERS], found[TAGS])

    def test_it_is_shown_in_a_dialog_that_stays(self):
        with registering(webshop_2):
            webshop_2(type("Adapter", (DeclaredShop,), {}))
            action = self.backend.action_test_connection()
        self.assertEqual((action["target"], action["views"][0][1]), ("new", "form"))
        test = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((test.backend_id, test.outcome, test.waits), (self.backend, "unknown", False))
        self.assertIn("Nothing is wrong", Form(test)._view["tree"].find(".//div[2]").text)


class TestAddress(ConnectionCase):
    def at(self, location):
        self.backend.write({"location": location, "token": SECRET})
        return self.find()

    def test_a_host_that_nobody_knows(self):
        unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        location = self.server.url.replace("127.0.0.1", "localhost")
        with patch("socket.getaddrinfo", side_effect=unknown):
            found = self.at(location)
        self.assertFound(found, "Address", "wrong", "Nobody knows the host localhost: check how it is spelled")
        self.assertNothingElseAsked(found, "Address")

    def test_a_port_at_which_nothing_listens(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            found = self.at(f"http://127.0.0.1:{port}")
        self.assertFound(found, "Address", "wrong", f"127.0.0.1 refuses a connection to port {port}: check the port")
        self.assertNothingElseAsked(found, "Address")

    def test_a_system_that_does_not_answer_in_time(self):
        over = threading.Event()
        self.addCleanup(over.set)
        self.patch(traffic, "SECONDS_OF_REQUEST", 0.2)
        self.answer = lambda request: over.wait() and Answer()
        self.server = self.serve(self.answer)
        found = self.at(self.server.url)
        self.assertFound(found, "Address", "wrong", "has not answered at port .* for 0.2 s: .*firewall")
        self.assertNothingElseAsked(found, "Address")

    def test_an_address_without_https_that_leads_to_one_with_it(self):
        there = f"https://127.0.0.1/{SECRET}"
        self.answers["/"] = Answer("", 301, {"Location": there})
        found = self.find()
        self.assertFound(found, "Address", "wrong", r"leads to https://127\.0\.0\.1/.*: enter https://")
        self.assertFalse(self.asked())

    def test_a_home_page_that_is_elsewhere_is_nothing_wrong(self):
        self.answers["/"] = Answer("", 302, {"Location": "https://developers.example.com"})
        self.assertFound(self.find(), "Address", "ok", "answers")

    def test_a_list_that_is_at_another_address(self):
        self.answers[None] = Answer("", 301, {"Location": "https://www.example.com/partner"})
        found = self.find()
        self.assertFound(
            found, "Address", "wrong", r"redirects to https://www\.example\.com/partner: enter the address"
        )
        self.assertNothingElseAsked(found, "Address", "Certificate", "Clock")
        self.assertEqual(len(self.asked()), 1)

    def test_a_web_page_where_an_api_is_expected(self):
        page = {"Content-Type": "text/html; charset=utf-8"}
        for answer in (Answer("<html>Please log in</html>", 200, page), Answer("<h1>Blocked</h1>", 403, page)):
            self.answers[None] = answer
            found = self.find()
            self.assertFound(found, "Address", "wrong", "answers with a web page, .*check the path of the address")
            self.assertNothingElseAsked(found, "Address", "Certificate", "Clock")

    def test_something_else_that_answers(self):
        self.answers[None] = Answer("Welcome")
        found = self.find()
        self.assertFound(found, "Address", "wrong", "is not what is expected of it. Check in the backend: Location")
        self.assertNothingElseAsked(found, "Address", "Certificate", "Clock")

    def test_json_that_is_called_a_web_page_is_json(self):
        self.answers[None] = Answer("[]", 200, {"Content-Type": "text/html"})
        self.assertFound(self.find(), "Address", "ok", "answers")

    def test_a_system_that_is_down(self):
        self.answers[None] = Answer("", 503)
        found = self.find()
        self.assertFound(found, "Address", "wrong", "has a problem: Service Unavailable")
        self.assertNothingElseAsked(found, "Address", "Certificate", "Clock")

    def test_a_system_that_is_busy_is_not_called_wrong(self):
        self.answers[None] = Answer({"message": "slow down"}, 429)
        self.assertFound(self.find(), "Address", "unknown", "is busy: slow down")

    def test_an_address_that_is_none(self):
        for location in ("shop.example.com", "http://["):
            found = self.at(location)
            self.assertFound(found, "Address", "wrong", "is not an address .*enter one such as https://")

    def test_an_address_that_is_not_entered(self):
        self.assertFound(self.at(False), "Address", "wrong", "Location of Test Shop is empty")

    def test_https_at_a_port_that_has_none(self):
        found = self.at(self.server.url.replace("http:", "https:"))
        self.assertFound(found, "Address", "wrong", "does not speak https at port .*or enter http://")

    def test_a_password_in_the_address_is_not_shown(self):
        found = self.at(self.server.url.replace("://", "://ada:pa55w0rd@"))
        self.assertNotIn("pa55w0rd", str(found))


class TestCertificate(ConnectionCase):
    def shown(self, is_trusted=True, **options):
        """Press the button while the system shows a certificate."""
        file = self.enterContext(own_certificate(**options))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = self.server = self.serve(self.answer)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.backend.write({"location": server.url.replace("http:", "https:"), "token": SECRET})
        with patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": str(file)} if is_trusted else {}):
            return self.find()

    def assertRefused(self, found, text):
        self.assertFound(found, "Certificate", "wrong", text)
        self.assertFound(found, "Address", "ok", "answers")
        self.assertNothingElseAsked(found, "Certificate", "Address")
        self.assertFalse(self.server.requests)
        self.assertEqual(self.backend.state, "ready")

    def test_one_that_is_valid(self):
        self.assertFound(self.shown(address="127.0.0.1"), "Certificate", "ok", "is valid")

    def test_one_of_nobody_whom_we_trust(self):
        self.assertRefused(self.shown(is_trusted=False, address="127.0.0.1"), "of nobody whom this server trusts")

    def test_one_that_has_expired(self):
        self.assertRefused(self.shown(address="127.0.0.1", days=-1), "has expired: .*renew it")

    def test_one_that_is_not_valid_yet(self):
        self.assertRefused(self.shown(address="127.0.0.1", days=20), "not valid yet: check the clock of this server")

    def test_one_for_another_name(self):
        self.assertRefused(self.shown(address="127.0.0.2"), "for another name than 127.0.0.1: enter the address")

    def test_one_that_is_not_verified_is_not_all_right(self):
        self.backend.verify_ssl = False
        with catch_warnings(category=InsecureRequestWarning, action="ignore"):
            found = self.shown(is_trusted=False)
        self.assertFound(found, "Certificate", "unknown", "not verified, as “Verify the Certificate” is off")
        self.assertFound(found, PARTNERS, "ok", "may list them")

    def test_without_https_there_is_none(self):
        self.assertFound(self.find(), "Certificate", "unknown", "begins with http.*can read our credentials")


class TestLogin(ConnectionCase):
    def test_one_that_is_refused_names_the_field_and_what_the_system_says(self):
        self.answers[None] = Answer({"message": f"Unknown token {SECRET}"}, 401)
        found = self.find()
        self.assertFound(found, "Login", "wrong", r"refuses our credentials \(Unknown token .*\)\. Look at: Token\.$")
        self.assertNothingElseAsked(found, "Address", "Certificate", "Login", "Clock")
        self.assertEqual(len(self.asked()), 1)

    def test_the_fields_are_those_that_are_declared(self):
        self.answers[None] = Answer({"message": "No"}, 401)
        found = self.find(auth=Basic(field("name"), secret("client_secret")))
        self.assertFound(found, "Login", "wrong", "is empty")
        self.backend.client_secret = SECRET
        found = self.find(auth=Basic(field("name"), secret("client_secret")))
        self.assertFound(found, "Login", "wrong", r"Look at: Name, Secret of the Client\.$")

    def test_of_an_adapter_written_by_hand_they_are_the_secrets_of_the_backend(self):
        self.answers[None] = Answer({"message": "No"}, 401)
        self.assertFound(self.find(WrittenShop), "Login", "wrong", r"Look at: Secret of the Client, Token\.$")

    def test_a_backend_without_fields_for_a_login(self):
        self.answers[None] = Answer({"message": "No"}, 401)
        found = self.find(WrittenShop, _login_fields=lambda adapter: [])
        self.assertFound(found, "Login", "wrong", r"refuses us \(No\), and this backend has no field for a login")

    def test_a_token_that_is_not_entered(self):
        self.backend.token = False
        found = self.find()
        self.assertFound(found, "Login", "wrong", "Token of Test Shop is empty: enter it")
        self.assertFalse(self.asked())

    def test_a_password_before_the_whole_shop(self):
        self.answers[None] = Answer("", 401, {"WWW-Authenticate": 'Basic realm="staging"'})
        self.assertFound(self.find(), "Login", "wrong", "something in front of the system")
        self.backend.client_secret = SECRET
        found = self.find(auth=Basic("ada", secret("client_secret")))
        self.assertFound(found, "Login", "wrong", "refuses our credentials")

    def test_an_address_of_tokens_that_refuses(self):
        self.answers["/login"] = Answer({"message": "Wrong password"}, 403)
        found = self.find(auth=Login(path="/login", json={"key": secret("token")}, token="token"))
        self.assertFound(found, "Login", "wrong", r"refuses our credentials \(Wrong password\)\. Look at: Token\.$")

    def test_a_session_that_is_denied(self):
        fault = xmlrpc.client.dumps(xmlrpc.client.Fault(2, "Access denied."))
        self.answers[None] = Answer(fault, headers={"Content-Type": "text/xml"})

        class Shop(RpcAdapter):
            base, login, denied = field("location"), Call("login", "ada", secret("token")), {2}
            list, paginator = Call("customer.list"), OnePage()

        self.assertFound(self.find(Shop), "Login", "wrong", r"\(Access denied\)\. Look at: Token\.$")

    def test_who_is_accepted_once_is_not_called_refused_for_a_missing_right(self):
        self.answers["/tag"] = Answer({"message": "Scope tags is missing"}, 401)
        found = self.find(who_am_i=lambda adapter: "ada")
        self.assertFound(found, "Login", "ok", "as ada")
        self.assertFound(found, TAGS, "wrong", r"may not list them \(Scope tags is missing\)")
        self.assertFound(found, PARTNERS, "ok", "may list them")

    def test_what_all_models_have_in_common_is_asked_once(self):
        self.answers["/me"] = Answer({"message": "Scope profile is missing"}, 403)

        def ask(adapter):
            return adapter.request_json("GET", "/me")["login"]

        self.find(who_am_i=ask, system_version=ask)
        self.assertEqual([request.path for request in self.asked()].count("/me"), 2)

    def test_who_is_not_authorised_yet_is_told_which_button_to_press(self):
        found = self.find(auth=OAuth2(token="/token", client="odoo", authorize="/authorize"))
        self.assertFound(found, "Login", "wrong", "press “Authorise” on the backend")

    def test_who_is_asked_for_in_vain_may_list_all_the_same(self):
        self.answers["/me"] = Answer({"message": "Scope profile is missing"}, 403)
        found = self.find(who_am_i=lambda adapter: adapter.request_json("GET", "/me")["login"])
        self.assertFound(found, "Login", "ok", "As whom, it does not say")
        self.assertFound(found, PARTNERS, "ok", "may list them")


class TestRights(ConnectionCase):
    def test_a_right_that_is_missing_is_told_at_its_model_and_the_others_are_asked(self):
        self.answers["/tag"] = Answer({"message": "Scope tags is missing"}, 403)
        found = self.find()
        self.assertFound(found, TAGS, "wrong", r"may not list them \(Scope tags is missing\): give him the right there")
        self.assertFound(found, PARTNERS, "ok", "may list them")

    def test_a_right_whose_name_the_system_says(self):
        error = {"errors": [{"message": "Not allowed", "extensions": {"code": "FORBIDDEN"}}]}
        self.answers[None] = Answer(error)

        class Shop(GraphQLAdapter):
            base, fields, list = field("location"), "id", "orders(first: $size, after: $cursor)"
            paginator = CursorPages(size=50, next="orders.pageInfo.endCursor")

        found = self.find(Shop)
        self.assertFound(found, PARTNERS, "wrong", r"may not list them \(Not allowed\)")
        self.assertFound(found, "Login", "unknown", "accepted no request")
        self.assertIn("orders(first: 1,", json.loads(self.asked()[0].body)["query"])

    def test_a_fault_names_the_right(self):
        def answer(request):
            is_login = b"<methodName>login" in request.body
            found = ("session-7",) if is_login else xmlrpc.client.Fault(2, "Access denied.")
            return Answer(
                xmlrpc.client.dumps(found, methodresponse=is_login or None), headers={"Content-Type": "text/xml"}
            )

        self.answers[None] = answer

        class Shop(RpcAdapter):
            base, login, denied = field("location"), Call("login", "ada", secret("token")), {2}
            list, paginator = Call("customer.list"), OnePage()

        self.assertFound(self.find(Shop), PARTNERS, "wrong", r"lacks the right customer.list there \(Access denied\)")

    def test_a_list_that_no_import_needs_may_be_refused(self):
        self.answers["/user"] = Answer({"message": "Scope users is missing"}, 403)
        found = self.find()
        self.assertFound(found, "Test Shop User", "unknown", "does not import them, so only a comparison needs it")

    def test_a_list_that_is_not_there(self):
        self.answers["/tag"] = Answer({"message": "No route"}, 404)
        self.assertFound(self.find(), TAGS, "wrong", r"no such list \(No route\): check the path of the address")

    def test_a_list_that_has_something_else(self):
        self.answers["/tag"] = Answer({"data": []})
        self.assertFound(self.find(), TAGS, "wrong", "has no list")

    def test_what_a_connector_does_not_list_is_left_out_and_said(self):
        class Shop(DeclaredShop):
            def first_page(self):
                if self.environment.model_name == "test.shop.tag":
                    raise NotImplementedError
                return super().first_page()

        found = self.find(Shop)
        self.assertNotIn(TAGS, found)
        self.assertFound(found, "Other Records", "unknown", f"Left out, as this connector lists none of them: {TAGS}")

    def test_an_adapter_that_reads_the_whole_list_is_stopped_after_some_requests(self):
        self.answers[None] = lambda request: Answer([{"id": int(request.params["page"])}])
        found = self.find(WrittenShop)
        self.assertFound(found, PARTNERS, "ok", "may list them")
        models = len([outcome for outcome, text in found.values() if "may list" in text])
        self.assertEqual(len(self.asked()), traffic.MOST_REQUESTS * models)

    def test_a_test_that_takes_too_long_asks_nothing_more_and_says_so(self):
        self.patch(traffic, "SECONDS_OF_TEST", -1)
        self.assertFound(self.find(), PARTNERS, "not_asked", "test has taken long enough")
        self.assertFalse(self.asked())

    def test_a_list_that_is_too_slow_is_not_known_and_the_others_are_asked(self):
        over = threading.Event()
        self.addCleanup(over.set)
        self.patch(traffic, "SECONDS_OF_REQUEST", 0.2)
        self.answers["/tag"] = lambda request: over.wait() and Answer()
        found = self.find()
        self.assertFound(found, TAGS, "unknown", "has not (answered for|ended after) 0.2 s")
        self.assertFound(found, PARTNERS, "ok", "may list them")

    def test_code_that_fails_is_told_without_its_message_and_logged(self):
        class Shop(DeclaredShop):
            def search(self, filters=None):
                raise KeyError(SECRET)

        with self.assertLogs("odoo.addons.connector.unit.connection_test.checks", "ERROR"):
            found = self.find(Shop)
        self.assertFound(found, PARTNERS, "wrong", "code of the connector fails with KeyError, see the log")

    def test_an_adapter_whose_declaration_is_wrong(self):
        found = self.find(headers={"X-Key": secret("tokn")})
        self.assertFound(found, PARTNERS, "wrong", r"declares secret\('tokn'\).*Is 'token' meant")


class TestClock(ConnectionCase):
    def found(self, adapter_class=DeclaredShop, headers=None, **difference):
        there = fields.Datetime.now() + timedelta(**difference)
        date = format_datetime(there).replace("-0000", "GMT")
        self.answers["/"] = self.answers[None] = Answer([], headers={"Date": date, **(headers or {})})
        return self.find(adapter_class)

    def with_changes(self, **attributes):
        """Let the import of all models rely on our clock alone."""

        class Importer(BulkBatchImporter):
            def _filters_since(self, watermark):
                return None

        webshop_2(type("Importer", (Importer,), attributes))

    def test_one_that_is_some_minutes_away(self):
        self.with_changes()
        for difference, words in ((-4, "behind"), (4, "ahead of")):
            found = self.found(minutes=difference)
            self.assertFound(found, "Clock", "ok", rf"is 0:0\d:\d\d \(h:mm:ss\) {words} ours\. Imports miss nothing")

    def test_one_that_is_so_far_behind_that_imports_miss_changes(self):
        self.with_changes()
        found = self.found(minutes=-20)
        self.assertFound(found, "Clock", "wrong", "0:.* behind ours. Imports look back by less than that, so they miss")
        self.assertFound(found, "Clock", "wrong", "Signed requests may be refused.*Set the clock")

    def test_an_overlap_of_its_own_counts(self):
        self.with_changes(_overlap=timedelta(minutes=1))
        self.assertFound(self.found(minutes=-3), "Clock", "wrong", "look back by less than that")

    def test_where_changes_are_declared_the_clock_that_is_behind_counts(self):
        self.with_changes()

        class Shop(DeclaredShop):
            changed = Since(parameter="since")

        self.assertFound(
            self.found(Shop, minutes=-20), "Clock", "wrong", "Imports miss nothing by that. Signed requests"
        )

    def test_one_that_is_ahead_makes_imports_miss_nothing(self):
        self.with_changes()
        self.assertFound(self.found(hours=3), "Clock", "wrong", "ahead of ours. Imports miss nothing by that. Signed")

    def test_it_is_told_also_if_the_login_is_refused(self):
        self.answers[None] = Answer({}, 401)
        self.assertFound(self.find(), "Clock", "ok", "agrees")

    def test_the_time_of_a_cache_does_not_count(self):
        self.assertFound(self.found(headers={"Age": "9000"}, hours=-3), "Clock", "unknown", "does not tell its time")


class TestOtherAdapters(ConnectionCase):
    class Shop(CRUDAdapter):
        """A shop that is not reached over HTTP."""

        def search(self, filters=None):
            with self.guarded_call():
                return [1]

    def test_one_that_is_asked_otherwise_is_known_by_its_lists(self):
        found = self.find(self.Shop)
        self.assertFound(found, "Address", "ok", "can be reached")
        self.assertFound(found, "Certificate", "unknown", "not asked over HTTP")
        self.assertFound(found, PARTNERS, "ok", "may list them")
        self.assertFound(found, "Clock", "unknown", "does not tell its time")

    def test_its_probe_counts(self):
        def probe(adapter):
            raise NetworkRetryableError("The folder is not there")

        found = self.find(self.Shop, probe=probe)
        self.assertFound(found, "Address", "wrong", "The folder is not there")

    def test_its_refused_credentials_are_told_without_secrets(self):
        def search(adapter, filters=None):
            raise CredentialsRefused(f"Wrong key {SECRET}")

        found = self.find(self.Shop, search=search)
        self.assertFound(found, "Login", "wrong", r"Wrong key \*\*\*")

    def test_one_that_lists_nothing_is_not_known(self):
        found = self.find(BackendAdapter)
        self.assertFound(found, "Address", "unknown", "not known")
        self.assertFound(found, "Other Records", "unknown", PARTNERS)

    def test_a_connector_without_adapters_has_nothing_to_ask(self):
        self.patch(checks, "model_names", lambda backend, session: [])
        found = self.find()
        self.assertFound(found, "Address", "unknown", "has no adapter .* nothing to ask")

    def test_two_systems_are_each_tested(self):
        class Shop(DeclaredShop):
            _model_name = "test.shop.tag"
            base = self.server.url + "/other"

        webshop_2(Shop)
        with registering(webshop_2):
            webshop_2(type("Adapter", (DeclaredShop,), {}))
            lines = self.pressed().line_ids
        addresses = lines.filtered(lambda line: line.subject == "Address").mapped("text")
        self.assertEqual(sorted(addresses), [f"{self.server.url} answers.", f"{self.server.url}/other answers."])


class TestConsequences(ConnectionCase):
    def state(self):
        self.env.invalidate_all()
        status = self.backend._status()
        return self.backend.state, status.failures or 0, self.backend.channel_id.hold_reason

    def test_no_failure_is_noted_on_the_backend(self):
        self.backend.breaker_threshold = 1
        before = self.state()
        for answer in (Answer("", 503), Answer({}, 401), Answer({}, 429, {"Retry-After": "60"}), Answer(status=None)):
            self.answers[None] = answer
            self.find()
            self.assertEqual(self.state(), before)
        self.assertFalse(self.backend.activity_ids)
        self.assertFalse(self.delayed_jobs())

    def test_no_success_resumes_the_backend_and_it_is_said(self):
        self.backend.note_refused("Wrong token")
        before = self.state()
        with registering(webshop_2):
            webshop_2(type("Adapter", (DeclaredShop,), {}))
            test = self.pressed()
        self.assertTrue(test.waits)
        self.assertEqual(self.state(), before)
        self.assertEqual(before[0], "needs_attention")

    def test_new_credentials_resume_it_as_ever(self):
        self.backend.note_refused("Wrong token")
        self.env.invalidate_all()
        self.backend.token = "another"
        self.assertEqual(self.state()[0], "ready")

    def test_a_backend_that_is_paused_or_archived_is_tested(self):
        self.backend.breaker_threshold = 1
        self.backend.note_unreachable("It is down", "test.shop.page")
        self.env.invalidate_all()
        self.backend.active = False
        self.assertFound(self.find(), PARTNERS, "ok", "may list them")

    def test_the_rate_limit_is_obeyed(self):
        self.backend.write({"rate_limit": 1, "rate_limit_period": 1000})
        self.env.flush_all()
        found = self.find()
        self.assertFound(found, "Address", "unknown", "by its rate limit")
        self.assertFalse(self.asked())

    def test_only_managers_test(self):
        for group in ("connector.group_connector_user", "base.group_user"):
            user = new_test_user(self.env, group, group)
            with mute_logger("odoo.addons.base.models.ir_model"), self.assertRaises(AccessError):
                self.backend.with_user(user).action_test_connection()
        manager = new_test_user(self.env, "tester", "connector.group_connector_manager")
        with registering(webshop_2):
            webshop_2(type("Adapter", (DeclaredShop,), {}))
            action = self.backend.with_user(manager).action_test_connection()
        lines = self.env[action["res_model"]].with_user(manager).browse(action["res_id"]).line_ids
        self.assertIn("agrees with ours", lines.mapped("text")[-2])
