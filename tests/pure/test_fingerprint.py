"""Fingerprints of failed jobs: failures of one kind, by their messages and tracebacks."""

import json
import time
from unittest import TestCase

from odoo.addons.jobs_queue.models.fingerprint import Places, merged, names_and_words
from odoo.addons.jobs_queue.store.failures import FailedJob

RANKS = {"shop": 0, "stock": 2, "sale": 2, "connector": 1, "base": 2}


def failed_job(message, exc_name="builtins.ValueError", args=()):
    payload = json.dumps({"args": list(args), "kwargs": {}})
    return FailedJob(function="f", company_id=1, message=message, exc_name=exc_name, payload=payload)


class TestWords(TestCase):
    def words(self, message, **options):
        return " ".join(names_and_words(failed_job(message, **options))[1])

    def names(self, message, **options):
        fields, known = options.pop("fields", ()), options.pop("known", ())
        return names_and_words(failed_job(message, **options), fields, known)[0]

    def test_what_differs_from_job_to_job_in_a_message_does_not_count(self):
        self.assertEqual(
            self.words(
                "Order 42 of 'Ada' (0x7f3a, 6ba7b810-9dad-11d1-80b4-00c04fd430c8) isn't paid: 1,200.50 EUR\nmore"
            ),
            "Order … of … (…, …) isn't paid: … EUR",
        )

    def test_u3_values_of_the_job_s_own_arguments_do_not_count(self):
        self.assertEqual(
            self.words("No price of Wood Corner for ABC, sorry", args=["ABC", {"name": "Wood Corner"}]),
            "No price of … for …, sorry",
        )

    def test_u3_fields_constraints_and_models_count(self):
        for message, names, options in (
            ("KeyError: 'tax_id'", ["tax_id"], {"exc_name": "builtins.KeyError"}),
            ("KeyError: 'lineItems'", ["lineItems"], {"exc_name": "builtins.KeyError"}),
            ("'Shop' object has no attribute 'vat'", ["Shop", "vat"], {"exc_name": "builtins.AttributeError"}),
            ('duplicate key value violates unique constraint "a_uniq"\nDETAIL: Key (x)=(1)', ["a_uniq"], {}),
            ('null value in column "email" of relation "res_partner"', ["email", "res_partner"], {}),
            ("email: True is no text", ["email"], {"fields": {"email"}}),
            ("No value for partner_shipping_id", ["partner_shipping_id"], {}),
            ("KeyError: 'street2'", ["street2"], {"exc_name": "builtins.KeyError"}),
            ("KeyError: 'x_studio_a1'", ["x_studio_a1"], {"exc_name": "builtins.KeyError"}),
            ("KeyError: 'l10n_in_gst'", ["l10n_in_gst"], {"exc_name": "builtins.KeyError", "args": ["l10n_in_gst"]}),
            ("KeyError: 'tax-code'", ["tax-code"], {"exc_name": "builtins.KeyError"}),
            ("KeyError: 'EAN'", ["EAN"], {"exc_name": "builtins.KeyError", "fields": {"EAN"}}),
            ("Set street2 first: 'street2'", ["street2"], {"fields": {"street2"}}),
            ('violates check constraint "order_2_check1"', ["order_2_check1"], {}),
            (
                "The amount_total of 'sale.order' is wrong",
                ["amount_total", "sale.order"],
                {"known": {"amount_total", "sale.order"}},
            ),
        ):
            with self.subTest(message=message):
                self.assertEqual(self.names(message, **options), names)

    def test_u3_values_are_no_names(self):
        for message, options in (
            ("KeyError: 'ABCDEF'", {"exc_name": "builtins.KeyError"}),
            ("KeyError: 'gadget'", {"exc_name": "builtins.KeyError", "args": ["gadget"]}),
            ("KeyError: 'p10023'", {"exc_name": "builtins.KeyError"}),
            ("KeyError: 'shirt_10023'", {"exc_name": "builtins.KeyError"}),
            ("The customer 'Ada' is not known", {}),
            ("No product has the SKU blue_shirt in the shop", {}),
            ("No product 'blue_shirt' in the shop, nor blue.shirt", {}),
            ("The shop has no colour_code today", {"args": ["colour_code"], "known": {"colour_code"}}),
        ):
            with self.subTest(message=message):
                self.assertEqual(self.names(message, **options), [])

    def test_u3_messages_that_differ_by_a_word_in_one_place_are_of_one_kind(self):
        pattern = ["Unknown", "product", "ABC", "in", "the", "order"]
        for product in ("DEF", "", "GHI JKL", "MNO PQR STU"):
            words = f"Unknown product {product} in the order".split()
            pattern = merged(pattern, words)
        self.assertEqual(pattern, ["Unknown", "product", "…", "in", "the", "order"])

    def test_u3_messages_that_differ_in_more_are_of_several_kinds(self):
        for first, second in (
            ("The shop refuses the order", "The shop does not answer to it"),
            ("Timeout", "Refused"),
            ("The product is archived", "A customer has no address at all"),
        ):
            with self.subTest(first=first):
                self.assertIsNone(merged(first.split(), second.split()))

    def test_u3_a_kind_does_not_come_to_take_all_messages(self):
        pattern = ["The", "shop", "refuses", "the", "order", "of", "today", "because", "of", "its", "address"]
        for number in range(len(pattern)):
            words = [*pattern[:number], "other", *pattern[number + 1 :]]
            pattern = merged(pattern, words) or pattern
        self.assertEqual(pattern.count("…"), 5)
        self.assertIsNone(
            merged(pattern, ["We", "have", "no", "stock", "at", "all", "any", "more", "for", "these", "articles"])
        )

    def test_u3_a_long_message_of_quotes_costs_no_time(self):
        for message in ("'" * 80_000, "“" * 80_000, '"' * 79_999, "a_" * 40_000, "a." * 40_000):
            began = time.process_time()
            names_and_words(failed_job(message))
            self.assertLess(time.process_time() - began, 0.1)


