"""Set-up for a command: `python3 -m scripts.setup run`, `... test` or `... lint`.

It does nothing twice.
"""

import fcntl
import sys

from . import browser, odoo_source, pooler, virtualenv
from .paths import HOME
from .progress import command


def main():
    """Set up for the purpose named on the command line."""
    purpose = sys.argv[1]
    HOME.mkdir(exist_ok=True)
    with (HOME / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second command waits for the first one's set-up
        source = odoo_source.find()
        virtualenv.ensure("requirements.txt", *([] if purpose == "run" else ["test-requirements.txt"]))
        if purpose == "lint":
            return
        source = source or odoo_source.fetch()
        odoo_source.use(source)
        print(f"Odoo {odoo_source.SERIES} from {source.origin}: {source.path}")
        if purpose == "test":
            browser.ensure()
            pooler.ensure()


if __name__ == "__main__":
    command(main)
