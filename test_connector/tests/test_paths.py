"""An id in a path asks for its record and for no other one."""

from urllib.parse import unquote

from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.testing import Answer

from .test_http_adapter import HttpCase


class TestPaths(HttpCase):
    def test_c4_an_id_in_a_path_asks_for_its_record(self):
        self.serve(Answer({}))
        adapter = self.adapter()
        for external_id in (
            *("A#1", "A/1", "../orders/7", "A?x=1", "50%", "%2e%2e", "%2F", "a b", "a+b", "a&b=c", "a;b", "a:b@c"),
            *("...", "-", "~a", "été", "日本", "a\\b", "a\tb", "<>\"'", 0, 7),
        ):
            with self.subTest(external_id):
                adapter.request("GET", adapter.path("/products", external_id))
                _root, products, quoted = self.server.requests[-1].path.split("/")
                self.assertEqual((products, unquote(quoted)), ("products", str(external_id)))
                self.assertFalse(self.server.requests[-1].params)

    def test_c4_words_may_follow_an_id(self):
        path = self.adapter(url="http://shop").path
        self.assertEqual(path("/customers/", "A/1", "orders"), "/customers/A%2F1/orders")

    def test_c4_an_id_that_would_lead_elsewhere_is_refused_by_name(self):
        path = self.adapter(url="http://shop").path
        for external_id in ("", ".", "..", None, False, True, 1.5, [], "a\0"):
            with self.subTest(external_id), self.assertRaises(InvalidDataError) as caught:
                path("/products", external_id)
            self.assertIn(repr(external_id).replace("\\x00", ""), str(caught.exception).replace("\\x00", ""))

    def test_c4_a_path_that_looks_unquoted_is_refused_before_anything_is_asked(self):
        self.serve(Answer({}))
        for external_id, reason in (
            ("A#1", "a #"),
            ("A?x=1", "a ?"),
            ("../orders/7", "another path"),
            ("%2e%2E", "another path"),
            (".", "another path"),
            ("a b", "blank"),
            ("a\n", "blank"),
            ("50%", "quotes nothing"),
            ("a\\..\\b", "backslash"),
            ("/x", "empty part"),
            ("http://x", "empty part"),
        ):
            with self.subTest(external_id), self.assertRaises(InvalidDataError) as caught:
                self.adapter().request("GET", f"/products/{external_id}")
            self.assertIn(reason, str(caught.exception))
            self.assertIn('self.path("/products", external_id)', str(caught.exception))
        self.assertFalse(self.server.requests)

    def test_c4_a_quoted_path_and_whole_addresses_of_the_system_are_asked_for(self):
        self.serve(Answer({}))
        for path in ("", "/", "/a/", "/a%2Fb", "/a.b/..c/d..", "/a;b=c,d:e@f", "/été", f"{self.server.url}/a?b=c#d"):
            with self.subTest(path):
                self.adapter().request("GET", path)
