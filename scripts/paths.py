"""What lies where: the addons, and the one folder (git ignores it) for all that the set-up makes."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".dev"

VENV = HOME / "venv"
PYTHON = VENV / "bin" / "python"
ODOO = VENV / "bin" / "odoo"
ODOO_CONFIG = HOME / "odoo.conf"
ODOO_DATA = HOME / "data"
FETCHED_ODOO = HOME / "odoo"
POSTGRES = HOME / "postgres"
LOG_FOLDER = "CONNECTOR_LOG_FOLDER"  # variable of what runs beside others: its logs have a folder of their own
LOGS = HOME / "log" / os.environ.get(LOG_FOLDER, "")

ADDONS = sorted(manifest.parent.name for manifest in ROOT.glob("*/__manifest__.py"))
