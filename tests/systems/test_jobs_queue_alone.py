"""A database with the jobs queue and no connector."""

import json

import pytest

from scripts import databases, servers
from scripts.paths import ODOO, ODOO_CONFIG, PYTHON, ROOT
from scripts.programs import run

DATABASE = "jobs_queue_alone"
# The addons that the process has loaded, the methods and fields that jobs_queue gives to all
# models, by way of `base`, and to single ones of others
LOOK = """
import json, sys
from odoo.fields import Field
loaded = sorted({name.split(".")[2] for name in sys.modules if name.startswith("odoo.addons.") and "connector" in name})
base = env.registry["base"].mro()
def given(model, parents):
    return sorted({
        f"{model._name}.{name}"
        for parent in parents if parent.__module__.startswith("odoo.addons.jobs_queue.")
        for name, value in vars(parent).items() if callable(value) or isinstance(value, Field)
    })
to_all = given(env["base"], base)
others = [model for model in env.registry.values() if not model._name.startswith("queue.")]
to_others = sorted({name for model in others for name in given(model, set(model.mro()) - set(base))})
menus = env["ir.ui.menu"].search([]).mapped("complete_name")
print("LOOK", json.dumps([loaded, to_all, to_others, [name for name in menus if "onnector" in name]]))
"""
OWN_TESTS = [f"jobs_queue/tests/test_{name}.py" for name in ("queue_security", "given", "names", "screens")]
DELAY = """
env["res.partner"].with_delay().create({"name": "By a job"})
env.cr.commit()
"""


@pytest.fixture
def alone():
    databases.create_original(DATABASE, databases.installed(["jobs_queue"], databases.template(databases.BASE)))
    yield DATABASE
    databases.drop(DATABASE)


def shell(script):
    return run([ODOO, "shell", "--database", DATABASE, "--no-http"], "read the log.", log="odoo.log", input=script)


def rows(query):
    with databases.cursor(DATABASE) as cr:
        cr.execute(query)
        return cr.fetchall()


def test_there_is_nothing_of_the_framework(alone):
    (line,) = [line for line in shell(LOOK).splitlines() if "LOOK" in line]
    loaded, to_all, to_others, menus = json.loads(line.partition("LOOK")[2])
    assert loaded == []
    assert to_all == ["base.delayable", "base.with_delay"]
    assert to_others == [
        "ir.actions.server._run",
        "ir.actions.server._run_in_job",
        "ir.actions.server.run_as_job",
        "ir.module.module.write",
    ]
    assert menus == []
    assert rows("SELECT model FROM ir_model WHERE model ~ '^(connector|external)'") == []


def test_a_worker_runs_jobs(alone, wait_until):
    shell(DELAY)
    with servers.Process("alone", "jobs_worker", "--database", alone):
        wait_until(lambda: rows("SELECT FROM res_partner WHERE name = 'By a job'"))
        wait_until(lambda: rows("SELECT state FROM queue_job") == [("done",)])


def test_the_addon_s_own_tests_of_rights_names_and_screens_pass(alone):
    options = [f"--odoo-config={ODOO_CONFIG}", f"--odoo-database={alone}", "--odoo-http", "-p", "no:cacheprovider"]
    run([PYTHON, "-m", "pytest", *OWN_TESTS, *options], "read the log.", log="tests of jobs_queue.log", cwd=ROOT)


def test_without_connector_its_jobs_are_unknown_and_wait(alone, wait_until):
    databases.install(alone, ["connector"])
    with databases.cursor(alone) as cr:
        cr.execute(
            """
            INSERT INTO queue_job
                (function, payload, state, channel_id, priority, max_retries, su, user_id, company_id, model_name, ready_seq)
            SELECT 'odoo.addons.connector.models.connector_checkpoint.review_checkpoints',
                   '{"args": ["connector.checkpoint", []], "kwargs": {}}', 'pending', id, 10, 5, true, 1, 1, 'connector.checkpoint',
                   nextval('queue_job_ready_seq')
            FROM queue_job_channel WHERE parent_id IS NULL
            """
        )
    databases.odoo("module", "uninstall", "--database", alone, "connector")
    assert rows("SELECT state FROM ir_module_module WHERE name = 'jobs_queue'") == [("installed",)]
    with servers.Process("alone", "jobs_worker", "--database", alone):
        wait_until(lambda: rows("SELECT FROM queue_job_attempt WHERE outcome = 'unknown'"))
    assert rows("SELECT state FROM queue_job WHERE function LIKE '%review%'") == [("scheduled",)]
