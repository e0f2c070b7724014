"""Class ``Worker``: registers for one database, claims jobs, sends heartbeats, and ends."""

import contextlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from typing import TypeAlias, TypeVar

import psycopg2
from psycopg2.errors import LockNotAvailable, UndefinedTable

from .. import store
from ..jobs import JobBatch, RunningJob
from ..jobs.options import JobOptions
from ..store import wakeup
from ..store.claiming import LeasedJob
from ..store.connection import LOCK_TIMEOUT, connect, is_pooled
from ..store.ending import Ending
from .attempt import used_memory
from .backoff import Backoff
from .errors import CONNECTION_LOST, LifeEnded, first_line, lacks_means
from .failures import FailureGroups
from .jobs_queue import JobsQueue
from .runner import JobRunner
from .transaction import JobTransactions

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")

# The server's process behind a connection, see store.workers.server_process_of
_ServerProcess: TypeAlias = tuple[int, float] | tuple[None, None]
# The id of a job and the token of its lease
_Lease: TypeAlias = tuple[int, int | None]

#: Seconds for which a stopping process lets its running jobs go on. Then their leases end; that
#: does not count as an attempt.
GRACE_SECONDS = 60
#: Limit of the jobs that a worker claims for each of its threads; it claims as many as it would run
#: in about CLAIM_SECONDS.
CLAIM_LIMIT = 100
CLAIM_SECONDS = 0.1
#: Seconds for which a worker holds jobs that none of its threads starts; then other workers may
#: have them.
HOLD_SECONDS = 0.5
#: Seconds for which a job may be leased to this worker while the worker neither holds nor runs it,
#: as between the two; then its run is lost.
LOST_SECONDS = 3
#: Seconds between two checks of jobs that no claim meets because PostgreSQL refuses to change their
#: rows.
SETTLE_SECONDS = 30


