"""Authentication that is declared, against servers that check it."""

import base64
import hashlib
import hmac
import json
import re
import traceback
import xmlrpc.client
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tests.common import HttpCase as BrowserCase
from odoo.tests.common import new_test_user

from odoo.addons.connector.declaration import (
    ApiKey,
    Authentication,
    Basic,
    Bearer,
    Call,
    Hmac,
    Jwt,
    Login,
    OAuth1,
    OAuth2,
    OnePage,
    RestAdapter,
    RpcAdapter,
    field,
    secret,
)
from odoo.addons.connector.exception import CredentialsRefused, FailedJobError, UnreadableAnswer
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.backend_adapter import tokens
from odoo.addons.connector.unit.backend_adapter.tokens import TokenAnswer
from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError

from ..units import webshop
from .test_http_adapter import HttpCase

SECRET = secret("stored_webhook_secret")
CLIENT = {"token": "/oauth/token", "client": field("name"), "secret": SECRET}


class Things(RestAdapter):
    base = field("location")
    path, paginator = "/things", OnePage()


class AuthenticationCase(HttpCase):
    def setUp(self):
        super().setUp()
        if not isinstance(self, BrowserCase):  # which has done it
            self.registry_enter_test_mode()
        self.backend.write({"exchange_log": "all", "stored_webhook_secret": "s3cr3t"})
        self.env.flush_all()

    def adapter(self, auth=None, **attributes):
        """Return an adapter of things, which authenticates like this."""
        self.backend.location = self.server.url
        self.env.flush_all()
        return type("Things", (Things,), {"auth": auth, **attributes})(self.environment())

    def read_with(self, auth):
        """Read a thing; return the request for it."""
        self.serve(Answer({"id": 7}))
        self.adapter(auth).read(7)
        return self.server.requests[-1]

    def serve_tokens(self, answers, valid):
        """Serve things to who has a valid token.

        :param answers: the answers of the token endpoint, one after the other
        :param valid: set of the tokens that are valid
        """
        answers = iter(answers)

        def answer(request):
            if request.path == "/oauth/token":
                following = next(answers)
                return following if isinstance(following, Answer) else Answer(following)
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            return Answer({"id": 7}) if token in valid else Answer({"message": "bad token"}, 401)

        return self.serve(answer)

    def forms(self):
        """Return the forms that the token endpoint has received."""
        asked = (request for request in self.server.requests if request.path == "/oauth/token")
        return [dict(parse_qsl(request.body.decode())) for request in asked]

    def stored(self):
        token = self.env["connector.token"].search([("backend_id", "=", self.backend.id)])
        token.invalidate_recordset()
        return token

    def assertNothingTold(self, *told):
        exchanges = self.env["connector.exchange"].search([])
        text = json.dumps(exchanges.read(), default=str)
        for word in told:
            self.assertNotIn(word, text)


