"""The code of docs/ecommerce.md is that of the corner shop, which the other tests use."""

import re
from pathlib import Path

from odoo.tests import TransactionCase, tagged

_ADDON = Path(__file__).parents[1]
_PAGE = _ADDON.parent / "docs/ecommerce.md"


@tagged("post_install", "-at_install")
class TestDocumentedEcommerce(TransactionCase):
    def test_each_example_is_code_of_the_corner_shop(self):
        sources = [path.read_text() for path in _ADDON.rglob("*.py") if "tests" not in path.parts]
        examples = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)
        self.assertTrue(examples)
        for example in examples:
            with self.subTest(example=example):
                self.assertTrue(any(example in source for source in sources))
