"""Python modules that are there after the import of the addons: which ones, and whose."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from scripts.paths import ODOO_CONFIG

IMPORT = """
import sys
from odoo.modules.module import initialize_sys_path
from odoo.tools import config
config.parse_config(["--config", sys.argv[1]])
initialize_sys_path()
import odoo.addons.jobs_queue
import odoo.addons.connector
"""
PRINT_QUEUE = """
import queue
print(queue.__file__)
del sys.modules["queue"]  # Odoo has imported it before: so it is looked for anew
import queue
print(queue.__file__)
"""
PRINT_PACKAGES = """
print(*{name.partition(".")[0] for name in sys.modules})
print(*(name for name in sys.modules if ".connector.declaration" in name))
"""


def run(script):
    return subprocess.run([sys.executable, "-c", IMPORT + script, ODOO_CONFIG], capture_output=True, text=True)


def test_import_queue_finds_python_s_own_after_the_addons_are_imported():
    output = run(PRINT_QUEUE)
    folders = [Path(file).parent for file in output.stdout.splitlines()]
    assert folders == [Path(sysconfig.get_path("stdlib"))] * 2, output.stderr


def test_a_worker_starts_without_what_only_schedules_and_declared_adapters_need():
    output = run(PRINT_PACKAGES)
    packages, declared = output.stdout.splitlines()
    assert "odoo" in packages.split()
    assert not {"cron_descriptor", "croniter", "jmespath"} & set(packages.split())
    assert declared == "", output.stderr
