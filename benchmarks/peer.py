"""Class ``Peer``: a job queue, and the operations on it that the measures call."""

import time
from contextlib import closing, contextmanager

import psycopg2

from scripts import databases
from scripts.progress import Failure

from .journal import Journal
from .processes import JOURNAL, Usage

#: Seconds without a new job after which a run is given up.
PATIENCE = 180
#: Jobs that each process runs before a measure begins.
WARM_UP = 25


class Peer:
    """A job queue.

    The queues that are Odoo addons have more in common, see
    :class:`~benchmarks.peers.odoo.OdooPeer`.
    """

    #: its name on the command line and in the JSON file
    name = None
    #: its name in the table
    title = None
    #: what a reader of the table has to know about it
    remark = None

    def __init__(self):
        self.journal = Journal(JOURNAL)
        self._client = None

    def prepare(self):
        """Install the queue, and prepare its database."""
        raise NotImplementedError

    def version(self):
        """Return the version of the queue."""
        raise NotImplementedError

    def client(self):
        """Start the program that delays jobs; return its :class:`~benchmarks.processes.Client`."""
        raise NotImplementedError

    def clear(self):
        """Delete all jobs and their effects, while no worker runs."""
        raise NotImplementedError

    def delay(self, method, count, **options):
        """Delay the jobs 1 to ``count`` in one transaction; return ``{"seconds":, "queries":}``.

        :param method: ``noop``, ``write_one`` or ``unmeasured``
        :param options: ``priority`` and ``channel``, where the peer has them
        """
        raise NotImplementedError

    def trickle(self, count, interval):
        """Delay no-op jobs one by one, ``interval`` seconds apart; return the times of the commits.

        The times are in seconds since 1970.
        """
        raise NotImplementedError

    def start(self, process_count):
        """Start the processes that run jobs.

        :return: the :class:`~benchmarks.processes.Background`
        """
        raise NotImplementedError

    def is_ready(self, process_count):
        """Tell whether the started processes can run jobs."""
        return True

    def count(self):
        """Return ``(done, failed)``, the numbers of jobs that ended so, warm-up included."""
        raise NotImplementedError

    # The program that delays jobs: it starts when it is first needed, and lives until the end

    def ask(self, *command):
        """Send a command to the program that delays jobs; return its answer."""
        if self._client is None:
            self._client = self.client()
        return self._client.ask(*command)

    def close(self):
        """End the program that delays jobs."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # Steps of the measures

    @contextmanager
    def workers(self, process_count):
        """Run warm workers that wait for jobs, during the block."""
        with self.start(process_count) as process:
            self.wait(process, lambda: self.is_ready(process_count))
            self.journal.clear()
            done_before, _failed = self.count()
            self.delay("noop", WARM_UP * process_count)
            self._check_done(process, done_before + WARM_UP * process_count)
            self.journal.clear()
            yield process

    def drain(self, method, count, process_count, at_once=1):
        """Let warm workers run jobs that are committed at once; return a dict of figures.

        Each job runs in a transaction of its own, except where jobs run as batches.

        ``rate``: jobs per second, from the first job's start to the last one's. ``machine``,
        ``workers``, ``postgres``: milliseconds of processor time per job, of the whole machine and
        of that part of it. ``repeated``: how often a job began again because another transaction
        was in the way of its first.

        :param at_once: how many jobs note at one time that they start
        """
        with self.workers(process_count) as process:
            return self.drain_by(process, method, count, at_once)

    def drain_by(self, process, method, count, at_once=1):
        """Let workers that already run do the same as in :meth:`drain`."""
        done_before, _failed = self.count()
        usage = Usage(process.pid)
        self.delay(method, count)
        self.wait_for_jobs(process, 1)
        usage.begin()
        first = len(self.journal)
        repeated = self._wait_for_each(process, count)
        seconds = usage.since()
        self._check_done(process, done_before + count)
        times = [when for _number, when in self.journal.entries()]
        return {
            "rate": (count - at_once) / (times[-1] - times[0]),
            "repeated": repeated,
            **{part: 1000 * used / (count - first) for part, used in seconds.items()},
        }

    def wait_for_jobs(self, process, count):
        """Wait until the journal has ``count`` entries, without queries to the database."""
        seen, since = -1, time.monotonic()
        while (entries := len(self.journal)) < count:
            if entries > seen:
                seen, since = entries, time.monotonic()
            self._check(process, since, f"ran {entries} of {count} jobs, and no other")
            time.sleep(0.002)

    def _wait_for_each(self, process, count):
        """Wait until each of the jobs has begun; return how often one began again."""
        repeated = 0
        while True:
            self.wait_for_jobs(process, count + repeated)
            numbers = [number for number, _when in self.journal.entries()]
            repeated = len(numbers) - len(set(numbers))
            if len(numbers) - repeated >= count:
                return repeated

    def wait(self, process, condition):
        """Wait until a condition holds."""
        since = time.monotonic()
        while not condition():
            self._check(process, since, "is not ready")
            time.sleep(0.05)

    def _check_done(self, process, count):
        """Wait until ``count`` jobs are done; this time is not measured.

        :raise Failure: a job failed
        """
        self.wait(process, lambda: sum(self.count()) >= count)
        _done, failed = self.count()
        if failed:
            raise Failure(f"{self.title}: {failed} jobs failed.", f"read {process.log}.")

    def _check(self, process, since, what):
        process.check()
        if time.monotonic() - since > PATIENCE:
            raise Failure(f"{self.title} {what} within {PATIENCE} s.", f"read {process.log}.")


def create_empty(database):
    """Create a database without tables."""
    with closing(psycopg2.connect(dbname="postgres")) as connection:
        connection.autocommit = True  # no database is created within a transaction
        connection.cursor().execute(f"CREATE DATABASE {database}")
    databases.mark(database)
