"""What the scaffold refuses, and what it changes in files that exist."""

import subprocess
from pathlib import Path

import pytest

from odoo.addons.connector.scaffold import PROTOCOLS, add_model, write_connector
from odoo.addons.connector.scaffold.places import with_items

from scripts.loc import count
from scripts.paths import ROOT, VENV

MANIFEST = """{
    "name": "Größe",  # of the data, there are two
    "depends": ["connector"],
    "data": [
        "a.xml",
        "b.xml",  # last
    ],
}
"""


@pytest.fixture
def addon(tmp_path):
    return write_connector("shop", tmp_path)


def content(folder):
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}


def add(addon, model="product.product", **options):
    return add_model("shop", addon.parent, model, **options)


def assert_refused(addon, error, message, model="product.product", **options):
    before = content(addon)
    with pytest.raises(error, match=message):
        add(addon, model, **options)
    assert content(addon) == before


def test_a_connector_with_two_models_has_at_most_sixty_lines(addon):
    add(addon, depends="product")
    numbers = count(addon)
    assert numbers["Python"] <= 60
    assert (numbers["XML"], numbers["CSV"]) == (0, 0)


def test_a_model_changes_three_files_and_writes_two(addon):
    before = content(addon)
    add(addon, depends="product")
    after = content(addon)
    changed = {str(path.relative_to(addon)) for path in before if before[path] != after[path]}
    written = {str(path.relative_to(addon)) for path in after.keys() - before.keys()}
    assert changed == {"__manifest__.py", "__init__.py", "tests/__init__.py"}
    assert written == {"product.py", "tests/test_product.py"}


@pytest.mark.parametrize(
    ("record", "plural"),
    [
        ("category", "categories"),
        ("country", "countries"),
        ("key", "keys"),
        ("tax", "taxes"),
        ("address", "addresses"),
        ("batch", "batches"),
        ("order_line", "order_lines"),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_several_records_have_the_plural_of_their_noun(tmp_path, protocol, record, plural):
    addon = write_connector("shop", tmp_path, protocol)
    add(addon, record=record)
    model = (addon / f"{record}.py").read_text()
    test = (addon / f"tests/test_{record}.py").read_text()
    label = plural.replace("_", " ").capitalize()
    assert model.startswith(f'"""{label} become records of product.product."""')
    assert f'code, label = "{plural}", "{label}"' in model
    assert f'self.backend.flow("{plural}").action_run()' in test


@pytest.mark.parametrize("service", ["a", "shop", "rest", "rights_a", "rightsz", "web_shop", "x9", "zebra"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_imports_of_what_is_written_are_sorted_whatever_the_names(tmp_path, protocol, service):
    write_connector(service, tmp_path, protocol)
    add_model(service, tmp_path, "product.product", record="article")
    add_model(service, tmp_path, "res.country", record="zone")
    ruff = [VENV / "bin/ruff", "check", "--no-cache", "--select=I", f"--config={ROOT / 'pyproject.toml'}", tmp_path]
    checked = subprocess.run(ruff, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_what_was_in_a_manifest_stays():
    changed = with_items(with_items(MANIFEST, "data", ["c.xml", "d.xml"]), "depends", ["product", "connector"])
    assert changed == MANIFEST.replace('"connector"', '"connector", "product"').replace(
        '"b.xml",  # last', '"b.xml",\n        "c.xml",\n        "d.xml",  # last'
    )


def test_a_manifest_without_the_list_is_refused(addon):
    manifest = addon / "__manifest__.py"
    manifest.write_text(manifest.read_text().replace('"depends"', '"demo"'))
    assert_refused(addon, ValueError, "list “depends” of __manifest__.py is not found: write it there")


def test_a_model_that_is_there_is_refused(addon):
    assert_refused(addon, FileExistsError, "customer.py has the model shop.res.partner already", "res.partner")
    assert_refused(addon, FileExistsError, "customer.py exists already: .* by --record", record="customer")
    assert_refused(addon, FileExistsError, "tests.py exists already: .* by --record", record="tests")


@pytest.mark.parametrize("name", ["__init__.py", "tests/__init__.py", "tests/common.py", "tests/system.py"])
def test_a_place_that_is_missing_is_named(addon, name):
    (addon / name).unlink()
    assert_refused(addon, FileNotFoundError, f"{name} is missing")


def test_what_is_missing_in_a_place_is_named(addon):
    common = addon / "tests" / "common.py"
    common.write_text(common.read_text().replace("RightsCase", "OtherCase"))
    assert_refused(addon, ValueError, "tests/common.py has no 'class RightsCase")


def test_what_is_no_connector_is_refused(addon):
    (addon / "backend.py").write_text("")
    assert_refused(addon, FileNotFoundError, "connector_shop is no connector")


def test_an_adapter_of_an_unknown_kind_is_refused(addon):
    backend = addon / "backend.py"
    backend.write_text(backend.read_text().replace("(RestAdapter)", "(HttpAdapter)"))
    assert_refused(
        addon, ValueError, "backend.py has no class ShopAdapter of RestAdapter.* move it there from adapter.py"
    )


def test_names_that_are_none_are_refused(addon, tmp_path):
    assert_refused(addon, ValueError, "'Product' is no name of a model", "Product")
    assert_refused(addon, ValueError, "'a product' is no name for a kind of record", record="a product")
    with pytest.raises(ValueError, match="'class' is no name for a connector"):
        write_connector("class", tmp_path)
    with pytest.raises(ValueError, match="'soap' is no protocol: take one of rest, graphql, xmlrpc, jsonrpc"):
        write_connector("bank", tmp_path, "soap")
    assert list(tmp_path.iterdir()) == [addon]


def test_nothing_is_written_where_one_file_cannot_be(addon, tmp_path, monkeypatch):
    write = Path.write_text

    def full(path, text):
        if path.name.startswith(("test_product.py", "test_backend.py")):
            raise OSError("No space left on device")
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", full)
    assert_refused(addon, OSError, "No space left")
    with pytest.raises(OSError, match="No space left"):
        write_connector("bank", tmp_path)
    assert list(tmp_path.iterdir()) == [addon]
