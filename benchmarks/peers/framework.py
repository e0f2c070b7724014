"""Peers for imports: two frameworks for connectors, and Odoo's own batched ``create()``.

Each framework has a connector to the same imaginary system.
"""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2

from scripts import databases
from scripts.paths import PYTHON
from scripts.programs import run
from scripts.progress import Failure, step

from .. import source
from ..processes import FOLDER, Usage
from .connector import Connector
from .oca import INSTALLED as QUEUE_JOB
from .oca import Oca

PROCESSES = 2
#: Size of the pages in which Odoo's create() gets its records: that of our importer
PAGE_SIZE = 500
#: A database without any connector
WITHOUT = "bench_without"


class Framework:
    """Mixin of a peer: the operations of a framework for connectors that the measures call.

    The peer runs the jobs of the framework.
    """

    #: limit of the records that a run imports; None for no limit
    most_records = None
    #: how many records are imported before a measure begins, and the query that counts the
    #: processes that have imported some
    warm_up = None
    count_warm = None

    def of_backend(self, method, *args):
        """Call a method of the connector's backend, commit; return what the method returned."""
        return self.ask("of_backend", method, args)

    def new_numbers(self, kind, count):
        """Return ``(first number, count)`` of records that do not exist yet."""
        table = source.MODELS[kind].replace(".", "_")
        (last,) = self._row(f"SELECT coalesce(max(external_id::int), 0) FROM {table}")
        return last + 1, min(count, self.most_records or count)

    def change(self):
        """Change two fields of all records of the system, and wait for two seconds.

        After this time clocks of whole seconds show the change, too.
        """
        self.ask("change_records")
        time.sleep(2)

    @contextmanager
    def importing(self, kind):
        """Run warm workers that wait for imports, during the block."""
        self.clear()
        with self.start(PROCESSES) as process:
            self.wait(process, lambda: self.is_ready(PROCESSES))
            while self._row(self.count_warm)[0] < PROCESSES:
                self.import_records(process, kind, *self.new_numbers(kind, self.warm_up))
            yield process

    def import_records(self, process, kind, first, count):
        """Let workers import records; return the seconds from the delay to the last job's end."""
        # one connection for all queries: a new one each time would take processor time from the
        # workers
        with closing(psycopg2.connect(dbname=self.database)) as connection, connection.cursor() as cr:
            connection.autocommit = True
            began = time.perf_counter()
            self.of_backend("delay_import", kind, first, count)
            self.wait(process, lambda: _is_idle(cr))
            seconds = time.perf_counter() - began
        _done, failed = self.count()
        if failed:
            raise Failure(f"{self.title}: {failed} jobs failed.", f"read {process.log}.")
        return seconds

    def import_cost(self, process, kind, first, count):
        """Let workers import records; return the seconds of processor time that it took."""
        usage = Usage(process.pid)
        usage.begin()
        self.import_records(process, kind, first, count)
        used = usage.since()
        return used["workers"] + used["postgres"]

    def queries(self):
        """Return how many queries all jobs have executed, or None if nobody counts them."""
        return None

    def clear(self):
        self._execute("TRUNCATE queue_job CASCADE")


class ConnectorFramework(Framework, Connector):
    name = "framework"
    title = "connector"
    addons = ("connector", "benchmark_framework")
    warm_up = PROCESSES * PAGE_SIZE
    count_warm = """
        SELECT count(DISTINCT attempt.worker)
        FROM queue_job_attempt AS attempt JOIN queue_job AS job ON job.id = attempt.job_id
        WHERE job.function LIKE 'odoo.addons.connector.%%import_page'
    """

    def clear(self):
        super().clear()
        self._execute("TRUNCATE queue_job_attempt, queue_worker")

    def queries(self):
        return self._row("SELECT coalesce(sum(queries), 0) FROM queue_job_attempt")[0]

    def compare_writes(self):
        """Compare ``write()`` in this database with the same in one without the addon.

        Both run in one process, turn by turn.
        """
        if not databases.exists(WITHOUT):
            databases.create(WITHOUT, databases.template(("mail", "product")))
        return self.ask("compare_writes", WITHOUT)


class OcaFramework(Framework, Oca):
    """OCA's connector with queue_job: a job for each record, as its documentation advises."""

    name = "oca_framework"
    title = "OCA connector, a job a record"
    most_records = 1_000
    warm_up = 20
    count_warm = "SELECT count(DISTINCT worker_pid) FROM queue_job WHERE method_name = 'import_record'"
    remark = f"OCA connector imports at most {most_records:,} records a run"
    addons = ("connector", "benchmark_oca_framework")
    versions = {"connector": "19.0.1.0.0.5", "component": "19.0.1.0.1.6", "component_event": "19.0.1.0.0.9"}
    library = "cachetools==5.5.2"
    installed = FOLDER / f"oca-connector-{versions['connector']}"
    addons_path = installed / "odoo" / "addons"
    variables = {"PYTHONPATH": f"{Oca.variables['PYTHONPATH']}:{installed / 'libraries'}"}

    def __init__(self):
        super().__init__()
        self.title = type(self).title

    def version(self):
        return f"{self.versions['connector']}, queue_job {super().version()}"

    def install(self):
        super().install()
        if self.installed.exists():
            return
        with step(f"OCA connector {self.versions['connector']} from PyPI"):
            part = self.installed.with_name(self.installed.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            packages = [f"odoo-addon-{name}=={version}" for name, version in self.versions.items()]
            for requirements, folder in ((packages, part), ([self.library], part / "libraries")):
                run(
                    [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *requirements],
                    remedy="check the network and pip's configuration (`pip config list`), then run again.",
                )
            part.rename(self.installed)

    def _path_option(self):
        (option,) = super()._path_option()
        return [f"{option},{QUEUE_JOB / 'odoo' / 'addons'}"]


class OdooCreate(ConnectorFramework):
    """Odoo's own batched ``create()`` of the same bindings, by as many processes.

    No framework can be faster.
    """

    name = "odoo_create"
    title = "Odoo's create()"
    database = "bench_framework"

    def __init__(self):
        super().__init__()
        self._creators = []

    def create_records(self, kind, first, count):
        """Let each process create its part of the records; return the seconds until all exist."""
        self._creators = self._creators or [self.client() for _number in range(PROCESSES)]
        share = count // PROCESSES

        def create(number):
            numbers = first + number * share, share
            return self._creators[number].ask("of_backend", "create_records", [kind, *numbers, PAGE_SIZE])

        with ThreadPoolExecutor(PROCESSES) as threads:
            began = time.perf_counter()
            list(threads.map(create, range(PROCESSES)))
            return time.perf_counter() - began

    def close(self):
        super().close()
        for creator in self._creators:
            creator.close()


def _is_idle(cr):
    """Tell whether no job is left.

    The job that delays the others is not done before they exist.
    """
    cr.execute("SELECT NOT EXISTS (SELECT FROM queue_job WHERE state NOT IN ('done', 'failed', 'cancelled'))")
    return cr.fetchone()[0]
