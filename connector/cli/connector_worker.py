"""Command ``odoo connector_worker``, the former name of ``odoo jobs_worker``."""

import sys

from odoo.cli import Command
from odoo.cli.command import find_command


class ConnectorWorker(Command):
    """Run the jobs of one or more databases; the command is now called jobs_worker."""

    name = "connector_worker"

    def run(self, args):
        """Print a warning, then run ``odoo jobs_worker``."""
        print(
            "odoo connector_worker is called odoo jobs_worker now: change the name where you start it.", file=sys.stderr
        )
        find_command("jobs_worker")().run(args)
