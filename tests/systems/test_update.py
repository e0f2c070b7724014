"""The update of a database from before: the queue was a part of the addon connector."""

import io
import subprocess
import tarfile

import pytest

from scripts import databases, servers
from scripts.paths import ODOO, ROOT
from scripts.programs import run

FORMER = "7fbb21ee28432121c56c8b20a7e9d2f14de3cb38"  # version 19.0.1.0.0
JOBS = 600
DATABASE = "connector_updated"
API_KEY = "k3y-of-before"
# Things that somebody has made with it: jobs that wait, a channel, a setting, a backend with its
# key, and a graph whose barrier is a function of the queue's own
DELAY = f"""
from odoo.addons.connector.queue.graph import chain, group
partners = env["res.partner"]
for number in range({JOBS - 5}):
    partners.with_delay().create({{"name": f"Job {{number}}"}})
first = group(*(partners.delayable().create({{"name": f"Before {{number}}"}}) for number in range(2)))
then = group(*(partners.delayable().create({{"name": f"After {{number}}"}}) for number in range(2)))
chain(first, then).delay()
root = env.ref("connector.channel_root")
env["queue.job.channel"].create({{"name": "shop", "parent_id": root.id, "capacity": 3}})
env["ir.config_parameter"].set_param("connector.job_retention_days", "7")
access = {{"location": "https://shop.example.com", "database": "shop", "api_key": "{API_KEY}"}}
access["conflict_policy"] = "ask"
env["odoo.backend"].create({{"name": "Shop", "default_lang_id": env.ref("base.lang_en").id, **access}})
env.ref("connector.cron_group_failures").interval_number = 20
env.ref("connector.queue_job_rule_company").domain_force = "[(0, '=', 1)]"
env.cr.commit()
"""


