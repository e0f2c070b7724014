"""Paths of this checkout: the addons, and the one folder for all that the set-up makes.

git ignores that folder.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".dev"

VENV = HOME / "venv"
PYTHON = VENV / "bin" / "python"
ODOO = VENV / "bin" / "odoo"
ODOO_CONFIG = HOME / "odoo.conf"
FETCHED_ODOO = HOME / "odoo"
POSTGRES = HOME / "postgres"

SUITE = "CONNECTOR_SUITE"  # variable of tests that run beside others: their logs and their databases' files are apart from those
LOGS = HOME / "log" / os.environ.get(SUITE, "")
ODOO_DATA = HOME / "data" / os.environ.get(SUITE, "")

ADDONS = sorted(manifest.parent.name for manifest in ROOT.glob("*/__manifest__.py"))
