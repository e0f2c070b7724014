"""Front doors of the addons: what they export, and that connectors use nothing else."""

import ast
import re

from scripts.paths import ROOT

DOORS = {
    "odoo.addons.jobs_queue": "jobs_queue/__init__.py",
    "odoo.addons.jobs_queue.testing": "jobs_queue/testing/__init__.py",
    "odoo.addons.connector": "connector/__init__.py",
    "odoo.addons.connector.declaration": "connector/declaration/__init__.py",
    "odoo.addons.connector.exception": "connector/exception.py",
    "odoo.addons.connector.testing": "connector/testing/__init__.py",
}
OURS = re.compile(r"from (odoo\.addons\.(?:connector|jobs_queue)(?:\.[\w.]+)?) import (\([^)]*\)|[^\n`;]+)")
LINE_OF_A_NAME = re.compile(r"^\| `(\w+)` \| (both|`jobs_queue`|`connector`|`declaration`) \| ", re.MULTILINE)
FOR_AUTHORS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("*/readme/*.md")),
    *sorted((ROOT / "connector/scaffold").rglob("*.template")),
    *sorted(path for path in ROOT.glob("connector_*/**/*.py") if "tests" not in path.parts),
]
PACKAGES = [path.parent for addon in ("jobs_queue", "connector") for path in (ROOT / addon).rglob("__init__.py")]


def taken(package):
    """Return the names that a package takes from its modules."""
    tree = ast.parse((package / "__init__.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def exported(door):
    """Return the names that a front door exports."""
    for node in ast.parse((ROOT / DOORS[door]).read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{door} has no __all__")


def imported(text):
    """Yield each name of our addons that a text imports, as a pair of module and name."""
    for module, names in OURS.findall(text):
        for name in re.sub(r"#.*", "", names).strip("()").split(","):
            if words := name.split():
                yield module, words[0]


def test_no_package_exports_a_name_that_a_module_beside_it_has():
    for package in PACKAGES:
        beside = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        assert taken(package) & beside == set(), package


def test_authors_of_connectors_import_only_names_that_the_front_doors_export():
    names = {(door, name) for door in DOORS for name in [*exported(door), "…"]}
    for path in FOR_AUTHORS:
        assert set(imported(path.read_text())) <= names, path


def test_all_forms_of_an_import_are_looked_at():
    text = (
        "from odoo.addons.connector import (\n    Backend,  # ours, or not\n    mapping as a,\n)\n"
        "from odoo.addons.jobs_queue.store import sql, keys\n"
    )
    ours, store = "odoo.addons.connector", "odoo.addons.jobs_queue.store"
    assert list(imported(text)) == [(ours, "Backend"), (ours, "mapping"), (store, "sql"), (store, "keys")]


def test_the_page_of_names_has_one_line_for_each_exported_name_and_no_other():
    lines = LINE_OF_A_NAME.findall((ROOT / "docs/names.md").read_text())
    queue, connector = exported("odoo.addons.jobs_queue"), exported("odoo.addons.connector")
    expected = {name: "both" if name in connector else "`jobs_queue`" for name in queue}
    expected |= {name: "`connector`" for name in connector if name not in queue}
    expected |= dict.fromkeys(exported("odoo.addons.connector.declaration"), "`declaration`")
    assert sorted(lines) == sorted(expected.items())


def test_no_name_of_declarations_is_that_of_another_door():
    others = {*exported("odoo.addons.jobs_queue"), *exported("odoo.addons.connector")}
    assert others.isdisjoint(exported("odoo.addons.connector.declaration"))
