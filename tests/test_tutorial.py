"""The connector that `odoo connector_scaffold` writes, which is the one of docs/tutorial.md."""

import re

import pytest

from scripts import databases
from scripts.paths import ODOO, ROOT
from scripts.programs import run

pytestmark = pytest.mark.full

FILE = re.compile(r"^`(connector_\w+/[\w/.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXTENSION = "connector_shop_loyalty"


@pytest.fixture(scope="module")
def addons(tmp_path_factory):
    """A folder with the addon that the command writes."""
    folder = tmp_path_factory.mktemp("addons")
    run([ODOO, f"--addons-path={ROOT}", "connector_scaffold", "shop", folder], "see above.")
    return folder


@pytest.fixture(scope="module")
def shown():
    """The files that the tutorial shows, as a dict: path to content."""
    return dict(FILE.findall((ROOT / "docs" / "tutorial.md").read_text()))


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def run_tests(addons, addon):
    """Install an addon into a fresh database, run its tests, and return what Odoo logs."""
    name = f"connector_test_{addon}"
    databases.create(name, databases.template(("mail",)))
    try:
        return run(
            [
                ODOO,
                f"--addons-path={ROOT},{addons}",
                *("server", "-d", name, "-i", addon, "--test-tags", f"/{addon}"),
                *("--stop-after-init", "--no-http"),
            ],
            "see above.",
        )
    finally:
        databases.drop(name)


def test_the_tutorial_shows_each_file_of_the_connector_as_the_command_writes_it(addons, shown):
    written = files(addons)
    for path, content in written.items():
        if path.endswith((".py", ".csv", ".xml", ".sql")) and not path.endswith("__init__.py"):
            assert shown.get(path) == content, f"docs/tutorial.md shows another {path}"
    assert {path for path in shown if not path.startswith(f"{EXTENSION}/")} <= written.keys()


def test_the_connector_and_its_extension_install_and_pass_their_tests(addons, shown):
    for path, content in shown.items():
        if path.startswith(f"{EXTENSION}/"):
            (addons / path).parent.mkdir(parents=True, exist_ok=True)
            (addons / path).write_text(content)
    log = run_tests(addons, "connector_shop")
    assert re.search(r"0 failed, 0 error\(s\) of [4-9] tests", log), log
    log = run_tests(addons, EXTENSION)
    assert "0 failed, 0 error(s) of 1 tests" in log, log


def test_a_connector_that_is_there_is_not_overwritten(addons):
    (addons / "connector_shop" / "mine.txt").write_text("mine")
    with pytest.raises(Exception, match="exists already"):
        run([ODOO, f"--addons-path={ROOT}", "connector_scaffold", "shop", addons], "see above.")
    assert (addons / "connector_shop" / "mine.txt").read_text() == "mine"