class TestCredentials(AuthenticationCase):
    def test_user_and_password(self):
        request = self.read_with(Basic(field("name"), SECRET))
        self.assertEqual(base64.b64decode(request.headers["Authorization"][6:]), b"Test Shop:s3cr3t")

    def test_a_token_that_somebody_has_entered(self):
        self.assertEqual(self.read_with(Bearer(SECRET)).headers["Authorization"], "Bearer s3cr3t")

    def test_a_key_in_a_header(self):
        self.assertEqual(self.read_with(ApiKey(SECRET, header="X-Api-Key")).headers["X-Api-Key"], "s3cr3t")

    def test_a_key_in_the_address(self):
        self.backend.stored_webhook_secret = "s3cr3t&x"
        self.env.flush_all()
        self.assertEqual(self.read_with(ApiKey(SECRET, parameter="key")).params, {"key": "s3cr3t&x"})
        self.assertNothingTold("s3cr3t")

    def test_a_key_in_the_address_of_a_link_is_not_there_twice(self):
        self.serve(Answer({"id": 7}))
        adapter = self.adapter(ApiKey(SECRET, parameter="key"))
        adapter.request("GET", f"{self.server.url}/things?key=former&page=2")
        self.assertEqual(self.server.requests[0].params, {"page": "2", "key": "s3cr3t"})
        self.assertEqual(self.env["connector.exchange"].search([]).url.count("key="), 1)

    def test_credentials_with_a_line_break_are_refused_and_not_told(self):
        self.backend.stored_webhook_secret = "s3cr3t\nX-Evil: 1"
        self.env.flush_all()
        self.serve(Answer({"id": 7}))
        for auth in (Bearer(SECRET), ApiKey(SECRET, header="X-Api-Key")):
            with self.assertRaisesRegex(FailedJobError, "have a line break") as caught:
                self.adapter(auth).read(7)
            self.assertNotIn("s3cr3t", "".join(traceback.format_exception(caught.exception)))

    def test_a_signature_of_the_body(self):
        self.serve(Answer({"id": 7}))
        self.adapter(Hmac(key=SECRET, digest="sha512", prefix="v1=")).create({"name": "Ada"})
        (request,) = self.server.requests
        signature = hmac.new(b"s3cr3t", request.body, "sha512").hexdigest()
        self.assertEqual(request.headers["X-Signature"], f"v1={signature}")

    def test_a_signature_of_oauth_1(self):
        self.serve(Answer([{"id": 7}]))
        auth = OAuth1(client="c", secret=SECRET, token="t", token_secret=field("name"))
        self.adapter(auth, params={"q": "a b"}).search()
        (request,) = self.server.requests
        given = dict(re.findall(r'(\w+)="([^"]*)"', request.headers["Authorization"]))
        signature = unquote(given.pop("oauth_signature"))
        # the base string of RFC 5849, section 3.4.1
        pairs = sorted([*given.items(), ("q", quote("a b"))])
        parts = ["GET", f"{self.server.url}/things", "&".join(f"{name}={value}" for name, value in pairs)]
        key = f"s3cr3t&{quote('Test Shop')}".encode()
        signed = hmac.new(key, "&".join(quote(part, safe="") for part in parts).encode(), hashlib.sha256)
        self.assertEqual(signature, base64.b64encode(signed.digest()).decode())
        self.assertEqual((given["oauth_consumer_key"], given["oauth_token"]), ("c", "t"))

    def test_while_a_secret_is_empty_nothing_is_sent(self):
        self.backend.stored_webhook_secret = False
        self.env.flush_all()
        for auth in (Bearer(SECRET), OAuth2(**CLIENT), Jwt(key=SECRET, claims={}), ApiKey(SECRET, parameter="key")):
            self.serve(Answer({"id": 7}))
            with self.subTest(auth), self.assertRaisesRegex(CredentialsRefused, "is empty: enter it"):
                self.adapter(auth).read(7)
            self.assertEqual(self.server.requests, [])

    def test_an_author_may_add_a_way_of_his_own(self):
        class Twice(Authentication):
            def of(self, adapter):
                def sign(request):
                    request.headers["X-Twice"] = adapter.backend_record.name * 2
                    return request

                return sign

        self.assertEqual(self.read_with(Twice()).headers["X-Twice"], "Test ShopTest Shop")

    def test_what_is_declared_wrongly_is_refused_when_the_class_is_made(self):
        for declare, message in (
            (lambda: ApiKey("k"), "name where the key is sent"),
            (lambda: ApiKey("k", header="a", parameter="b"), "name where the key is sent"),
            (lambda: Hmac(key="k", digest="md4"), "Hmac, digest is 'md4': it must be one of sha1"),
            (lambda: OAuth1(client="c", secret="s", token="t", token_secret="s", signature="x"), "OAuth1, signature"),
            (lambda: OAuth2(token=7, client="c", secret="s"), "OAuth2, token is 7: it must be a path"),
            (lambda: OAuth2(token="/t", client="c"), "OAuth2 has no secret"),
            (lambda: OAuth2(token="/t", client="c", refresh="r", authorize="/a"), "refresh and authorize"),
            (lambda: OAuth2(token="/t", client="c", secret="s", extra=[]), "OAuth2, extra"),
            (lambda: Jwt(key="k", claims={}, algorithm="none"), "Jwt, algorithm is 'none'"),
            (lambda: Jwt(key="k", claims="iss"), "Jwt, claims is 'iss'"),
            (lambda: OAuth2(**{**CLIENT, "token": field("location")}), "OAuth2, token is .* must be a path"),
            (lambda: OAuth2(token="/t", client="c", authorize="/a", extra={"k": SECRET}), "the browser shows these"),
            (lambda: Login(path="/login", json="x"), "Login, json is 'x'"),
            (lambda: Login(path="/login", json={}, token="a["), "Login, token is"),
            (lambda: type("Bad", (Things,), {"auth": "Bearer"}), "auth is 'Bearer': it must be such as Bearer"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                declare()

    def test_a_field_that_the_backend_does_not_have_is_refused_at_the_first_use(self):
        self.serve(Answer({}))
        with self.assertRaisesRegex(
            Exception, r"declares secret\('api_kex'\), but test.shop.backend has no such field"
        ):
            self.adapter(Bearer(secret("api_kex")))


class TestTokens(AuthenticationCase):
    def test_client_credentials_give_a_token_that_all_environments_use(self):
        self.serve_tokens([{"access_token": "t1", "expires_in": 600}], {"t1"})
        for _environment in range(2):
            self.adapter(OAuth2(**CLIENT, scope="read", extra={"audience": "api"})).read(7)
        form = {"grant_type": "client_credentials", "scope": "read", "audience": "api"}
        self.assertEqual(self.forms(), [form])
        sent = self.server.requests[0].headers["Authorization"]
        self.assertEqual(base64.b64decode(sent.removeprefix("Basic ")), b"Test Shop:s3cr3t")

    def test_a_client_may_be_named_in_the_body(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        self.adapter(OAuth2(**CLIENT, in_body=True)).read(7)
        self.assertNotIn("Authorization", self.server.requests[0].headers)
        self.assertLessEqual({"client_id": "Test Shop", "client_secret": "s3cr3t"}.items(), self.forms()[0].items())

    def test_another_process_finds_the_token_in_the_database(self):
        self.serve_tokens([{"access_token": "t1", "expires_in": 600}], {"t1"})
        for _process in range(2):
            self.adapter(OAuth2(**CLIENT)).read(7)
            tokens._known.clear()
        self.assertEqual(len(self.forms()), 1)

    def test_a_token_whose_time_is_over_is_not_sent(self):
        self.serve_tokens([{"access_token": "t1", "expires_in": 600}, {"access_token": "t2"}], {"t1", "t2"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.stored().date_end = self.env.cr.now() - timedelta(seconds=1)
        self.env.flush_all()
        tokens._known.clear()
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.assertEqual(self.server.requests[-1].headers["Authorization"], "Bearer t2")

    def test_a_token_that_is_refused_is_renewed_once(self):
        self.serve_tokens([{"access_token": "t1"}, {"access_token": "t2"}], {"t2"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.assertEqual(len(self.forms()), 2)
        self.assertEqual(self.stored().number, 2)

    def test_a_new_token_that_is_refused_as_well_refuses_our_credentials(self):
        self.serve_tokens([{"access_token": "t1"}, {"access_token": "t2"}], set())
        error = self.error_of(lambda: self.adapter(OAuth2(**CLIENT)).read(7))
        self.assertIsInstance(error, CredentialsRefused)
        self.assertEqual(len(self.server.requests), 4)

    def test_of_two_jobs_whose_token_is_refused_one_renews_it(self):
        asked = iter([TokenAnswer("t1"), TokenAnswer("t2")])
        tokens = self.env["connector.token"]
        first = tokens._current(self.backend, "purpose", None, lambda refresh: next(asked))
        renewed = [tokens._current(self.backend, "purpose", first.number, lambda refresh: next(asked)) for _job in "ab"]
        self.assertEqual([token.access for token in renewed], ["t2", "t2"])

    def test_another_secret_gets_a_token_of_its_own(self):
        """Whoever enters the key of another account, or replaces one that leaked, means it."""
        auth = Login(path="/oauth/token", json={"key": SECRET}, token="access_token")
        for declared in (OAuth2(**CLIENT), auth):
            self.serve_tokens([{"access_token": "t1"}, {"access_token": "t2"}], {"t1", "t2"})
            for key in ("s3cr3t", "another"):
                self.backend.stored_webhook_secret = key
                self.env.flush_all()
                self.adapter(declared).read(7)
            self.assertEqual(self.server.requests[-1].headers["Authorization"], "Bearer t2")

    def test_a_refresh_token_that_comes_with_client_credentials_is_not_needed(self):
        answers = [{"access_token": f"t{at}", "refresh_token": f"r{at}"} for at in (1, 2)]
        self.serve_tokens(answers, {"t2"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.assertEqual({form["grant_type"] for form in self.forms()}, {"client_credentials"})

    def test_a_token_that_no_header_can_have_is_not_readable_and_not_told(self):
        for token in ("", "tok\nen", "tok\0en", 7, None):
            self.serve_tokens([{"access_token": token}], set())
            error = self.error_of(lambda: self.adapter(OAuth2(**CLIENT)).read(7))
            self.assertIsInstance(error, UnreadableAnswer, token)
            self.assertNotIn("tok", str(error))
            self.assertEqual(len(self.server.requests), 1)

    def test_a_request_that_the_token_endpoint_does_not_understand_is_no_matter_of_credentials(self):
        for answer in (Answer({"error": "invalid_scope"}, 400), Answer("<html>blocked", 400)):
            self.serve_tokens([answer], set())
            error = self.error_of(lambda: self.adapter(OAuth2(**CLIENT)).read(7))
            self.assertNotIsInstance(error, CredentialsRefused)
            self.env.invalidate_all()
            self.assertEqual(self.backend.state, "ready")

    def test_what_a_form_for_a_token_has_is_told_by_no_message_and_no_exchange(self):
        said = {"error": "invalid_grant", "error_description": "s3cr3t-refresh was used before"}
        self.backend.stored_webhook_secret = "s3cr3t-refresh"
        self.env.flush_all()
        self.serve_tokens([Answer(said, 400)], set())
        error = self.error_of(lambda: self.adapter(OAuth2(token="/oauth/token", client="o", refresh=SECRET)).read(7))
        self.assertNotIn("s3cr3t-refresh", str(error))
        self.serve_tokens([Answer({"error": "invalid_grant", "was": "c0de-of-person"}, 400)], set())
        adapter = self.adapter(OAuth2(token="/oauth/token", client="o", authorize="/a"))
        self.error_of(lambda: adapter.auth.with_code(adapter, "c0de-of-person", "ver1fier", "https://odoo"))
        self.assertNothingTold("s3cr3t-refresh", "c0de-of-person", "ver1fier")

    def test_another_client_gets_a_token_of_its_own(self):
        self.serve_tokens([{"access_token": "t1"}, {"access_token": "t2"}], {"t1", "t2"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.backend.name = "Another Client"
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.assertEqual(self.server.requests[-1].headers["Authorization"], "Bearer t2")

    def test_an_entered_refresh_token_is_replaced_by_those_that_the_system_gives(self):
        answers = [{"access_token": f"t{at}", "refresh_token": f"r{at}"} for at in (1, 2)] + [{"access_token": "t3"}]
        valid = set()
        self.serve_tokens([*answers, {"access_token": "t4"}], valid)
        auth = OAuth2(token="/oauth/token", client="odoo", refresh=SECRET)
        for number in (1, 2, 3, 4):
            valid.clear()
            valid.add(f"t{number}")
            self.adapter(auth).read(7)
        self.assertEqual([form["refresh_token"] for form in self.forms()], ["s3cr3t", "r1", "r2", "r2"])
        self.assertEqual({form["client_id"] for form in self.forms()}, {"odoo"})
        self.assertNothingTold("s3cr3t", "r1", "r2", '"t1', "t2", "t3")

    def test_a_refresh_token_is_not_sent_twice(self):
        self.serve(Answer(status=None))
        auth = OAuth2(token="/oauth/token", client="odoo", refresh=SECRET)
        error = self.error_of(lambda: self.adapter(auth).read(7))
        self.assertIsInstance(error, NetworkRetryableError)
        self.assertEqual(len(self.server.requests), 1)

    def test_a_token_endpoint_that_is_busy_says_nothing_about_our_credentials(self):
        self.serve_tokens([Answer({"error": "temporarily_unavailable"}, 400)], set())
        error = self.error_of(lambda: self.adapter(OAuth2(**CLIENT)).read(7))
        self.assertIsInstance(error, RetryableJobError)
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "ready")

    def test_a_client_that_is_refused_needs_the_attention_of_a_person(self):
        self.serve_tokens([Answer({"error": "invalid_client", "error_description": "unknown s3cr3t"}, 401)], set())
        error = self.error_of(lambda: self.adapter(OAuth2(**CLIENT)).read(7))
        self.assertIsInstance(error, CredentialsRefused)
        self.assertNotIn("s3cr3t", str(error))
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "needs_attention")

    def test_a_copy_of_the_database_asks_for_no_token(self):
        self.env["ir.config_parameter"].set_param("jobs_queue.database", "neutralized")
        self.env.flush_all()
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        for auth in (OAuth2(**CLIENT), Login(path="/oauth/token", json={}, token="access_token")):
            with self.subTest(auth), self.assertRaisesRegex(FailedJobError, "This database is a copy"):
                self.adapter(auth).read(7)
        self.assertEqual(self.server.requests, [])

    def test_a_backend_that_is_deleted_leaves_no_token(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        backend = self.backend.id
        self.backend.unlink()
        self.assertFalse(self.env["connector.token"].search([("backend_id", "=", backend)]))

    def test_nobody_reads_a_token(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        user = new_test_user(self.env, "manager", "base.group_system,connector.group_connector_manager")
        with self.assertRaisesRegex(AccessError, "not allowed"):
            self.stored().with_user(user).read(["purpose"])


class TestLogin(AuthenticationCase):
    def test_a_login_gives_the_token_that_is_sent(self):
        self.serve(
            lambda request: Answer({"data": {"token": "ses-sion"}}) if request.path == "/login" else Answer({"id": 7})
        )
        body = {"user": field("name"), "extra": {"password": SECRET}}
        auth = Login(path="/login", json=body, token="data.token", header="X-Session", prefix="")
        for _environment in range(2):
            self.adapter(auth).read(7)
        login, *reads = self.server.requests
        self.assertEqual(json.loads(login.body), {"user": "Test Shop", "extra": {"password": "s3cr3t"}})
        self.assertEqual([request.headers["X-Session"] for request in reads], ["ses-sion"] * 2)

    def test_the_whole_answer_of_a_login_may_be_the_token_and_nothing_tells_it(self):
        self.serve(lambda request: Answer('"ses-sion"' if request.path == "/login" else '{"id": 7}'))
        self.adapter(Login(path="/login", json={"password": SECRET})).read(7)
        self.assertEqual(self.server.requests[-1].headers["Authorization"], "Bearer ses-sion")
        self.assertEqual(len(self.env["connector.exchange"].search([])), 2)
        self.assertNothingTold("ses-sion", "s3cr3t")

    def test_a_session_that_has_ended_is_renewed_once(self):
        logins = []

        def answer(request):
            if request.path == "/login":
                logins.append(request)
                return Answer({"token": f"session-{len(logins)}"})
            is_valid = request.headers["Authorization"] == "Bearer session-2"
            return Answer({"id": 7}) if is_valid else Answer({"message": "expired"}, 401)

        self.serve(answer)
        self.adapter(Login(path="/login", json={}, token="token")).read(7)
        self.assertEqual(len(logins), 2)

    def test_a_login_that_is_refused_refuses_our_credentials_whatever_its_status(self):
        for status in (400, 401, 403, 422):
            self.serve(Answer({"message": "wrong password"}, status))
            error = self.error_of(lambda: self.adapter(Login(path="/login", json={}, token="token")).read(7))
            self.assertIsInstance(error, CredentialsRefused, status)
            self.assertEqual(len(self.server.requests), 1)

    def test_a_login_may_speak_json_where_the_system_speaks_xml_rpc(self):
        def answer(request):
            if request.path == "/login":
                return Answer({"token": "ses-sion"})
            self.assertEqual(request.headers["Authorization"], "Bearer ses-sion")
            return Answer(xmlrpc.client.dumps(({"id": 7},), methodresponse=True))

        self.serve(answer)
        self.backend.location = self.server.url
        self.env.flush_all()
        declared = {"protocol": "xmlrpc", "one": Call("thing", "{id}"), "base": field("location")}
        auth = Login(path="/login", json={}, token="token")
        adapter = type("Rpc", (RpcAdapter,), {**declared, "auth": auth})(self.environment())
        self.assertEqual(adapter.read(7), {"id": 7})

    def test_a_text_that_comes_with_an_error_is_no_token(self):
        self.serve(Answer('"quota exceeded"', 429))
        error = self.error_of(lambda: self.adapter(Login(path="/login", json={})).read(7))
        self.assertIsInstance(error, RetryableJobError)
        self.assertFalse(self.stored().access_token)

    def test_a_login_without_a_token_is_not_readable(self):
        for body in ({"token": None}, {"token": ""}, {"token": True}, {"token": {}}, "<html>"):
            self.serve(Answer(body))
            with self.subTest(body), self.assertRaisesRegex(Exception, "not what is expected"):
                self.adapter(Login(path="/login", json={}, token="token")).read(7)


class TestJwt(AuthenticationCase):
    def test_a_jwt_that_we_sign_with_a_shared_key(self):
        self.backend.stored_webhook_secret = key = "k" * 32
        self.env.flush_all()
        request = self.read_with(Jwt(key=SECRET, claims={"iss": field("name")}, headers={"kid": "7"}, seconds=60))
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, ["HS256"], issuer="Test Shop")
        self.assertEqual(claims["exp"] - claims["iat"], 60)
        self.assertEqual(jwt.get_unverified_header(token)["kid"], "7")

    def test_a_jwt_is_exchanged_for_a_token(self):
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        self.backend.stored_webhook_secret = private.private_bytes(*pem).decode()
        self.env.flush_all()
        self.serve_tokens([{"access_token": "t1", "expires_in": 600}], {"t1"})
        auth = Jwt(key=SECRET, algorithm="RS256", claims={"iss": "odoo", "aud": "api"}, token="/oauth/token")
        for _environment in range(2):
            self.adapter(auth).read(7)
        (form,) = self.forms()
        self.assertEqual(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer")
        claims = jwt.decode(form["assertion"], private.public_key(), ["RS256"], audience="api")
        self.assertEqual(claims["iss"], "odoo")

    def test_a_key_that_is_none_is_an_error_that_does_not_tell_it(self):
        self.serve(Answer({}))
        with self.assertRaisesRegex(FailedJobError, "The key of .* is none for RS256") as caught:
            self.adapter(Jwt(key=SECRET, algorithm="RS256", claims={})).read(7)
        self.assertNotIn("s3cr3t", str(caught.exception))


@tagged("post_install", "-at_install")
class TestAuthorization(AuthenticationCase, BrowserCase):
    """A person authorises us on the page of the other system, and comes back to Odoo."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        auth = OAuth2(token="/oauth/token", client="odoo", authorize="/oauth/authorize", scope="orders")
        self.declared = type(
            "Declared", (Things,), {"auth": auth, "_model_name": "test.shop.tag", "__module__": __name__}
        )
        webshop(self.declared)
        self.manager = new_test_user(
            self.env, "auth-manager", "base.group_user,connector.group_connector_manager", password="auth-manager"
        )
        self.backend = self.backend.with_user(self.manager)
        self.session = None  # from here on that of the browser
        self.authenticate("auth-manager", "auth-manager")

    def begin(self):
        """Press the button; return the parameters with which the page of the system is opened."""
        action = self.backend.action_authorize()
        self.env.flush_all()
        self.assertEqual(action["url"].partition("?")[0], f"{self.server.url}/oauth/authorize")
        return {name: value for name, (value,) in parse_qs(urlsplit(action["url"]).query).items()}

    def come_back(self, name=None, **parameters):
        path = f"/connector/oauth/callback/{name or f'test.shop.backend-{self.backend.id}'}"
        return self.url_open(path, params=parameters, method="GET", allow_redirects=False)

    def open_adapter(self):
        self.backend.sudo().location = self.server.url
        self.env.flush_all()
        return self.declared(self.environment("test.shop.tag", self.backend))

    def test_before_anybody_has_authorised_us_nothing_is_sent_and_the_button_is_named(self):
        self.serve_tokens([], set())
        error = self.error_of(lambda: self.open_adapter().read(7))
        self.assertRegex(str(error), "Nobody has authorised us .* press “Authorise” on the backend")
        self.assertEqual(self.server.requests, [])
        self.env.invalidate_all()
        self.assertEqual(
            (self.backend.state, self.backend.needs_authorization, self.backend.is_authorized),
            ("needs_attention", True, False),
        )

    def test_a_person_authorises_us_and_the_jobs_go_on(self):
        self.serve_tokens([{"access_token": "t1", "refresh_token": "r1", "expires_in": 600}], {"t1"})
        self.error_of(lambda: self.open_adapter().read(7))
        sent = self.begin()
        self.assertLessEqual(
            {"response_type": "code", "client_id": "odoo", "scope": "orders", "code_challenge_method": "S256"}.items(),
            sent.items(),
        )
        answer = self.come_back(state=sent["state"], code="c0de")
        self.assertEqual(
            (answer.status_code, urlsplit(answer.headers["Location"]).path),
            (303, f"/odoo/test.shop.backend/{self.backend.id}"),
        )
        (form,) = self.forms()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        self.assertEqual(challenge.decode(), sent["code_challenge"])
        self.assertEqual((form["code"], form["redirect_uri"]), ("c0de", sent["redirect_uri"]))
        self.env.invalidate_all()
        self.assertEqual((self.backend.state, self.backend.is_authorized), ("ready", True))
        self.open_adapter().read(7)

    def test_the_address_with_which_a_person_returns_is_valid_once(self):
        self.serve_tokens([Answer({"error": "invalid_grant"}, 400), {"access_token": "t1"}], {"t1"})
        state = self.enter_state()
        for _time in range(2):
            answer = self.come_back(state=state, code="c0de")
            self.assertEqual(answer.status_code, 400)
        self.assertEqual(len(self.forms()), 1)
        self.assertIn("This address is not valid any more", answer.text)

    def enter_state(self):
        self.open_adapter()
        return self.begin()["state"]

    def test_it_is_valid_for_the_person_who_has_pressed_the_button(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        state = self.enter_state()
        new_test_user(self.env, "other", "base.group_user,connector.group_connector_manager", password="other-other")
        self.authenticate("other", "other-other")
        self.assertEqual(self.come_back(state=state, code="c0de").status_code, 400)
        self.assertEqual(self.forms(), [])

    def test_it_is_valid_for_ten_minutes(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        state = self.enter_state()
        row = self.env["connector.authorization"].sudo().search([], order="id desc", limit=1)
        self.assertLess(row.date_end - self.env.cr.now(), timedelta(minutes=11))
        row.date_end = self.env.cr.now() - timedelta(seconds=1)
        self.env.flush_all()
        self.assertEqual(self.come_back(state=state, code="c0de").status_code, 400)
        self.assertEqual(self.forms(), [])

    def test_it_is_valid_for_the_address_of_odoo_from_which_the_person_went(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        state = self.enter_state()
        self.env["ir.config_parameter"].sudo().set_param("web.base.url", "https://elsewhere.example.com")
        self.env.flush_all()
        self.assertIn("has changed", self.come_back(state=state, code="c0de").text)
        self.assertEqual(self.forms(), [])

    def test_a_person_who_does_not_agree_reads_what_the_system_says(self):
        self.serve_tokens([], set())
        answer = self.come_back(state=self.enter_state(), error="access_denied", error_description="<b>You said no</b>")
        self.assertEqual(answer.status_code, 400)
        self.assertIn("&lt;b&gt;You said no&lt;/b&gt;", answer.text)
        self.assertIn(f"/odoo/test.shop.backend/{self.backend.id}", answer.text)

    def test_who_is_not_logged_in_is_asked_to_log_in(self):
        self.serve_tokens([], set())
        state = self.enter_state()
        self.authenticate(None, None)
        self.assertIn("/web/login", self.come_back(state=state, code="c0de").headers["Location"])

    def test_a_user_who_may_not_change_the_backend_may_not_authorise(self):
        self.serve_tokens([], set())
        user = new_test_user(self.env, "reader", "base.group_user,connector.group_connector_user")
        self.open_adapter()
        with self.assertRaisesRegex(AccessError, "not allowed"):
            self.backend.with_user(user).action_authorize()

    def test_an_authorisation_that_has_ended_asks_for_another_one(self):
        ended = Answer({"error": "invalid_grant", "error_description": "revoked"}, 400)
        self.serve_tokens([{"access_token": "t1", "refresh_token": "r1"}, ended, {"access_token": "t2"}], {"t2"})
        self.come_back(state=self.enter_state(), code="c0de")
        error = self.error_of(lambda: self.open_adapter().read(7))
        self.assertRegex(str(error), "has ended: revoked. Press “Authorise Again” on the backend")
        self.env.invalidate_all()
        self.assertEqual((self.backend.state, self.backend.is_authorized), ("needs_attention", False))
        self.assertIn("Authorise Again", self.backend.sudo().activity_ids.note)
        self.come_back(state=self.begin()["state"], code="c0de2")
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "ready")
        self.assertTrue(self.backend.was_authorized)
        self.open_adapter().read(7)
        self.assertEqual(self.forms()[1]["refresh_token"], "r1")

    def test_a_copy_of_the_database_is_not_authorised_and_asks_for_nothing(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        state = self.enter_state()
        self.env["ir.config_parameter"].sudo().set_param("jobs_queue.database", "neutralized")
        self.env.flush_all()
        self.assertIn("This database is a copy", self.come_back(state=state, code="c0de").text)
        with self.assertRaisesRegex(UserError, "This database is a copy"):
            self.backend.action_authorize()
        self.assertEqual(self.server.requests, [])

    def test_the_grant_of_the_person_before_is_forgotten(self):
        self.serve_tokens([{"access_token": "t1", "refresh_token": "r1"}, {"access_token": "t2"}], {"t2"})
        for code in ("c1", "c2"):
            self.come_back(state=self.enter_state(), code=code)
        self.assertEqual((self.stored().access_token, self.stored().refresh_token), ("t2", False))
        self.open_adapter().read(7)

    def test_the_form_tells_of_the_token_and_forgets_it(self):
        self.serve_tokens([{"access_token": "t1", "refresh_token": "r1"}], {"t1"})
        state = self.enter_state()
        self.assertFalse(self.backend.known_credentials or self.backend.has_stored_credentials)
        self.come_back(state=state, code="c0de")
        self.env.invalidate_all()
        self.assertEqual(
            (self.backend.known_credentials, self.backend.has_stored_credentials), ("Stored: Access Token", True)
        )
        self.backend.action_forget_credentials()
        self.env.invalidate_all()
        self.assertFalse(self.stored())
        self.assertFalse(self.backend.known_credentials or self.backend.has_stored_credentials)

    def test_the_way_back_of_another_backend_is_refused(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        other = self.backend.sudo().copy()
        self.env.flush_all()
        answer = self.come_back(f"test.shop.backend-{other.id}", state=self.enter_state(), code="c0de")
        self.assertEqual((answer.status_code, self.forms()), (400, []))

    def test_what_is_not_entered_yet_is_told_to_who_presses_the_button(self):
        self.serve_tokens([], set())
        self.backend.sudo().location = False
        with self.assertRaisesRegex(UserError, "is empty: enter it"):
            self.backend.action_authorize()

    def test_a_backend_that_is_not_saved_shows_no_address_to_which_a_person_returns(self):
        new = self.env["test.shop.backend"].new({"name": "New", "version": "person"})
        self.assertFalse(new.authorization_callback)

    def test_a_form_opens_although_the_declaration_fails_for_what_is_not_entered_yet(self):
        self.serve_tokens([], set())
        base = property(lambda adapter: adapter.backend_record.location.strip())
        self.declared.base, self.declared._base_url = None, base
        self.backend.sudo().location = False
        self.assertEqual((self.backend.needs_authorization, self.backend.is_authorized), (True, False))

    def test_a_backend_with_other_tokens_is_not_authorised(self):
        self.serve_tokens([{"access_token": "t1"}], {"t1"})
        self.adapter(OAuth2(**CLIENT)).read(7)
        self.env.invalidate_all()
        self.assertFalse(self.backend.is_authorized)

    def test_a_user_and_a_password_in_the_location_do_not_go_to_the_browser(self):
        self.serve_tokens([], set())
        self.backend.sudo().location = self.server.url.replace("://", "://me:s3cr3t@")
        self.env.flush_all()
        self.assertNotIn("s3cr3t", self.backend.action_authorize()["url"])
