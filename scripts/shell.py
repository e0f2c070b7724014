"""Command `make shell`: an Odoo shell on the demo database."""

import os

from . import databases, postgres
from .paths import ROOT
from .progress import Failure, command

DATABASE = "erp"


def main():
    """Replace this process by `scripts/odoo shell`, if the demo database exists."""
    with postgres.running():
        if not databases.exists(DATABASE):
            raise Failure(f"there is no database {DATABASE} yet.", "make it with `make run`.")
    script = ROOT / "scripts" / "odoo"
    os.execv(script, [str(script), "shell", "--database", DATABASE, "--no-http"])


if __name__ == "__main__":
    command(main)
