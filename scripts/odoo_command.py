"""Script `odoo`: Odoo's command line with this checkout's addons and PostgreSQL."""

import sys

from . import postgres
from .paths import ODOO
from .programs import attend
from .progress import command


def main():
    """Run the command `odoo` in the terminal, with the arguments of this process."""
    with postgres.running():
        return attend([ODOO, *sys.argv[1:]])


if __name__ == "__main__":
    command(main)
