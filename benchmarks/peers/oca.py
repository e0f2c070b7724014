"""Peer: OCA's queue_job, started as its documentation advises.

It is installed from PyPI into a folder of its own, with a database of its own.
"""

import shutil

from scripts import servers
from scripts.paths import PYTHON, ROOT
from scripts.programs import run
from scripts.progress import step

from ..processes import FOLDER
from .odoo import OdooPeer

VERSION = "19.0.2.4.0.1"
LIBRARY = "openupgradelib==3.13.7"  # of its migrations; it cannot be installed without
INSTALLED = FOLDER / f"queue_job-{VERSION}"

#: Modes: (workers, or 0 for the threaded server; capacity of the root channel)
MODES = [(0, 2), (0, 4), (2, 2), (2, 4), (4, 2), (4, 4)]
#: the fastest mode on two processors, as ``--modes`` found
BEST = (2, 4)

#: the runner keeps each unfinished job in memory, so more of them are not measured
LARGEST_BACKLOG = 100_000


class Oca(OdooPeer):
    """queue_job in one of its modes.

    :param workers: number of workers of a prefork server; 0 for a threaded one
    :param capacity: how many jobs its runner lets run at once
    """

    name = "oca"
    remark = f"queue_job is measured with at most {LARGEST_BACKLOG:,} further jobs"
    addons = ("queue_job", "benchmark_jobs")
    addons_path = INSTALLED / "odoo" / "addons"
    options = ("--load", "base,web,queue_job")
    variables = {"PYTHONPATH": f"{ROOT}:{INSTALLED / 'libraries'}"}
    own_columns = {"id": "nextval('queue_job_id_seq')", "uuid": "gen_random_uuid()::varchar"}

    def __init__(self, workers=BEST[0], capacity=BEST[1]):
        super().__init__()
        self.workers_option = workers
        self.capacity = capacity
        self.title = f"queue_job, {f'prefork {workers}' if workers else 'threaded'}, root:{capacity}"
        self._server = None

    def version(self):
        return VERSION

    def prepare(self):
        self.install()
        super().prepare()

    def install(self):
        """Install queue_job into a folder of its own."""
        if not INSTALLED.exists():
            with step(f"queue_job {VERSION} from PyPI"):
                part = INSTALLED.with_name(INSTALLED.name + ".part")
                shutil.rmtree(part, ignore_errors=True)
                for requirement, folder in ((f"odoo-addon-queue-job=={VERSION}", part), (LIBRARY, part / "libraries")):
                    run(
                        [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, requirement],
                        remedy="check the network and pip's configuration (`pip config list`), then run again.",
                    )
                part.rename(INSTALLED)

    def start(self, process_count):
        self._server = self.odoo(
            "bench_oca",
            f"--workers={self.workers_option}",
            "--max-cron-threads=0",
            f"--http-port={servers.free_port()}",
            ODOO_QUEUE_JOB_CHANNELS=f"root:{self.capacity}",
        )
        return self._server

    def is_ready(self, process_count):
        return "database connections ready" in self._server.log.read_text(errors="replace")

    def backlog(self, kind, count):
        """Create further jobs, see :mod:`benchmarks.measures.backlog`."""
        self.delay("unmeasured", 1, channel="root.other", priority=20)
        count = min(count, LARGEST_BACKLOG)
        self.multiply(count, **({"eta": "now() + interval '1 day'"} if kind == "scheduled" else {}))
