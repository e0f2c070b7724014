"""Base class of the peers that are Odoo addons: a database, and an Odoo that delays jobs."""

import hashlib
from datetime import datetime

from scripts import databases
from scripts.paths import ODOO, PYTHON, ROOT
from scripts.programs import run
from scripts.progress import step

from ..peer import Peer
from ..processes import Background, Client, variables

ADDONS = ROOT / "benchmarks" / "addons"


class OdooPeer(Peer):
    """A job queue for Odoo whose jobs are delayed by ``record.with_delay()``."""

    #: the addons to install, and the folder of the first one and of those that it needs
    addons = ()
    addons_path = None
    #: options and environment variables of each of its Odoo processes
    options = ()
    variables = {}
    #: name of another peer's database, if it shares that one
    database = None
    #: columns of queue_job with a new value in each copy of a job, and the SQL expressions of their
    #: values
    own_columns = {"id": "nextval('queue_job_id_seq')"}

    def __init__(self):
        super().__init__()
        self.database = self.database or f"bench_{self.name}"

    # Its database

    def prepare(self):
        fingerprint = self._fingerprint()
        if databases.exists(self.database) and self._made_from() == fingerprint:
            return
        template = databases.template(("mail",))
        with step(f"Database {self.database}"):
            databases.create(self.database, template)
            install = ["--init", ",".join(self.addons), "--stop-after-init", "--no-http", "--database", self.database]
            run(
                [ODOO, *self._odoo_options(), *install],
                "correct what the lines above name.",
                log="odoo.log",
                env=variables(**self.variables),
            )
            self._execute("CREATE TABLE benchmark_source AS SELECT %s AS fingerprint", fingerprint)

    def _made_from(self):
        """Return the fingerprint stored in the database, or None if it was not finished."""
        (finished,) = self._row("SELECT to_regclass('benchmark_source')")
        return self._row("SELECT fingerprint FROM benchmark_source")[0] if finished else None

    def _fingerprint(self):
        """Return a fingerprint of the files from which the database is made."""
        files = [
            path
            for folder in (self.addons_path / self.addons[0], ADDONS)
            for path in sorted(folder.rglob("*"))
            if path.suffix in (".py", ".xml", ".csv") and "tests" not in path.parts
        ]
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()

    def _odoo_options(self):
        return [*self._path_option(), *self.options]

    def _path_option(self):
        # it is one word and the first one: there Odoo looks for a command of an addon
        return [f"--addons-path={self.addons_path},{ADDONS}"]

    def _execute(self, query, *values):
        with databases.cursor(self.database) as cr:
            cr.execute(query, values)

    def _row(self, query, *values):
        with databases.cursor(self.database) as cr:
            cr.execute(query, values)
            return cr.fetchone()

    # Its jobs

    def clear(self):
        self._execute("TRUNCATE queue_job, benchmark_record CASCADE")

    def count(self):
        return self._row(
            "SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed') FROM queue_job"
        )

    def delay(self, method, count, **options):
        return self.ask("delay", method, count, options)

    def trickle(self, count, interval):
        return self.ask("trickle", count, interval)

    def multiply(self, count, **changed):
        """Add ``count`` copies of the only job that exists.

        :param changed: columns that are different in the copies, and the SQL expressions of their
            values
        """
        with databases.cursor(self.database) as cr:
            cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'queue_job'")
            values = {name: name for (name,) in cr.fetchall()} | self.own_columns | changed
            cr.execute(
                f"""
                INSERT INTO queue_job ({", ".join(values)})
                SELECT {", ".join(values.values())} FROM queue_job, generate_series(1, %s)
                """,
                [count],
            )
            # autovacuum would have done so if that many jobs had come one after another
            cr.execute("ANALYZE queue_job")

    # Its processes

    def odoo(self, name, *arguments, **further):
        """Start an Odoo with the addons of this queue."""
        command = [ODOO, *self._path_option(), *arguments, *self.options, "--database", self.database]
        return Background(name, command, **self.variables, **further)

    def idle(self):
        """Start an Odoo with this database that does nothing."""
        return Background(
            f"{self.database}_idle",
            [ODOO, *self._path_option(), "--database", self.database, "--no-http", "--max-cron-threads=0"],
            **self.variables,
        )

    def registry_loaded(self, process):
        """Return the time when the registry of a process was loaded, or None.

        It is that of the first registry in the log of the process, in seconds since 1970.
        """
        for line in process.log.read_text(errors="replace").splitlines():
            if "Registry loaded in" in line:
                return datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp()
        return None

    def client(self):
        program = [PYTHON, "-m", "benchmarks.client", *self._odoo_options(), "--database", self.database]
        return Client(f"{self.database}_client", program, **self.variables)