class Worker:
    """One life of a process as a worker of one database.

    It lasts from its row in ``queue.worker`` to its end. The threads that run jobs share it. Its
    raw connection serves claims, marks and housekeeping, for one user at a time. Any of these may
    have to wait for a lock, so the heartbeats have a connection of their own. ``is_cut_off`` says
    that one of the two connections was lost: perhaps the database is just being dropped or copied.

    :param kind: ``cron``, ``server`` or ``command``: the host in which it lives
    :param capacity: how many threads run jobs
    :param server_process: ``(pid, start)`` of the server's process that stands for this life, see
        :func:`..store.workers.server_process_of`; by default, that of the raw connection
    :param process: uuid of the process; what is left of its earlier lives ends at the beginning of
        this one
    :param judges_from: before this time (of the monotonic clock) no worker is declared dead, as
        this process has lost a connection. The other workers may have lost theirs, too; they send
        heartbeats as soon as they are connected again
    """

    #: the order from the screen of workers; a worker claims jobs only in the state ``running``
    state = "running"

    def __init__(
        self,
        dbname: str,
        kind: str,
        capacity: int,
        server_process: _ServerProcess | None = None,
        process: str | None = None,
        judges_from: float = 0,
    ) -> None:
        self.dbname = dbname
        self.capacity = capacity
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.queue = JobsQueue()
        # ids of the jobs that threads hold until they may begin, see ExclusiveRuns
        self.waiting: set[int] = set()
        self.backoff = Backoff()
        self.transactions = JobTransactions(self)
        self.runner = JobRunner(self, self.transactions)
        # (job id, lease token) of jobs whose end could not be written for lack of resources, or
        # because of a lock, with the reason
        self.unwritten: dict[_Lease, str] = {}
        self.failures = FailureGroups(dbname)
        self.ended = self.is_cut_off = False
        self._lock = threading.RLock()
        self._grace_ends: float = 0
        self._suspects: dict[_Lease, float] = {}
        self._complaints: dict[Callable[[psycopg2.extensions.cursor], object], str] = {}
        self._next_settlement: float = 0
        self._judges_from = judges_from
        self._connection, self._sign_connection = (connect(dbname, LOCK_TIMEOUT) for _number in range(2))
        self.is_pooled = is_pooled(self._connection)
        if not self.is_pooled:
            store.prepared.keep(self._connection)
        self.id: int = self._register(kind, server_process, process)
        self.note_server_processes()
        _logger.info("Worker %s (%s) serves the database %s with %s thread(s)", self.name, kind, dbname, capacity)

    def _register(self, kind: str, server_process: _ServerProcess | None, process: str | None) -> int:
        with self.raw_cursor() as cr:
            if process:
                store.workers.end_process(cr, process, end=store.workers.INTERRUPTED)
            if self.is_pooled:
                server_process = (None, None)
            host, pid = socket.gethostname(), os.getpid()
            return store.workers.register(
                cr,
                str(uuid.uuid4()),
                host,
                pid,
                kind,
                self.capacity,
                server_process or store.workers.server_process_of(cr),
                process,
            )

    # Connections

    @contextlib.contextmanager
    def raw_cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        """Give the cursor of the raw connection to one thread at a time.

        :raise LifeEnded: the connection is lost; the effect of the last statement is not known
        """
        with self._lock, self._cursor_of(self._connection) as cr:
            yield cr

    def sign_cursor(self) -> AbstractContextManager[psycopg2.extensions.cursor]:
        """Give the cursor for heartbeats and for running jobs to the thread that watches these.

        :raise LifeEnded: as :meth:`raw_cursor`
        """
        return self._cursor_of(self._sign_connection)

    @contextlib.contextmanager
    def _cursor_of(self, connection: psycopg2.extensions.connection) -> Iterator[psycopg2.extensions.cursor]:
        if self.ended:
            raise LifeEnded(f"Worker {self.name} of {self.dbname} ends: this life of it is over")
        try:
            with connection.cursor() as cr:
                yield cr
        except CONNECTION_LOST as error:
            if not connection.closed:
                raise
            self.ended = self.is_cut_off = True
            raise LifeEnded(f"Worker {self.name} has lost its connection to {self.dbname}: {error}") from error

    def note_server_processes(self) -> None:
        """Store the pids of the server's processes that work for this life."""
        if not self.is_pooled:
            raw = (self._connection, self._sign_connection)
            # the list is made while the cursor is held: an older list must not be stored later
            with self.raw_cursor() as cr:
                pids = [*(connection.info.backend_pid for connection in raw), *self.transactions.server_pids]
                store.workers.note_server_processes(cr, self.id, pids)

    # Jobs

    def next_job(self) -> LeasedJob | None:
        """Return a leased job to run now, or None."""
        if self.state != "running" or self.backoff.is_on:
            return None
        job = self.queue.get()
        if job is None:
            with self._lock:
                # another thread may have claimed while this one waited for the lock
                job = self.queue.get() or self._claim()
        return job

    def _claim(self) -> LeasedJob | None:
        free = max(1, self.capacity - len(set(self.runner.runs.values())))
        each = max(1, min(CLAIM_LIMIT, int(CLAIM_SECONDS / max(self.runner.job_seconds, 0.001))))
        try:
            with self.raw_cursor() as cr:
                jobs = store.claiming.claim(cr, self.id, free * each, free)
        except psycopg2.Error as error:
            self.take_no_jobs(error)
            return None
        self.queue.put(jobs)
        if not jobs:
            self.backoff.end()
        self.transactions.expect_changes()
        return self.queue.get()

    def run(self, leased: LeasedJob, show: Callable[[RunningJob | JobBatch], object] | None = None) -> None:
        """Run a leased job to one of its ends: done, another attempt, failed or cancelled.

        :param show: as for :meth:`JobRunner.run`
        :raise LifeEnded: this worker may not write for any job any more
        """
        self.runner.run(leased, show)

    def could_not_start(self, job: LeasedJob, error: Exception) -> None:
        """Give back a leased job whose start has raised an error.

        If PostgreSQL refuses the job's row, the job is left out for a while. If the row is only
        locked, that does not concern this worker, and it goes on with other jobs. After any other
        error it claims no jobs for a time. If the row cannot be given back either, the lease is
        freed as one without a run, see :meth:`do_housekeeping`.

        :raise LifeEnded: as :meth:`raw_cursor`
        """
        _logger.warning("Job %s of %s cannot be started: %s", job.id, self.dbname, first_line(error))
        if isinstance(error, store.trouble.PASSING):
            # the rows of its other jobs may be locked, too, and would keep all threads waiting, one
            # after the other
            self._give_back([job, *self.queue.drain()], self.raw_cursor, hold=False)
            return
        try:
            with self.raw_cursor() as cr:
                if getattr(error, "pgcode", None) and not lacks_means(error) and store.trouble.is_refusal(cr, error):
                    store.trouble.note(cr, job.id, error)
                    store.leases.release_unstarted(cr, [job])
                    return
                seconds = self.take_no_jobs(error)
                if not store.leases.release_unstarted(cr, [job]):
                    # the job has started before its arguments came
                    message = f"It could not begin, for want of means of its worker or the server: {first_line(error)}"
                    store.leases.give_back(cr, job, self, Ending(message), seconds, "no_resources")
        except psycopg2.Error as refused:
            self.take_no_jobs(refused)

    def options_of(self, job: LeasedJob) -> JobOptions:
        """Return the options of a job's function in the database.

        They are read apart from the job's transaction.
        """
        return self.transactions.options_of(job)

    def give_back(self) -> None:
        """Make the jobs that this worker has not started runnable again, in their old places."""
        self._give_back(self.queue.drain(), self.raw_cursor)

    def share(self) -> None:
        """Let other workers run the jobs that this one has held for :data:`HOLD_SECONDS`.

        Its threads run jobs that take longer than expected. It is called by the thread that sends
        heartbeats, as all others may be busy. A job that a thread is about to start is not in the
        queue any more, so it is not given back.
        """
        if self._give_back(self.queue.drain(HOLD_SECONDS), self.sign_cursor):
            wakeup.wake_workers(self.dbname)

    def hand_over(self, leased: LeasedJob) -> None:
        """Let other workers run a leased job that this process is not to begin now."""
        if self._give_back([leased], self.raw_cursor):
            wakeup.wake_workers(self.dbname)

    def _give_back(
        self,
        jobs: list[LeasedJob],
        cursor: Callable[[], AbstractContextManager[psycopg2.extensions.cursor]],
        hold: bool = True,
    ) -> int:
        """Make jobs that were taken from the queue runnable again; return how many were.

        :param hold: whether jobs that cannot be given back now are put into the queue again; else
            :meth:`do_housekeeping` frees their leases
        """
        if not jobs:
            return 0
        given: Collection[int] = ()
        try:
            with cursor() as cr:
                given = store.leases.release_unstarted(cr, jobs)
        except (LifeEnded, psycopg2.Error) as error:
            # when the life ends, all leases that it holds end
            _logger.info("%s job(s) of %s are given back later: %s", len(jobs), self.dbname, first_line(error))
        if hold:
            self.queue.put([job for job in jobs if job.id not in given])
        return len(given)

    def take_no_jobs(self, error: BaseException) -> float:
        """Claim no jobs for a time, as there are no resources to run them.

        The jobs that this worker has not started are made runnable again.

        :param error: the error that shows it
        :return: for how many seconds
        """
        seconds = self.backoff.begin()
        _logger.warning(
            "Worker %s of %s takes no jobs for %.0f s: %s", self.name, self.dbname, seconds, first_line(error)
        )
        self.give_back()
        return seconds

    def wake_others(self) -> None:
        """Wake the database's workers: there are more jobs than the calling thread runs next."""
        wakeup.wake(self.dbname)

    # Life

    def send_heartbeat(self) -> bool:
        """Send a heartbeat; return False if that was not possible now.

        This is so if the worker's row is locked, or if the disk is full.

        :raise LifeEnded: the worker was declared dead
        """
        with self.sign_cursor() as cr:
            try:
                is_alive = store.workers.send_heartbeat(cr, self.id, used_memory())
            except psycopg2.Error as error:
                if cr.connection.closed:
                    raise
                _logger.info("Worker %s of %s signs later: %s", self.name, self.dbname, first_line(error))
                return False
        if not is_alive:
            self.ended = True
            raise LifeEnded(
                f"Worker {self.name} was declared dead: it did not sign for {store.workers.HEARTBEAT_TIMEOUT} s"
            )
        return True

    def do_housekeeping(self) -> float | None:
        """Do the work that any worker does for all of the database.

        The result is the number of seconds until the next job may start, by its date or its rate.
        It is None if no such job waits, or if the table of jobs is locked, for instance to update
        the addon: then there is nothing to do.

        :raise LifeEnded: as :meth:`raw_cursor`
        :raise UndefinedTable: the addon is being uninstalled
        """
        with self.raw_cursor() as cr:
            try:
                self._attempt(store.upkeep.schedule_due, cr)
            except LockNotAvailable:
                return None
            step: Callable[[psycopg2.extensions.cursor], float | None]
            for step in (
                self._end_dead_workers,
                store.workers.free_orphans,
                self._free_lost_runs,
                store.upkeep.adopt_strays,
                store.keys.release_forgotten,
                store.dependencies.release_forgotten,
                store.dependencies.release_all_unchecked,
                self._settle_troubles,
                self.failures.do_housekeeping,
            ):
                with contextlib.suppress(LockNotAvailable):
                    self._attempt(step, cr)
            waiting: list[float | None] = []
            for step in (store.upkeep.seconds_to_next_eta, store.channels.seconds_to_next_token):
                with contextlib.suppress(LockNotAvailable):
                    waiting.append(self._attempt(step, cr))
            return min((seconds for seconds in waiting if seconds is not None), default=None)

    def _attempt(self, step: Callable[[psycopg2.extensions.cursor], _T], cr: psycopg2.extensions.cursor) -> _T | None:
        """Do a part of :meth:`do_housekeeping`, and return its result.

        If PostgreSQL refuses it, that is no reason to leave out the other parts, or to end the jobs
        that run here.

        :raise LockNotAvailable: a table or row that it needs is locked
        :raise UndefinedTable: the addon is being uninstalled
        """
        try:
            return step(cr)
        except (LockNotAvailable, UndefinedTable):
            raise
        except psycopg2.Error as error:
            if cr.connection.closed:
                raise
            text = first_line(error)
            level = logging.DEBUG if self._complaints.get(step) == text else logging.WARNING
            self._complaints[step] = text
            _logger.log(level, "%s of %s is tried again each second: %s", step.__name__, self.dbname, text)
            return None

    def _settle_troubles(self, cr: psycopg2.extensions.cursor) -> None:
        if time.monotonic() >= self._next_settlement:
            self._next_settlement = time.monotonic() + SETTLE_SECONDS
            store.trouble.fail_troubled(cr)
            store.trouble.forget(cr)

    def _end_dead_workers(self, cr: psycopg2.extensions.cursor) -> None:
        elsewhere_than = self.id if time.monotonic() < self._judges_from else None
        for worker_id, name in store.workers.dead(cr, elsewhere_than):
            if worker_id == self.id:
                continue
            try:
                freed = store.workers.end_dead_worker(cr, worker_id, f"{name} gave no sign of life")
            except LockNotAvailable:
                continue
            if freed is not None:
                _logger.warning("Worker %s of %s is dead; %s job(s) freed", name, self.dbname, freed)

    def _free_lost_runs(self, cr: psycopg2.extensions.cursor) -> None:
        """Free the leases of jobs that this worker neither holds nor runs.

        The end of such a job could not be written, or the job has changed its own row. No claim
        comes in between, as this thread has the raw connection.
        """
        now, known = time.monotonic(), {*self.queue.ids(), *self.waiting, *self.runner.running()}
        leases = store.workers.leases_of(cr, self.id)
        for ended in set(self.unwritten) - leases:
            self.unwritten.pop(ended, None)
        unknown = [lease for lease in leases if lease[0] not in known]
        self._suspects = {lease: self._suspects.get(lease, now) for lease in unknown}
        lost = [lease for lease, since in self._suspects.items() if now - since >= LOST_SECONDS]
        if lost and (freed := store.workers.free_lost_runs(cr, self.id, self.name, lost, self.unwritten)):
            _logger.warning("%s job(s) of %s were lost by this worker, and freed", freed, self.dbname)

    def follow_orders(self) -> bool:
        """Read the order from the screen of workers; return whether this worker has to end.

        A paused worker waits. A draining worker ends after the jobs that it runs. A stopping one
        does so too, but not later than after the grace time.
        """
        with self.raw_cursor() as cr:
            state = store.workers.ordered_state(cr, self.id) or self.state
        if state != self.state:
            _logger.info("Worker %s of %s is %s", self.name, self.dbname, state)
            self.state = state
            self._grace_ends = time.monotonic() + GRACE_SECONDS
        if self.state == "running":
            return False
        self.give_back()
        if self.state == "paused":
            return False
        return not self.runner.runs or (self.state == "stopping" and time.monotonic() > self._grace_ends)

    def close_thread(self) -> None:
        """Close the cursor of the calling thread."""
        self.transactions.close_cursor()

    def end(self, end: str = store.workers.STOPPED) -> None:
        """End this life at once, and free the jobs that it still holds.

        If the connection is lost, the process's next life frees them.

        :param end: how the life has ended, as for :func:`..store.workers.end_worker`
        """
        with self._lock:
            self.ended = True
            self.queue.drain()
            if not self._connection.closed:
                with contextlib.suppress(psycopg2.Error), self._connection.cursor() as cr:
                    store.workers.end_worker(cr, self.id, end=end)
                self._connection.close()
            self._sign_connection.close()
