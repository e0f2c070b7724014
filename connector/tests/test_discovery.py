"""Check that Odoo runs each test of these addons.

Odoo's loader passes over some tests that other runners of tests find.
"""

from itertools import chain
from pathlib import Path
from unittest import TestCase

from odoo.modules import get_module_path
from odoo.tests import TransactionCase, tagged
from odoo.tests.common import BaseCase
from odoo.tests.loader import get_test_modules


@tagged("post_install", "-at_install")
class TestDiscovery(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ours = [("author", "=", "Connector Suite contributors"), ("state", "=", "installed")]
        addons = cls.env["ir.module.module"].search(ours).mapped("name")
        cls.modules = {addon: get_test_modules(addon) for addon in addons}
        cls.test_cases = [
            found
            for module in chain.from_iterable(cls.modules.values())
            for found in vars(module).values()
            if isinstance(found, type) and issubclass(found, TestCase) and found.__module__ == module.__name__
        ]

    def test_no_test_is_a_plain_testcase_which_the_loader_of_odoo_skips(self):
        self.assertTrue(self.test_cases)
        self.assertEqual([case for case in self.test_cases if not issubclass(case, BaseCase)], [])

    def test_tests_that_are_inherited_are_marked_for_the_loader_of_odoo_which_skips_them_else(self):
        skipped = [
            case
            for case in self.test_cases
            if _inherits_tests(case) and not getattr(case, "allow_inherited_tests_method", False)
        ]
        self.assertEqual(skipped, [])

    def test_each_file_of_tests_is_imported_by_its_package(self):
        for addon, modules in self.modules.items():
            files = {path.stem for path in Path(get_module_path(addon), "tests").glob("test_*.py")}
            with self.subTest(addon=addon):
                self.assertEqual({module.__name__.rpartition(".")[2] for module in modules}, files)


def _inherits_tests(case):
    return any(
        name.startswith("test") and callable(value) for base in case.__mro__[1:] for name, value in vars(base).items()
    )
