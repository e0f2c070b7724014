"""Peers of this suite: its command host, its server host, and the addon of the queue alone."""

from scripts import servers
from scripts.paths import ROOT

from .odoo import OdooPeer


class Connector(OdooPeer):
    name = "connector"
    title = "connector"
    addons = ("connector", "benchmark_jobs", "benchmark_connector")
    addons_path = ROOT
    command = "jobs_worker"
    own_columns = {"id": "nextval('queue_job_id_seq')", "ready_seq": "nextval('queue_job_ready_seq')"}

    def version(self):
        return self._row("SELECT latest_version FROM ir_module_module WHERE name = %s", self.addons[0])[0]

    def clear(self):
        super().clear()
        self._execute("TRUNCATE queue_job_attempt, queue_worker")
        self._execute("UPDATE queue_job_channel SET capacity = 0")

    def delay(self, method, count, **options):
        """Delay jobs.

        ``noop_together`` is a method that only this peer has: a function that takes a list.
        """
        if method == "noop_together":
            return self.ask("delay_grouped", count)
        return super().delay(method, count, **options)

    def start(self, process_count):
        return self.odoo("bench_connector", self.command, "--processes", process_count)

    def is_ready(self, process_count):
        return self._row("SELECT count(*) FROM queue_worker")[0] == process_count

    def limit(self, capacity):
        """Limit the number of jobs that run at once."""
        self._execute("UPDATE queue_job_channel SET capacity = %s WHERE parent_id IS NULL", capacity)

    def backlog(self, kind, count):
        """Create ``count`` further jobs, see :mod:`benchmarks.measures.backlog`."""
        self.delay("unmeasured", 1, channel="root.other", priority=20)
        scheduled = {"state": "'scheduled'", "ready_seq": "NULL", "eta": "now() + interval '1 day'"}
        self.multiply(count, **(scheduled if kind == "scheduled" else {}))

    def mixed_backlog(self, count):
        """Create jobs in all states, most of them done, each about a record of its own."""
        self.delay("unmeasured", 1, channel="root.other")
        state = """
            CASE WHEN mod(generate_series, 25) = 0 THEN 'failed' WHEN mod(generate_series, 100) = 1 THEN 'pending'
                 WHEN mod(generate_series, 500) = 2 THEN 'scheduled' WHEN mod(generate_series, 500) = 3 THEN 'cancelled'
                 WHEN mod(generate_series, 1000) = 4 THEN 'wait_dependencies' ELSE 'done' END
        """
        self.multiply(
            count,
            state=state,
            external_id="generate_series::varchar",
            message="'Order ' || generate_series || ' is refused'",
            date_done="now() AT TIME ZONE 'UTC'",
        )
        self._execute(
            "INSERT INTO queue_job_label (id, external_id) SELECT id, external_id FROM queue_job WHERE external_id IS NOT NULL"
        )
        self._execute("ANALYZE queue_job_label")


class ConnectorServer(Connector):
    """The server host: a threaded Odoo without configuration, which runs one job at a time."""

    name = "connector_server"
    title = "connector in Odoo's server"
    database = "bench_connector"

    def start(self, process_count):
        return self.odoo("bench_connector_server", f"--http-port={servers.free_port()}")

    def is_ready(self, process_count):
        return self._row("SELECT EXISTS (SELECT FROM queue_worker WHERE kind = 'server')")[0]


class JobsQueue(Connector):
    """The addon of the queue in a database without connector."""

    name = "jobs_queue"
    title = "jobs_queue alone"
    addons = ("jobs_queue", "benchmark_jobs")
