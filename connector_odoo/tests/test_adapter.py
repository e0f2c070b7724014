import logging
import socket
import traceback

from odoo.tests import tagged

from odoo.addons.connector.declaration import rpc
from odoo.addons.connector.exception import (
    CredentialsRefused,
    FailedJobError,
    IDMissingInBackend,
    InvalidDataError,
    NetworkRetryableError,
    RetryableJobError,
)
from odoo.addons.connector.testing import extending

from ..backend import odoo
from ..unit import backend_adapter
from .answers import server_that_does_not_answer
from .common import OdooCase


class AdapterTests:
    """What holds for both protocols."""

    allow_inherited_tests_method = True  # else Odoo's loader passes over the tests of a base class

    def search(self):
        with self.adapter() as adapter:
            return adapter.search([("id", "=", 1)])

    def test_records_are_found_read_created_changed_and_deleted(self):
        with self.adapter() as adapter:
            partner_id = adapter.create({"name": "Ada", "email": f"ada@{self.version}.example.com"})
            adapter.write(partner_id, {"name": "Ada Lovelace"})
            self.assertEqual(adapter.search([("email", "=", f"ada@{self.version}.example.com")]), [partner_id])
            self.assertEqual(
                adapter.read(partner_id, ["name", "parent_id"]),
                {"id": partner_id, "name": "Ada Lovelace", "parent_id": False},
            )
            self.assertEqual(
                adapter.search_read([("id", "=", partner_id)], ["name"]), [{"id": partner_id, "name": "Ada Lovelace"}]
            )
            adapter.delete(partner_id)
            self.assertEqual(adapter.search([("id", "=", partner_id)]), [])

    def test_zero_is_sent_as_zero_and_what_is_empty_as_empty(self):
        sent = []
        with self.adapter() as adapter:

            class Adapter(type(adapter)):
                def call(self, method, arguments=(), idempotent=False):
                    sent.extend(arguments["data"])
                    return {"ids": [7]}

            data = {"color": 0, "credit_limit": 0.0, "email": False, "phone": None, "active": True}
            Adapter(adapter.environment).create(data, idempotency_key="key")
        self.assertEqual(sent, [["__connector__.key", "0", "0.0", "", "", "True"]])

    def test_archived_records_are_found_too(self):
        partner_id = self.shop.create("res.partner", name="Retired", active=False)
        with self.adapter() as adapter:
            self.assertEqual(adapter.search([("id", "=", partner_id)]), [partner_id])

    def test_a_record_is_found_by_the_number_that_people_know(self):
        code = f"A-{self.version}"
        partner_id = self.shop.create("res.partner", name="Ada", ref=code, email=f"{code}@example.com")
        product_id = self.shop.create("product.product", name="Lamp", default_code=code)
        with self.adapter() as partners, self.adapter("odoo.product.product") as products:
            self.assertEqual(partners.find_by_number(code), [partner_id])
            self.assertEqual(partners.find_by_number(f"{code}@example.com"), [partner_id])
            self.assertEqual(products.find_by_number(code), [product_id])
            self.assertEqual(products.find_by_number(f"{code}%"), [])
        with self.adapter("odoo.product.category") as categories, self.assertRaises(NotImplementedError):
            categories.find_by_number(code)

    def test_a_many2one_is_read_as_an_id(self):
        company_id = self.shop.create("res.partner", name="Company", is_company=True)
        partner_id = self.shop.create("res.partner", name="Ada", parent_id=company_id)
        with self.adapter() as adapter:
            self.assertEqual(adapter.read(partner_id, ["parent_id"])["parent_id"], company_id)

    def test_a_probe_reaches_it_also_when_no_credentials_are_valid(self):
        self.backend.api_key = "wrong"
        with self.adapter() as adapter:
            self.assertIs(adapter.probe(), True)

    def test_a_probe_says_that_it_cannot_be_reached(self):
        self.backend.location = "http://127.0.0.1:1"
        with self.adapter() as adapter, self.assertRaises(NetworkRetryableError):
            adapter.probe()

    def test_the_clock_of_the_other_side_is_known_after_a_call(self):
        with self.adapter() as adapter:
            self.assertIsNone(adapter.clock)
            adapter.search([("id", "=", 1)])
            written = self.shop.read("res.partner", self.shop.create("res.partner", name="Now"), ["write_date"])[
                "write_date"
            ]
        self.assertLessEqual(adapter.clock.isoformat(" "), written)

    def test_a_call_uses_the_language_of_the_backend(self):
        self.backend.default_lang_id = self.env["res.lang"]._activate_lang("nl_NL")
        with self.assertRaisesRegex(InvalidDataError, "Invalid language code: nl_NL"):
            self.search()

    def test_reading_a_missing_record_says_so(self):
        with (
            self.adapter() as adapter,
            self.assertRaisesRegex(IDMissingInBackend, r"res.partner 999999 does not exist any more in Shop"),
        ):
            adapter.read(999999, ["name"])

    def test_changing_or_deleting_a_missing_record_says_so(self):
        with self.adapter() as adapter:
            with self.assertRaises(IDMissingInBackend):
                adapter.write(999999, {"name": "Nobody"})
            with self.assertRaises(IDMissingInBackend):
                adapter.delete(999999)

    def test_what_the_user_there_must_not_do_fails_and_says_what_to_do(self):
        self.become_clerk()
        with (
            self.adapter("odoo.product.category") as adapter,
            self.assertRaisesRegex(FailedJobError, "give its user there the rights"),
        ):
            adapter.create({"name": "Toys"})

    def test_one_right_that_is_missing_there_is_named_and_leaves_the_backend_alone(self):
        self.become_clerk()
        self.registry_enter_test_mode()
        self.env.flush_all()
        with self.adapter("odoo.product.category") as adapter:
            with self.assertRaisesRegex(
                FailedJobError, r"not allowed to create .*product\.category.* following groups: - \S+"
            ) as caught:
                adapter.create({"name": "Toys"})
            self.env.invalidate_all()
            self.assertNotIsInstance(caught.exception, CredentialsRefused)
            self.assertEqual(self.backend.state, "ready")
            self.assertTrue(adapter.search([]))

    def test_credentials_that_are_refused_there_hold_the_backend(self):
        self.backend.api_key = "wrong"
        self.registry_enter_test_mode()
        self.env.flush_all()
        try:
            self.search()
        except CredentialsRefused:
            self.env.invalidate_all()
        self.assertEqual(self.backend.state, "needs_attention")

    def test_data_that_are_refused_there_say_why(self):
        with self.adapter() as adapter, self.assertRaisesRegex(InvalidDataError, "(?i)recursive"):
            partner_id = adapter.create({"name": "Ouroboros"})
            adapter.write(partner_id, {"parent_id": partner_id})

    def test_a_server_that_is_down_is_tried_again_later(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.move_to(f"http://127.0.0.1:{closed.getsockname()[1]}")
            with self.assertRaisesRegex(NetworkRetryableError, "cannot be reached"):
                self.search()

    def test_a_server_that_does_not_answer_is_tried_again_later(self):
        class ImpatientAdapter(backend_adapter.OdooAdapter):
            _timeout = (1, 0.2)

        with (
            server_that_does_not_answer() as location,
            extending(odoo, ImpatientAdapter),
            self.assertRaisesRegex(NetworkRetryableError, "has not answered for 0.2 s$"),
        ):
            self.move_to(location)
            self.search()

    def test_a_server_with_a_problem_is_tried_again_later(self):
        for status in (500, 502, 503, 504):
            with self.subTest(status=status), self.answering(status=status), self.assertRaises(NetworkRetryableError):
                self.search()

    def test_a_busy_server_is_tried_again_when_it_asks_to(self):
        with self.answering(status=429, headers={"Retry-After": "17"}), self.assertRaises(RetryableJobError) as caught:
            self.search()
        self.assertEqual(caught.exception.seconds, 17)

    def test_a_busy_server_can_ask_for_a_date(self):
        date = {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}
        with self.answering(status=503, headers=date), self.assertRaises(RetryableJobError) as caught:
            self.search()
        self.assertGreater(caught.exception.seconds, 3600)

    def test_a_wrong_key_fails_at_once_and_says_what_to_do(self):
        self.backend.api_key = "wrong-key"
        with self.assertRaisesRegex(FailedJobError, r"Enter valid ones in the backend \(.*API Key"):
            self.search()

    def test_a_redirection_fails_and_names_the_address(self):
        elsewhere = {"Location": "https://elsewhere.example.com"}
        refused = self.assertRaisesRegex(FailedJobError, "redirects to https://elsewhere.example.com")
        with self.answering(status=301, headers=elsewhere), refused:
            self.search()

    def test_an_address_without_an_odoo_fails_and_says_what_to_check(self):
        refused = self.assertRaisesRegex(FailedJobError, r"Check in the backend: Location, .*Database \(.*Version \(")
        with self.answering("<h1>Not Found</h1>", status=404), refused:
            self.search()

    def test_nonsense_is_invalid_data(self):
        for body in ("", "<html>Welcome</html>", '{"id": 1}', '["a"]', "[{}]", "<methodResponse/>", "\x00\xff"):
            with self.subTest(body=body), self.answering(body), self.assertRaises(InvalidDataError):
                self.search()

    def test_a_refusal_that_is_nonsense_is_still_a_refusal(self):
        for body in ('{"message": {"a": 1}, "name": 7}', "[]", "<html/>"):
            with self.subTest(body=body), self.answering(body, status=401), self.assertRaises(FailedJobError):
                self.search()

    def test_no_error_and_no_log_tells_the_api_key(self):
        """Not even where the other side repeats it."""
        key = self.shop.api_key
        echo, location = f'{{"message": "Invalid key {key}", "name": "x"}}', {"Location": f"http://x/{key}"}
        for status in (200, 301, 401, 404, 422, 429, 500):
            with (
                self.subTest(status=status),
                self.answering(echo, status, location),
                self.assertLogs(level=logging.DEBUG) as logs,
                self.assertRaises(Exception) as caught,
            ):
                self.search()
            self.assertNotIn(key, "".join(traceback.format_exception(caught.exception)))
            self.assertNotIn(key, "".join(logs.output))


@tagged("post_install", "-at_install")
class TestJson2Adapter(AdapterTests, OdooCase):
    version = "19.0"

    def test_an_unknown_database_fails_and_is_named(self):
        self.backend.database = "elsewhere"
        with self.assertRaisesRegex(FailedJobError, r"Check in the backend: .*Database \(elsewhere\)"):
            self.search()


@tagged("post_install", "-at_install")
class TestXmlRpcAdapter(AdapterTests, OdooCase):
    version = "legacy"

    def test_an_unknown_database_is_named(self):
        self.backend.database = "elsewhere"
        with self.assertRaisesRegex(NetworkRetryableError, "elsewhere"):
            self.search()

    def test_a_wrong_key_is_noticed_after_a_valid_one_has_worked(self):
        self.search()
        self.backend.api_key = "wrong-key"
        with self.assertRaisesRegex(FailedJobError, r"Enter valid ones in the backend \(.*API Key"):
            self.search()

    def test_a_user_that_has_got_another_id_there_is_found_again(self):
        self.search()
        for login, user_id in rpc._KEPT.items():
            rpc._KEPT[login] = user_id + 1000
        self.assertEqual(self.search(), [1])

    def test_an_unknown_login_fails_and_says_what_to_do(self):
        self.backend.login = "nobody"
        with self.assertRaisesRegex(FailedJobError, "wrong login or API key"):
            self.search()
