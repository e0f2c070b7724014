"""Odoo's command line with this checkout's addons and PostgreSQL: what the script `odoo` runs."""

import signal
import subprocess
import sys

from . import postgres
from .paths import ODOO
from .programs import environment
from .progress import command


def main():
    """Run the command `odoo` with the arguments given, in the terminal."""
    with postgres.running():
        process = subprocess.Popen([ODOO, *sys.argv[1:]], env=environment())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is Odoo's
        try:
            return process.wait()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    command(main)
