"""Start of workers by the servers, in any order of import and load of the addons."""

import subprocess
import sys

import pytest

from scripts.paths import ODOO_CONFIG

SCRIPT = """
import sys
from odoo.modules.module import initialize_sys_path, load_openerp_module
from odoo.service import server
from odoo.tools import config
config.parse_config(["--config", sys.argv[1]])
initialize_sys_path()
before = server.ThreadedServer.cron_spawn
for name in sys.argv[2].split():
    __import__(f"odoo.addons.{name}")
for name in sys.argv[3].split():
    load_openerp_module(name)
print("patched" if server.ThreadedServer.cron_spawn is not before else "not patched")
"""


@pytest.mark.parametrize(
    "imported, loaded",
    [
        ("", "jobs_queue"),
        ("jobs_queue.session", "jobs_queue"),
        ("connector_odoo", "jobs_queue connector connector_odoo"),
    ],
)
def test_a_server_starts_workers(imported, loaded):
    command = [sys.executable, "-c", SCRIPT, ODOO_CONFIG, imported, loaded]
    output = subprocess.run(command, capture_output=True, text=True)
    assert output.stdout.endswith("patched\n") and "not" not in output.stdout, output.stderr
