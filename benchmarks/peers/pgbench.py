"""Peer: pgbench, with only the few statements that a queue needs at least.

It shows what PostgreSQL allows if nothing else runs.
"""

import re
from pathlib import Path

from scripts import cluster, databases
from scripts.programs import run
from scripts.progress import step

from ..peer import Peer, create_empty
from ..processes import Usage

PROGRAM = cluster.program_path("pgbench")
SCRIPTS = Path(__file__).with_name("pgbench_scripts")


class Pgbench(Peer):
    """A slim table of jobs: one statement inserts jobs, or claims and completes one of them."""

    name = "pgbench"
    title = "pgbench"

    def __init__(self):
        super().__init__()
        self.database = "bench_pgbench"

    def version(self):
        return run([PROGRAM, "--version"], "install PostgreSQL.").split()[-1]

    def prepare(self):
        if not databases.exists(self.database):
            with step(f"Database {self.database}"):
                create_empty(self.database)

    def clear(self):
        with databases.cursor(self.database) as cr:
            cr.execute((SCRIPTS / "tables.sql").read_text())

    def delay(self, method, count, **options):
        """Insert all jobs by one statement."""
        output = self._pgbench("insert", clients=1, transactions=1, count=count)
        return {"seconds": float(re.search(r"latency average = ([\d.]+) ms", output)[1]) / 1000}

    def drain(self, method, count, process_count):
        """Claim and complete each job by one statement, which is a transaction of its own."""
        self.delay(method, count)
        with databases.cursor(self.database) as cr:
            cr.execute("INSERT INTO record SELECT id FROM job")
        usage = Usage()
        usage.begin()
        output = self._pgbench(method, clients=process_count, transactions=count // process_count)
        seconds = usage.since()
        rate = float(re.search(r"tps = ([\d.]+)", output)[1])
        return {"rate": rate, **{part: 1000 * used / count for part, used in seconds.items()}}

    def _pgbench(self, script, clients, transactions, **values):
        number = [f"--client={clients}", f"--jobs={clients}", f"--transactions={transactions}"]
        defined = [f"--define={name}={value}" for name, value in values.items()]
        return run(
            [
                PROGRAM,
                "--no-vacuum",
                "--protocol=prepared",
                *number,
                *defined,
                f"--file={SCRIPTS / script}.sql",
                self.database,
            ],
            "read what it printed.",
            log="bench_pgbench.log",
        )
