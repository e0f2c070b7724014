"""An Odoo shell on the demo database: `make shell`."""

import os

from . import databases, postgres
from .paths import ROOT
from .progress import Failure, command

DATABASE = "erp"


def main():
    """Become `scripts/odoo shell`, if there is something to open."""
    with postgres.running():
        if not databases.exists(DATABASE):
            raise Failure(f"there is no database {DATABASE} yet.", "make it with `make run`.")
    script = ROOT / "scripts" / "odoo"
    os.execv(script, [str(script), "shell", "--database", DATABASE, "--no-http"])


if __name__ == "__main__":
    command(main)