@pytest.fixture(scope="module")
def former_addons(tmp_path_factory):
    """Return a folder with the addons as they were."""
    folder = tmp_path_factory.mktemp("former")
    addons = ["connector", "connector_base_product", "connector_odoo"]
    archive = subprocess.run(["git", "-C", ROOT, "archive", FORMER, *addons], check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def updated(former_addons):
    """Provide a database that was made with the former addon, used, and then updated."""
    databases.create(DATABASE, databases.template())
    former = [f"--addons-path={former_addons}", "--database", DATABASE, "--no-http"]
    run([ODOO, *former, "--init", "connector_odoo", "--stop-after-init"], "read the log.", log="odoo.log")
    run([ODOO, "shell", *former], "read the log.", log="odoo.log", input=DELAY)
    databases.odoo("--database", DATABASE, "--update", "connector", "--stop-after-init", "--no-http")
    yield DATABASE
    databases.drop(DATABASE)


def rows(query):
    with databases.cursor(DATABASE) as cr:
        cr.execute(query)
        return cr.fetchall()


def test_nothing_is_there_twice(updated):
    crons = "SELECT code FROM ir_act_server JOIN ir_cron ON ir_act_server.id = ir_actions_server_id"
    former = "SELECT name FROM ir_model_data WHERE module = 'connector'"
    settings = "SELECT key, value FROM ir_config_parameter WHERE key LIKE '%job_retention_days'"
    assert rows("SELECT state FROM ir_module_module WHERE name = 'jobs_queue'") == [("installed",)]
    assert rows("SELECT count(*) FROM queue_job_channel WHERE parent_id IS NULL") == [(1,)]
    assert rows(f"{crons} GROUP BY code HAVING count(*) > 1") == []
    assert rows(f"{former} AND name ~ '^(cron_(run|group)|queue_|access_queue)'") == []
    assert rows(settings) == [("jobs_queue.job_retention_days", "7")]
    assert rows("SELECT capacity FROM queue_job_channel WHERE name = 'shop'") == [(3,)]


def test_what_an_administrator_has_changed_stays(updated):
    assert rows(
        "SELECT interval_number FROM ir_cron WHERE cron_name = 'Jobs: group failed jobs and tell their followers'"
    ) == [(20,)]
    assert rows("SELECT domain_force FROM ir_rule WHERE name ~ '^Jobs: '") == [("[(0, '=', 1)]",)]


def test_the_rights_that_a_connector_had_of_its_own_are_there_once_and_an_update_keeps_them(updated):
    """Rules that nobody may change by an update stay; the framework's lines replace the others."""
    models = ["odoo.backend", "odoo.product.category", "odoo.product.product", "odoo.res.partner"]
    of_models = f"JOIN ir_model ON ir_model.id = model_id WHERE model IN ({', '.join(map(repr, models))})"
    lines = f"SELECT model, perm_unlink, ir_model_access.active, ir_model_access.id FROM ir_model_access {of_models} ORDER BY 1, 2"
    rules = f"SELECT model, ir_rule.active FROM ir_rule {of_models} ORDER BY 1"
    xmlids = (
        "SELECT count(*) FROM ir_model_data WHERE module = 'connector_odoo' AND model IN ('ir.model.access', 'ir.rule')"
    )
    roles = [(model, is_manager, True) for model in models for is_manager in (False, True)]
    assert [row[:3] for row in rows(lines)] == roles
    assert rows(rules) == [(model, True) for model in models]
    assert rows(xmlids) == [(len(roles) + len(models),)]
    with databases.cursor(updated) as cr:
        cr.execute("UPDATE ir_model_access SET active = false WHERE id = %s", [rows(lines)[0][-1]])
    before = rows(lines)
    databases.odoo("--database", updated, "--update", "connector", "--stop-after-init", "--no-http")
    assert rows(lines) == before


def test_api_keys_are_kept(updated):
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'odoo_backend'"
    assert rows("SELECT api_key FROM odoo_backend") == [(API_KEY,)]
    assert rows(f"{columns} AND column_name ~ 'api_key'") == [("api_key",)]


def test_a_backend_keeps_its_exports_and_policies_and_runs_at_no_time_that_nobody_has_chosen(updated):
    flows = rows("SELECT code, is_on, expression FROM connector_flow")
    assert {(is_on, expression) for _code, is_on, expression in flows} == {(True, None)}
    assert {"partners", "partners_export", "products"} <= {code for code, _is_on, _expression in flows}
    assert rows("SELECT DISTINCT conflict, missing FROM connector_flow_policy") == [("ask", "fail")]


def test_views_that_show_what_is_gone_are_gone_too(updated):
    views = "SELECT name FROM ir_model_data WHERE module = 'connector_odoo' AND model = 'ir.ui.view'"
    assert rows(f"{views} AND name IN ('res_partner_view_form', 'product_template_view_form')") == []
    assert rows("SELECT name FROM ir_ui_view WHERE arch_db::text ~ 'odoo_bind_ids'") == []


def test_a_neutralized_copy_has_no_api_keys(updated):
    copy = f"{updated}_copy"
    databases.create(copy, updated)
    try:
        databases.odoo("neutralize", "--database", copy)
        with databases.cursor(copy) as cr:
            cr.execute("SELECT api_key FROM odoo_backend")
            assert cr.fetchall() == [(None,)]
    finally:
        databases.drop(copy)


def test_the_jobs_that_waited_run_by_the_command_of_before(updated, wait_until):
    with servers.Process("updated", "connector_worker", "--database", updated, "--processes", "2") as worker:
        wait_until(lambda: not rows("SELECT FROM queue_job WHERE state NOT IN ('done', 'failed')"), 120)
    assert "is called odoo jobs_worker now" in worker.log.read_text()
    assert rows("SELECT state, count(*) FROM queue_job GROUP BY state") == [("done", JOBS)]
    assert rows("SELECT count(*) FROM res_partner WHERE name ~ '^(Job|Before|After) '") == [(JOBS - 1,)]


def test_connector_goes_and_leaves_the_queue(updated):
    crons = "SELECT count(*) FROM ir_act_server JOIN ir_cron ON ir_act_server.id = ir_actions_server_id"
    databases.odoo("module", "uninstall", "--database", updated, "connector")
    assert rows(f"{crons} WHERE code ~ '_run_in_cron|_group_and_tell|_run_due'") == [(3,)]
    assert rows("SELECT name FROM ir_model_data WHERE module = 'connector'") == []
    assert rows("SELECT indexname FROM pg_indexes WHERE tablename = 'queue_job' AND indexname ~ 'run_idx'") == []
    assert rows("SELECT state, count(*) FROM queue_job GROUP BY state") == [("done", JOBS)]
