"""Changes of an addon's files for which a database has to be updated."""

import pytest

from scripts import declarations

MODEL = """
class Product(models.Model):
    _name = "shop.product"

    name = fields.Char()

    def init(self):
        self.env.cr.execute("CREATE INDEX ON shop_product (name)")

    def price(self):
        return 1
"""


@pytest.fixture
def change(monkeypatch, tmp_path):
    """Return a function that writes a file of an addon.

    It returns whether the databases of the addon have to be updated for that.
    """
    monkeypatch.setattr(declarations, "ROOT", tmp_path)

    def write(name, text):
        before = declarations.digest("shop")
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return declarations.digest("shop") != before

    write("product.py", MODEL)
    return write


def test_a_file_that_stays_as_it_is_changes_nothing(change):
    assert not change("product.py", MODEL)


def test_what_a_method_does_is_in_no_database(change):
    assert not change("product.py", MODEL.replace("return 1", "return 2"))


@pytest.mark.parametrize("old, new", [("Char()", "Text()"), ("(name)", "(id)"), ("def price", "@job\n    def price")])
def test_a_field_and_an_index_and_a_decorator_are(change, old, new):
    assert change("product.py", MODEL.replace(old, new))


def test_a_hook_has_done_all_that_it_does(change):
    change("hooks.py", "def post_init_hook(env):\n    pass\n")
    assert change("hooks.py", "def post_init_hook(env):\n    env['shop.product'].create({})\n")


def test_a_view_is_in_the_database_and_a_test_is_not(change):
    assert change("views/product.xml", "<odoo/>")
    assert not change("tests/test_product.py", "class TestProduct: pass")
