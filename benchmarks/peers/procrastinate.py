"""Peer: Procrastinate, with plain functions and without Odoo.

One worker process runs ten jobs at once. Finished jobs are kept, which is its default.
"""

import re
import venv
from pathlib import Path

from scripts import databases
from scripts.paths import PYTHON
from scripts.programs import run
from scripts.progress import step

from ..peer import Peer, create_empty
from ..processes import FOLDER, Background, Client, variables

REQUIREMENTS = Path(__file__).with_suffix(".txt")
APP = "benchmarks.peers.procrastinate_app.app"
CLIENT = "benchmarks.peers.procrastinate_client"
CONCURRENCY = 10


class Procrastinate(Peer):
    name = "procrastinate"
    title = "Procrastinate"

    def __init__(self):
        super().__init__()
        self.database = "bench_procrastinate"
        self.installed = FOLDER / f"procrastinate-{self.version()}"

    def version(self):
        return re.search(r"^procrastinate==(.+)$", REQUIREMENTS.read_text(), re.MULTILINE)[1]

    def prepare(self):
        if not self.installed.exists():
            with step(f"Procrastinate {self.version()} from PyPI"):
                self._install()
        if not databases.exists(self.database):
            with step(f"Database {self.database}"):
                create_empty(self.database)
                schema = ["procrastinate", "--app", APP, "schema", "--apply"]
                run([*self._python(), *schema], "read the log.", env=variables())

    def _install(self):
        part = self.installed.with_name(self.installed.name + ".part")
        venv.create(part, clear=True, symlinks=True)
        pip = [PYTHON, "-m", "pip", "--python", part / "bin" / "python"]
        run(
            [*pip, "install", "--quiet", "--no-deps", "-r", REQUIREMENTS],
            remedy="check the network and pip's configuration (`pip config list`), then run again.",
        )
        part.rename(self.installed)

    def _python(self):
        return [self.installed / "bin" / "python", "-m"]

    def clear(self):
        with databases.cursor(self.database) as cr:
            cr.execute("TRUNCATE procrastinate_jobs CASCADE")

    def count(self):
        with databases.cursor(self.database) as cr:
            cr.execute(
                "SELECT count(*) FILTER (WHERE status = 'succeeded'), count(*) FILTER (WHERE status = 'failed') FROM procrastinate_jobs"
            )
            return cr.fetchone()

    def delay(self, method, count, **options):
        return self.ask("delay", count)

    def trickle(self, count, interval):
        return self.ask("trickle", count, interval)

    def client(self):
        return Client("bench_procrastinate_client", [*self._python(), CLIENT])

    def start(self, process_count):
        worker = ["worker", "--concurrency", CONCURRENCY, "--delete-jobs", "never"]
        return Background("bench_procrastinate", [*self._python(), "procrastinate", "--app", APP, *worker])
