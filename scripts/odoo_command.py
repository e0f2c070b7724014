"""Odoo's command line with this checkout's addons and PostgreSQL: what the script `odoo` runs."""

import sys

from . import postgres
from .paths import ODOO
from .programs import attend
from .progress import command


def main():
    """Run the command `odoo` with the arguments given, in the terminal."""
    with postgres.running():
        return attend([ODOO, *sys.argv[1:]])


if __name__ == "__main__":
    command(main)
