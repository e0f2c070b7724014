"""Front doors of the addons: what they export, and that connectors use nothing else."""

import ast
import re

from scripts.paths import ROOT

DOORS = {
    "odoo.addons.jobs_queue",
    "odoo.addons.jobs_queue.testing",
    "odoo.addons.connector",
    "odoo.addons.connector.exception",
    "odoo.addons.connector.testing",
}
OURS = re.compile(r"from (odoo\.addons\.(?:connector|jobs_queue)(?:\.[\w.]+)?) import ")
FOR_AUTHORS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "connector/readme").glob("*.md")),
    *sorted((ROOT / "connector/scaffold").rglob("*.template")),
    *sorted(path for path in ROOT.glob("connector_*/**/*.py") if "tests" not in path.parts),
]
PACKAGES = [path.parent for addon in ("jobs_queue", "connector") for path in (ROOT / addon).rglob("__init__.py")]


def exported(package):
    """Return the names that a package takes from its modules."""
    tree = ast.parse((package / "__init__.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def test_no_package_exports_a_name_that_a_module_beside_it_has():
    for package in PACKAGES:
        beside = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        assert exported(package) & beside == set(), package


def test_authors_of_connectors_import_from_the_front_doors():
    for path in FOR_AUTHORS:
        assert set(OURS.findall(path.read_text())) <= DOORS, path
