"""The connector of docs/tutorial.md, that of docs/testing.md, and the code in other documents.

It is the connector that `odoo connector_scaffold` writes.
"""

import ast
import re

import pytest

from scripts import databases, servers
from scripts.paths import ODOO, ROOT
from scripts.programs import run
from scripts.progress import Failure

FILE = re.compile(r"^`(connector_\w+/[\w/.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDONS = ["connector_shop", "connector_shop_loyalty", "connector_shop_export"]
LOG = "see above."


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folder in which the command has written a connector."""
    folder = tmp_path_factory.mktemp("written")
    write_connector(folder)
    return folder


@pytest.fixture(scope="module")
def shown():
    """Return the files that the pages show, as a dict: path to content."""
    return {
        path: content
        for page in ("tutorial.md", "testing.md", "adapters.md")
        for path, content in FILE.findall((ROOT / "docs" / page).read_text())
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory, shown):
    """Install the addons of the pages in a database, and run their tests.

    The value is the command of a shell on the database, and what Odoo logged meanwhile.
    """
    folder = tmp_path_factory.mktemp("addons")
    write_connector(folder)
    for path, content in shown.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    name = "connector_test_tutorial"
    odoo = [ODOO, f"--addons-path={ROOT},{folder}"]
    tests = ",".join(f"/{addon}" for addon in ADDONS)
    databases.create(name, databases.template(databases.BASE))
    try:
        options = ["-d", name, "-i", ",".join(ADDONS), "--test-tags", tests, "--stop-after-init"]
        server = ["server", "--http-interface", "127.0.0.1", "--http-port", servers.free_port()]  # tests serve HTTP
        yield [*odoo, "shell", "-d", name, "--no-http"], run([*odoo, *server, *options], LOG)
    finally:
        databases.drop(name)


def write_connector(folder):
    return run([ODOO, f"--addons-path={ROOT}", "connector_scaffold", "shop", folder], LOG)


def test_the_tutorial_shows_each_file_of_the_connector_as_the_command_writes_it(written, shown):
    files = {str(path.relative_to(written)): path.read_text() for path in written.rglob("*") if path.is_file()}
    for path, content in files.items():
        if path.endswith((".py", ".csv", ".xml", ".sql")) and not path.endswith("__init__.py"):
            assert shown.get(path) == content, f"docs/tutorial.md shows another {path}"
    assert {path for path in shown if path.startswith("connector_shop/")} <= files.keys()


def test_a_connector_that_is_there_is_not_overwritten(written):
    with pytest.raises(Failure) as failure:
        write_connector(written)
    assert "exists already" in str(failure.value)


def test_the_connector_and_its_extensions_install_and_pass_their_tests(installed, shown):
    _shell, log = installed
    inherited = [path.read_text() for path in (ROOT / "connector/testing/contract").glob("*.py")]
    tests = sum(content.count("    def test_") for content in [*shown.values(), *inherited])
    assert f"0 failed, 0 error(s) of {tests} tests" in log, log


def test_what_the_pages_about_the_framework_import_is_there(installed):
    shell, _log = installed
    statements = [
        ast.unparse(statement)
        for page in ("framework.md", "exports.md")
        for block in CODE.findall((ROOT / "docs" / page).read_text())
        for statement in ast.parse(block).body
        if isinstance(statement, ast.ImportFrom) and not statement.level  # of the reader's own addon
    ]
    assert len(statements) > 5
    printed = run(shell, LOG, input="\n".join([*statements, "print('all are there')\n"]))
    assert "all are there" in printed


def test_the_code_for_those_who_come_from_elsewhere_runs_beside_the_connector(installed):
    shell, _log = installed
    page = (ROOT / "docs" / "migration.md").read_text()
    keep = re.search(r"```sql\n *(.*?)\n", page).group(1)
    prepare = f"""
from odoo import models
partner = env["res.partner"].create({{"name": "Ada"}})
former = env["shop.backend"].create({{"name": "Former", "location": "https://shop.example.com", "token": "t"}})
env["shop.res.partner"].create({{"backend_id": former.id, "odoo_id": partner.id, "external_id": "42"}})
env.flush_all()
env.cr.execute({keep!r})
env["shop.res.partner"].search([]).unlink()
env["shop.backend"].create({{"name": "Shop", "location": "https://shop.example.com", "token": "t"}})
"""
    check = """
print(len(env["queue.job"].search([("identity_key", "=", f"greet {partner.id}")])) == 1)
print([(binding.odoo_id == partner, binding.external_id) for binding in env["shop.res.partner"].search([])])
"""
    code = "\n".join([prepare, *CODE.findall(page), check])
    printed = run(shell, LOG, input=code)
    assert "True\n[(True, '42')]" in printed, printed
