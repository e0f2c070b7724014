"""Installations by Odoo: beside another suite, and together with an addon's own tests."""

import pytest

from scripts import databases
from scripts.paths import ODOO, ROOT
from scripts.programs import run
from scripts.progress import Failure


@pytest.fixture
def new_database():
    """Provide a function that copies a template; the copies are dropped at the end."""
    names = []

    def make(name, template):
        names.append(name)
        databases.create(name, template)
        return name

    yield make
    for name in names:
        databases.drop(name)


def test_a_database_with_the_queue_job_of_another_suite_is_refused_and_stays_as_it_is(new_database):
    name = new_database("connector_other_suite", databases.template())
    with databases.cursor(name) as cr:
        cr.execute("CREATE TABLE queue_job (uuid varchar)")
        # the id of the model in an addon of that suite that extends it
        cr.execute(
            "INSERT INTO ir_model_data (module, name, model) VALUES ('connector', 'model_queue_job', 'ir.model')"
        )
    with pytest.raises(Failure, match=r"a table “queue_job” of another suite, .* Uninstall that suite first"):
        databases.install(name, ["connector"])
    with databases.cursor(name) as cr:
        cr.execute("SELECT state FROM ir_module_module WHERE name = 'connector'")
        assert cr.fetchone() == ("uninstalled",)
        cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'queue_job'")
        assert cr.fetchall() == [("uuid",)]
        cr.execute("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'connector%'")
        assert cr.fetchone() == (0,)


def test_what_an_addon_registers_is_there_in_the_tests_that_run_while_it_is_installed(new_database, installed):
    name = new_database("connector_at_install", installed)
    options = ["--stop-after-init", "--no-http", "--test-tags", "/test_connector_extension"]
    output = run([ODOO, "--database", name, "--init", "test_connector_extension", *options], "read the log.")
    assert "0 failed, 0 error(s) of 4 tests" in output


def test_f20_an_uninstall_leaves_nothing(new_database):
    name = new_database("connector_uninstalled", databases.template())
    before = what_is_there(name)
    databases.install(name, ["jobs_queue"])
    set_parameter(name, "jobs_queue.job_retention_days")
    with_jobs_queue = what_is_there(name)
    databases.install(name, ["connector"])
    databases.odoo("module", "uninstall", "--database", name, "connector")
    assert what_is_there(name) ^ with_jobs_queue == set()
    databases.odoo("module", "uninstall", "--database", name, "jobs_queue")
    assert what_is_there(name) ^ before == set()


def test_the_rights_that_the_framework_gives_to_a_connector_go_with_the_connector(new_database, installed):
    name = new_database("connector_without_connectors", installed)
    lines = "SELECT name FROM ir_model_access WHERE name ~ '^test.shop'"
    rules = "SELECT name FROM ir_rule WHERE name ~ '^Test Shop'"
    with databases.cursor(name) as cr:
        cr.execute(f"{lines} UNION {rules}")
        given = {right for (right,) in cr.fetchall()}
        assert {"test.shop.partner user", "Test Shop Partner: of the user's companies"} < given
    databases.odoo("module", "uninstall", "--database", name, "test_connector")
    with databases.cursor(name) as cr:
        cr.execute(f"{lines} UNION {rules}")
        assert cr.fetchall() == []


def set_parameter(name, key):
    with databases.cursor(name) as cr:
        cr.execute("INSERT INTO ir_config_parameter (key, value) VALUES (%s, '7')", [key])


def what_is_there(name):
    """Return the names of tables, models, crons and the like in a database.

    These are tables, columns, sequences, indexes, functions, types, parameters, models, crons,
    access lines and rules, and the records that name the addons.
    """
    with databases.cursor(name) as cr:
        cr.execute(
            """
            SELECT relkind::text, relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION SELECT 'column', table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'
            UNION SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION SELECT 'type', typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
            UNION SELECT 'parameter', key FROM ir_config_parameter
            UNION SELECT 'record', module || '.' || name FROM ir_model_data WHERE module IN ('connector', 'jobs_queue')
            UNION SELECT 'model', model FROM ir_model
            UNION SELECT 'cron', cron_name FROM ir_cron
            UNION SELECT 'access line', name FROM ir_model_access
            UNION SELECT 'rule', name FROM ir_rule
            """
        )
        return set(cr.fetchall())


ADDON_WITH_A_FLOW = {
    "__manifest__.py": '{"name": "Tags of the Shop", "license": "LGPL-3", "depends": ["test_connector"]}',
    "__init__.py": """
from odoo.addons.connector import ImportFlow
from odoo.addons.test_connector.units import webshop


@webshop
class TagsFlow(ImportFlow):
    _model_name = "test.shop.tag"
    code, label, schedule = "tags", "Tags", "*/5 * * * *"
""",
}


def test_the_flows_of_an_uninstalled_addon_and_their_schedules_are_gone(new_database, installed, tmp_path):
    name = new_database("connector_without_flow", installed)
    folder = tmp_path / "addon_with_a_flow"
    folder.mkdir()
    for file, content in ADDON_WITH_A_FLOW.items():
        (folder / file).write_text(content)

    def odoo(code):
        command = [ODOO, f"--addons-path={ROOT},{tmp_path}", "shell", "-d", name, "--no-http"]
        run(command, "read the log.", input=code)

    odoo("""
env["test.shop.backend"].create({"name": "Shop"})
env["ir.module.module"].update_list()
env["ir.module.module"].search([("name", "=", "addon_with_a_flow")]).button_immediate_install()
""")
    odoo("""
flow = env["connector.flow"].search([("code", "=", "tags")])
flow.expression = "*/5 * * * *"
flow.action_run()
env.cr.commit()
""")
    rows = "SELECT (SELECT count(*) FROM connector_flow WHERE active AND code = 'tags'), (SELECT count(*) FROM queue_job_schedule)"
    with databases.cursor(name) as cr:
        cr.execute(rows)
        assert cr.fetchall() == [(1, 1)]
    odoo('env["ir.module.module"].search([("name", "=", "addon_with_a_flow")]).button_immediate_uninstall()')
    with databases.cursor(name) as cr:
        cr.execute("SELECT state FROM ir_module_module WHERE name = 'addon_with_a_flow'")
        assert cr.fetchall() == [("uninstalled",)]
        cr.execute(rows)
        assert cr.fetchall() == [(0, 0)]
