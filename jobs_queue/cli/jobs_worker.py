"""Command ``odoo jobs_worker``: its options, and the start of the worker processes."""

import optparse

from odoo.cli import Command
from odoo.service import server
from odoo.tools import config


class JobsWorker(Command):
    """Run the jobs of one or more databases until SIGTERM or Ctrl-C."""

    name = "jobs_worker"

    def run(self, args: list[str]) -> None:
        """Parse Odoo's options and those of the workers, and supervise worker processes."""
        group = optparse.OptionGroup(
            config.parser,
            "Jobs worker",
            "Start it on as many machines as you like: PostgreSQL is all that they share. Name the addons path before the "
            "command, or in the configuration file that the environment variable ODOO_RC names.",
        )
        group.add_option(
            "--processes",
            dest="jobs_queue_processes",
            my_default=1,
            type="int",
            help="how many processes run jobs (default 1)",
        )
        group.add_option(
            "--threads",
            dest="jobs_queue_threads",
            my_default=1,
            type="int",
            help="how many jobs each process runs at once (default 1)",
        )
        group.add_option(
            "--no-watchdog",
            dest="jobs_queue_no_watchdog",
            action="store_true",
            my_default=False,
            help="never kill a process that gives no sign of life, for instance while a debugger holds it",
        )
        config.parser.add_option_group(group)
        config.parser.prog = self.prog
        config.parse_config(args, setup_logging=True)
        # Odoo does not know the defaults of options that are added late
        processes, threads = config.get("jobs_queue_processes", 1), config.get("jobs_queue_threads", 1)
        if processes < 1 or threads < 1:
            config.parser.error("--processes and --threads must be at least 1")
        server.load_server_wide_modules()

        from odoo.addons.jobs_queue.hosts.child import silence_limit
        from odoo.addons.jobs_queue.hosts.command import Supervisor
        from odoo.addons.jobs_queue.hosts.databases import served_databases

        limit = 0 if config.get("jobs_queue_no_watchdog") else silence_limit()
        Supervisor(processes, threads, served_databases, limit).run()
