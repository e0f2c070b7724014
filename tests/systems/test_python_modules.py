"""Python modules with names that folders of the addons have, too."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from scripts.paths import ODOO_CONFIG

SCRIPT = """
import sys
from odoo.modules.module import initialize_sys_path
from odoo.tools import config
config.parse_config(["--config", sys.argv[1]])
initialize_sys_path()
import odoo.addons.jobs_queue
import odoo.addons.connector
import queue
print(queue.__file__)
del sys.modules["queue"]  # Odoo has imported it before: so it is looked for anew
import queue
print(queue.__file__)
"""


def test_import_queue_finds_python_s_own_after_the_addons_are_imported():
    command = [sys.executable, "-c", SCRIPT, ODOO_CONFIG]
    output = subprocess.run(command, capture_output=True, text=True)
    folders = [Path(file).parent for file in output.stdout.splitlines()]
    assert folders == [Path(sysconfig.get_path("stdlib"))] * 2, output.stderr
