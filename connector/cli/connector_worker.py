"""The command ``odoo connector_worker``, as ``odoo jobs_worker`` was called."""

import sys

from odoo.cli import Command
from odoo.cli.command import find_command


class ConnectorWorker(Command):
    """Run the jobs of one or more databases; the command is called jobs_worker now."""

    name = "connector_worker"

    def run(self, args):
        """Warn, and do what ``odoo jobs_worker`` does."""
        print(
            "odoo connector_worker is called odoo jobs_worker now: change the name where you start it.", file=sys.stderr
        )
        find_command("jobs_worker")().run(args)