class TestPlace(TestCase):
    def place(self, *paths):
        frames = [f'  File "{path}", line 12, in function_{number}\n    x' for number, path in enumerate(paths)]
        return Places(RANKS).of("\n".join(["Traceback (most recent call last):", *frames, "ValueError: no"]))

    def test_u3_the_place_is_a_module_whatever_the_path_on_the_server(self):
        for path in (
            "/srv/odoo/addons/shop/models/order.py",
            "/mnt/extra-addons/shop/models/order.py",
            "/srv/sale/addons/shop/models/order.py",
            "/home/ada/project/shop/models/order.py",
            "C:\\odoo\\addons\\shop\\models\\order.py",
        ):
            with self.subTest(path=path):
                self.assertEqual(self.place(path), "odoo.addons.shop.models.order: function_0")

    def test_u3_own_addons_come_before_ours_and_these_before_odoo_s(self):
        odoo, ours = "/usr/lib/odoo/addons/sale/models/sale.py", "/mnt/extra-addons/connector/unit/importer.py"
        own = "/mnt/extra-addons/shop/unit/mapper.py"
        self.assertEqual(self.place(ours, own, ours, odoo), "odoo.addons.shop.unit.mapper: function_1")
        self.assertEqual(self.place(ours, odoo), "odoo.addons.connector.unit.importer: function_0")
        self.assertEqual(
            self.place(odoo, "/usr/lib/python3/dist-packages/odoo/orm/models.py"),
            "odoo.addons.sale.models.sale: function_0",
        )

    def test_u3_without_an_addon_the_place_is_a_module_too(self):
        self.assertEqual(self.place("/usr/lib/python3/dist-packages/requests/api.py"), "requests.api: function_0")
        self.assertEqual(self.place("/tmp/script.py"), "script: function_0")
        self.assertEqual(Places(RANKS).of(None), "")

    def test_u3_an_endless_traceback_costs_no_time(self):
        began = time.process_time()
        Places(RANKS).of('  File "' + '", line ' * 100_000)
        self.assertLess(time.process_time() - began, 0.1)
