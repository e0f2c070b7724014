"""Worker runs the jobs of one database in this process; WorkerWatcher keeps a worker per database and signals that they are alive."""

import contextlib
import functools
import logging
import operator
import os
import random
import select
import socket
import threading
import time
import traceback
import uuid

import psutil
import psycopg2
from psycopg2.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo.api import Environment
from odoo.exceptions import ConcurrencyError, UserError
from odoo.modules.registry import Registry
from odoo.sql_db import close_db
from odoo.tools.translate import LazyGettext, LazyTranslate

from ..exception import FailedJobError, GroupResultError, JobCancelled, LeaseLost, RetryableJobError
from . import store, wakeup
from .connection import connect, cursor_of, is_pooled, notice_lost_peer
from .cursor import JobCursor
from .grouped import JobGroup
from .job import Job, function_options
from .queue import JobsQueue
from .run import Run

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds between two signs of life; dead after store.HEARTBEAT_TIMEOUT without one.
HEARTBEAT_INTERVAL = 4
#: Seconds between two looks at the limits of running jobs, and at who wants them to be stopped.
RUN_WATCH_INTERVAL = 0.5
#: Seconds between two looks at what all workers share: dead workers, due jobs, forgotten keys.
TEND_INTERVAL = 1
#: How long a stopping process lets its running jobs go on; then their leases end without costing a try.
GRACE_SECONDS = 60
#: How long to leave a database alone after a connection to it was lost: Odoo terminates all of them when it drops or duplicates one.
RECONNECT_SECONDS = 2
#: How long to leave a database alone whose addons cannot be loaded.
RELOAD_SECONDS = 60
#: How often a job is run again at once, on a fresh transaction, when PostgreSQL says that another transaction was in the way.
IMMEDIATE_RETRIES = 3
#: How many jobs a worker claims at most for each of its threads: as many as it would run in about BATCH_SECONDS.
BATCH_LIMIT = 50
BATCH_SECONDS = 0.1

# A statement that is cancelled without a reason that this process knows was meant for the job before
CONCURRENCY_ERRORS = (SerializationFailure, DeadlockDetected, LockNotAvailable, QueryCanceled, ConcurrencyError)
# Of a connection that is closed then; psycopg2 raises a plain DatabaseError, too, where the server's last word was not an answer
_CONNECTION_LOST = (psycopg2.DatabaseError, psycopg2.InterfaceError)


class LifeEnded(Exception):
    """This life of the worker is over: its connection is lost or it was declared dead. It starts again under another uuid."""


class Worker:
    """One life of a process as a worker of one database: from the row in ``queue.worker`` to its end.

    The threads that run jobs share it. Its raw connection serves claims, marks and the care for all, one user at a time. Any of these may
    have to wait for a lock, so its signs of life have a connection of their own. ``is_cut_off`` says that one of the two was lost: somebody
    may just be dropping or copying the database.

    :param kind: ``cron``, ``server`` or ``command``: the host in which it lives
    :param capacity: how many threads run jobs
    :param backend: ``(pid, start)`` of the server's process that stands for this life, see :func:`store.backend_of`; without, that of the
        raw connection
    :param process: uuid of the process; what is left of its earlier lives ends with the beginning of this one
    """

    #: what the screen of workers has ordered; anything but ``running`` takes no jobs
    state = "running"

    def __init__(self, dbname, kind, capacity, backend=None, process=None):
        self.dbname = dbname
        self.kind = kind
        self.capacity = capacity
        self.uuid = str(uuid.uuid4())
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.queue = JobsQueue()
        self.ended = self.is_cut_off = False
        self._lock = threading.RLock()
        self._cursors = threading.local()
        self._runs = {}
        self._job_seconds = BATCH_SECONDS
        self._registry_fresh_until = 0
        self._job_backends = {}
        self._grace_ends = 0
        self._connection = connect(dbname)
        self._sign_connection = connect(dbname)
        self._is_pooled = is_pooled(self._connection)
        if self._is_pooled:
            backend = (None, None)
        else:
            store.keep_prepared(self._connection)
        with self._store() as cr:
            if process:
                store.end_process(cr, process, end=store.INTERRUPTED)
            self.id = store.register_worker(
                cr,
                self.uuid,
                socket.gethostname(),
                os.getpid(),
                kind,
                capacity,
                backend or store.backend_of(cr),
                process,
            )
            self._note_backends(cr)
        _logger.info("Worker %s (%s) serves the database %s with %s thread(s)", self.name, kind, dbname, capacity)

    @contextlib.contextmanager
    def _store(self):
        """Give the cursor of the raw connection to one thread.

        :raise LifeEnded: the connection is lost; what the last statement did is not known
        """
        with self._lock, self._cursor_of(self._connection) as cr:
            yield cr

    def _signs(self):
        """Give the cursor for signs of life, and for what is about running jobs, to the thread that watches these; as :meth:`_store`."""
        return self._cursor_of(self._sign_connection)

    @contextlib.contextmanager
    def _cursor_of(self, connection):
        if self.ended:
            raise LifeEnded(self.name)
        try:
            with connection.cursor() as cr:
                yield cr
        except _CONNECTION_LOST as error:
            if not connection.closed:
                raise
            self.ended = self.is_cut_off = True
            raise LifeEnded(f"Worker {self.name} has lost its connection to {self.dbname}: {error}") from error

    # Getting jobs

    def next_job(self):
        """Return a leased job to run now, or None."""
        if self.state != "running":
            return None
        job = self.queue.get()
        if job is None:
            with self._lock:
                # another thread may have claimed while this one waited for the lock
                job = self.queue.get() or self._claim()
        return job

    def _claim(self):
        free = max(1, self.capacity - len(set(self._runs.values())))
        batch = max(1, min(BATCH_LIMIT, int(BATCH_SECONDS / max(self._job_seconds, 0.001))))
        with self._store() as cr:
            self.queue.put(store.claim(cr, self.id, free * batch, free))
        self._registry_fresh_until = 0
        return self.queue.get()

    # Running a job

    def run(self, leased):
        """Run a leased job to one of its ends: done, another try, or failed.

        :raise LifeEnded: this worker may not write for any job any more
        """
        job = self._start(leased) if leased.group_key is None else self._start_group(leased)
        if job is None:
            _logger.info("%s of %s was cancelled or taken away before it started", leased, self.dbname)
            return
        job.run = run = Run(job, functools.partial(self._write_progress, job))
        self._runs.update((member.id, run) for member in job.members)
        try:
            parts = [job]
            while parts:
                parts = self._run_started(parts[0]) + parts[1:]
        finally:
            run.end()
            for member in job.members:
                self._runs.pop(member.id, None)
            # a moving average: claims grow while jobs are short
            self._job_seconds += 0.2 * (time.monotonic() - run.began - self._job_seconds)
        try:
            self._release_others(job)
        except CONCURRENCY_ERRORS as error:
            # the sweep does it, see tend()
            _logger.info("What waits for %s of %s is released later: %s", job, self.dbname, _first_line(error))

    def _start(self, leased):
        job = _job_of(leased)
        with self._store() as cr:
            return job if store.start(cr, job) else None

    def _start_group(self, leased):
        """Start a job together with the others that can run as one call with it, held by this worker or not yet leased."""
        size = max(1, self._options(leased).group_size)
        common = operator.attrgetter(*store.COMMON)
        held = [leased, *self.queue.take(lambda other: common(other) == common(leased), size - 1)]
        with self._store() as cr:
            started = store.start_group(cr, held)
            members = [job for job in held if job.id in started]
            if members and len(members) < size:
                members += store.join_group(cr, self.id, members[0], size - len(members))
        return JobGroup([_job_of(member) for member in members]) if members else None

    def _release_others(self, job):
        """Make runnable what waits for the end of a job, or of all of a group."""
        if keyed := [member for member in job.members if member.identity_key or member.concurrency_key]:
            with self._store() as cr:
                store.release_keys(cr, *keyed)
        if parents := [member.id for member in job.members if member.graph_uuid]:
            self._release_children(parents)

    def _release_children(self, job_ids):
        with self._store() as cr:
            # one parent a statement: of several, the second could have to wait for somebody who waits for a child of the first
            released = sum(store.release_children(cr, [job_id]) for job_id in job_ids)
        if released > 1:
            # the first is for this thread
            self._wake_others()

    def _wake_others(self):
        wakeup.wake(self.dbname)

    def _run_started(self, job):
        """Run a started job, or group of jobs, to one of its ends; return the parts of the group that have to be run for themselves."""
        for again in range(IMMEDIATE_RETRIES, -1, -1):
            job.run.begin_again()
            try:
                try:
                    self._run_once(job)
                finally:
                    job.run.end()
            except LeaseLost as lost:
                _logger.warning("%s", lost)
                return self._rest_of(job)
            except LifeEnded:
                raise
            except BaseException as error:  # SystemExit too: what ends is the job and not the thread
                if again and isinstance(error, CONCURRENCY_ERRORS) and not job.run.stopped:
                    _logger.info(
                        "%s of %s met another transaction (%s): again at once", job, self.dbname, _first_line(error)
                    )
                    time.sleep(random.uniform(0, 0.05))
                    continue
                return self._end_by(job, error)
            return []
        return []

    def _end_by(self, job, error):
        """Write how a job, or all of a group, was ended by an exception; return the parts of the group that have to be run for themselves.

        Where that itself goes wrong the jobs fail for this reason: in *started* they would stay with this worker as long as it lives.
        """
        try:
            if not job.run.stopped:
                return self._end_without_success(job, error)
            self._stop(job, error)
        except LifeEnded:
            raise
        except Exception as problem:
            for member in job.members:
                self._fail(member, problem)
        return []

    def _rest_of(self, job):
        """Return the part of a group whose leases are still there, as a list of one group or none."""
        if len(job.members) == 1:
            return []
        with self._store() as cr:
            mine = store.still_leased(cr, job.members, self.id)
        rest = [member for member in job.members if member.id in mine]
        return [JobGroup(rest, job.run)] if 0 < len(rest) < len(job.members) else []

    def _end_without_success(self, job, error):
        """Write how a job, or all of a group, has ended; return the parts of the group that have to be run for themselves."""
        options = self._options(job)
        if isinstance(error, CONCURRENCY_ERRORS):
            message = _lt(
                "Another transaction was in the way, %(times)s times in a row: %(error)s",
                times=IMMEDIATE_RETRIES + 1,
                error=_first_line(error),
            )
        elif options.retry.is_retryable(error):
            message = _message_of(error)
        elif not isinstance(error, GroupResultError) and (halves := job.halves()):
            _logger.info("%s of %s: each half is run again for itself (%s)", job, self.dbname, _first_line(error))
            return halves
        else:
            for member in job.members:
                self._fail(member, error)
            return []
        seconds, count = options.retry.seconds(error, job.retry + 1), not getattr(error, "ignore_retry", False)
        for member in job.members:
            self._retry(member, error, message, seconds, count)
        return []

    def _stop(self, job, error):
        """End a job that was told to stop, in whatever way that ended its code."""
        job.run.stopped.__cause__ = error if error is not job.run.stopped else None
        if isinstance(job.run.stopped, JobCancelled):
            _logger.info("%s of %s was cancelled while it ran", job, self.dbname)
            message = _message_of(job.run.stopped)
            with self._store() as cr:
                cancelled = store.cancel_requests(cr, [member.id for member in job.members])
                for member in job.members:
                    if member.id in cancelled:
                        store.end_cancelled(
                            cr,
                            member,
                            self.id,
                            self.name,
                            _in_language_of(member, message),
                            member.log_text,
                            member.usage,
                        )
                # the others of a group run without those that were cancelled
                store.release(cr, [member for member in job.members if member.id not in cancelled])
        else:
            self._end_without_success(job, job.run.stopped)

    def _run_once(self, job):
        """Run the job in one transaction that ends with its *done*."""
        cr = self._cursor()
        cr.lease(job, self.id)
        job.run.executes_on(cr)
        registry = Registry(self.dbname)
        committing = False
        try:
            if time.monotonic() >= self._registry_fresh_until:
                registry = self._fresh_registry(registry, cr)
            env = job.environment(cr)
            env.transaction.default_env = env
            job.perform(env)
            cr.flush()
            committing = True
            cr.complete(self.name)
            committing = False
            self._after_commit(job, cr, registry)
        except BaseException as error:
            with contextlib.suppress(*_CONNECTION_LOST):
                cr.abandon()
            registry.reset_changes()
            if cr.connection.closed:
                self._forget_cursor()
                self._connection_lost(job, error, committing)
            raise
        finally:
            cr.transaction = None
            cr.cache.clear()

    def _after_commit(self, job, cr, registry):
        """Do what follows the commit of a job; as the job is done, what goes wrong is not its failure."""
        _logger.debug("%s of %s is done", job, self.dbname)

        def attempt(step):
            try:
                step()
            except BaseException:
                _logger.exception("%s of %s is done, but not all that follows its commit", job, self.dbname)

        while cr.postcommit:
            # a hook that raises is forgotten, the others are left
            attempt(cr.postcommit.run)
        cr.postcommit.clear()
        attempt(registry.signal_changes)

    def _connection_lost(self, job, error, committing):
        if committing:
            # Whether the job is done is not known here. The database knows: with this life ends the lease, if it is still there.
            self.end(store.INTERRUPTED)
            raise LifeEnded(f"Worker {self.name} has lost its connection while it committed {job!r}") from error
        if isinstance(error, _CONNECTION_LOST):
            with self._store() as cr:
                # if all connections were terminated, this one was too, and the database is left alone
                cr.execute("SELECT 1")
            raise RetryableJobError(
                _lt("The connection to the database was lost: %s", _first_line(error)), seconds=1
            ) from error

    def _fresh_registry(self, registry, cr):
        """Return a registry with the code and caches that the database asks for.

        Asked after each claim, and at the latest after a second; not in the job's transaction, which begins after it.
        """
        self._registry_fresh_until = time.monotonic() + 1
        cr.connection.autocommit = True
        try:
            return registry.check_signaling(cr)
        finally:
            cr.connection.autocommit = False

    def _cursor(self):
        """Return this thread's cursor for jobs, clean; it is kept from job to job, as opening one costs more than a small job."""
        cr = getattr(self._cursors, "cr", None)
        if cr is None or cr.closed:
            cr = self._cursors.cr = JobCursor.open(Registry(self.dbname))
            self._job_backends[threading.get_ident()] = cr.connection.get_backend_pid()
            if not self._is_pooled:
                store.keep_prepared(cr.connection)
            with self._store() as store_cr:
                self._note_backends(store_cr)
        if cr.connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            # the job before was stopped in the midst of its rollback
            cr.abandon()
        return cr

    def _forget_cursor(self):
        cr, self._cursors.cr = getattr(self._cursors, "cr", None), None
        self._job_backends.pop(threading.get_ident(), None)
        if cr is not None:
            with contextlib.suppress(*_CONNECTION_LOST):
                # not back into Odoo's pool: it may be terminated with this life
                cr.connection.close()
                cr.close()

    def _note_backends(self, cr):
        """Store which of the server's processes work for this life."""
        if not self._is_pooled:
            raw = (self._connection, self._sign_connection)
            pids = [*(connection.info.backend_pid for connection in raw), *self._job_backends.values()]
            store.note_backends(cr, self.id, pids)

    # Ends of a job other than done: on the raw connection, after its own transaction was rolled back

    def _retry(self, job, error, message, seconds, count):
        tries = job.retry + 1
        if count and job.max_retries and tries >= job.max_retries:
            gave_up = (
                _lt("Gave up after one try: %s", message)
                if tries == 1
                else _lt("Gave up after %(tries)s tries: %(message)s", tries=tries, message=message)
            )
            self._fail(job, error, gave_up)
            return
        _logger.info("%s of %s is tried again in %.0f s: %s", job, self.dbname, seconds, message)
        with self._store() as cr:
            if not store.retry(
                cr,
                job,
                self.id,
                self.name,
                seconds,
                count,
                _in_language_of(job, message),
                _name_of(error),
                _traceback_of(error),
                job.log_text,
                job.usage,
            ):
                _logger.warning("%s of %s was given to another worker meanwhile", job, self.dbname)

    def _fail(self, job, error, message=None):
        message = message or _message_of(error)
        expected = isinstance(error, (FailedJobError, RetryableJobError, UserError))
        _logger.log(
            logging.INFO if expected else logging.ERROR,
            "%s of %s failed: %s",
            job,
            self.dbname,
            message,
            exc_info=None if expected else error,
        )
        with self._store() as cr:
            if not store.fail(
                cr,
                job,
                self.id,
                self.name,
                _in_language_of(job, message),
                _name_of(error),
                _traceback_of(error),
                job.log_text,
                job.usage,
            ):
                _logger.warning("%s of %s was given to another worker meanwhile", job, self.dbname)

    def _write_progress(self, job, done, total, message):
        with self._store() as cr:
            store.write_progress(cr, job.id, done, total, message)

    def _options(self, job):
        with cursor_of(Registry(self.dbname)) as cr:
            return function_options(Environment(cr, job.user_id, {}), job.function)

    # Life

    def beat(self):
        """Sign that this worker is alive; return False if it could not, as somebody has locked its row or the table of workers.

        :raise LifeEnded: it was declared dead
        """
        with self._signs() as cr:
            try:
                is_alive = store.heartbeat(cr, self.id, psutil.Process().memory_info().rss // 1_000_000)
            except LockNotAvailable:
                return False
        if not is_alive:
            self.ended = True
            raise LifeEnded(f"Worker {self.name} was declared dead: it did not sign for {store.HEARTBEAT_TIMEOUT} s")
        return True

    def stop_runs(self, error):
        """Tell all running jobs to stop, for the reason that is given."""
        for run in list(self._runs.values()):
            run.stop(error)

    def watch_runs(self):
        """Stop the running jobs that were cancelled or have reached a limit; return the ids of the threads lost to them."""
        runs = set(self._runs.values())
        if not runs:
            return set()
        with self._signs() as cr, contextlib.suppress(LockNotAvailable):
            for job_id, who in store.cancel_requests(cr, list(self._runs), store.BRIEFLY).items():
                if run := self._runs.get(job_id):
                    run.cancel(who)
        for run in runs:
            run.check_limits()
            if run.press():
                _logger.error("%s of %s does not stop: its lease ends, its thread is lost", run.job, self.dbname)
                self._stop(run.job, None)
        return {run.thread_id for run in runs if run.abandoned}

    def tend(self):
        """Do what any worker does for all; return how many seconds there are until the next job may start by its date or its rate, or None.

        While somebody has locked the table of jobs, for instance to update the addon, there is nothing to do.

        :raise CONCURRENCY_ERRORS: another transaction was in the way; the next time does what is left
        """
        with self._store() as cr:
            try:
                store.schedule_due(cr)
            except LockNotAvailable:
                return None
            for worker_id, name in store.dead_workers(cr):
                if worker_id == self.id:
                    continue
                try:
                    freed = store.end_dead_worker(cr, worker_id, f"{name} gave no sign of life")
                except LockNotAvailable:
                    continue
                if freed is not None:
                    _logger.warning("Worker %s of %s is dead; %s job(s) freed", name, self.dbname, freed)
            store.free_orphans(cr)
            store.adopt_strays(cr)
            store.release_forgotten_keys(cr)
            store.release_forgotten_children(cr)
            waiting = (store.seconds_to_next_eta(cr), store.seconds_to_next_token(cr))
            return min((seconds for seconds in waiting if seconds is not None), default=None)

    def obey(self):
        """Read what the screen of workers has ordered; return whether this worker has ended what it runs and shall end itself.

        A paused worker waits, a draining one ends after the jobs that it runs, a stopping one does so too, but not later than after the
        grace time.
        """
        with self._store() as cr:
            state = store.ordered_state(cr, self.id) or self.state
        if state != self.state:
            _logger.info("Worker %s of %s is %s", self.name, self.dbname, state)
            self.state = state
            self._grace_ends = time.monotonic() + GRACE_SECONDS
        if self.state == "running":
            return False
        self.give_back()
        if self.state == "paused":
            return False
        return not self._runs or (self.state == "stopping" and time.monotonic() > self._grace_ends)

    def give_back(self):
        """Make the jobs runnable again that this worker holds and has not started."""
        if jobs := self.queue.drain():
            try:
                with self._store() as cr:
                    store.release(cr, jobs)
            except CONCURRENCY_ERRORS:
                self.queue.put(jobs)
                raise

    def close_thread(self):
        """Close what the calling thread holds."""
        self._forget_cursor()

    def end(self, end=store.STOPPED):
        """End this life at once. The jobs that it still holds are freed, now or, if the connection is lost, by the process's next life.

        :param end: how, as for :func:`store.end_worker`
        """
        with self._lock:
            self.ended = True
            self.queue.drain()
            if not self._connection.closed:
                with contextlib.suppress(psycopg2.Error), self._connection.cursor() as cr:
                    store.end_worker(cr, self.id, end=end)
                self._connection.close()
            self._sign_connection.close()


class WorkerWatcher:
    """Keeps a worker for each database of this process, signals that they are alive, and gives their jobs to the threads of the process.

    :meth:`watch` runs in one thread, :meth:`work` in each thread that runs jobs. NOTIFY wakes them at once; without it they look at the
    database every :data:`TEND_INTERVAL` seconds. A further thread gives the signs of life and watches the running jobs: these must not
    wait while the others do, for a lock or for the addons of a database to be loaded.

    :param kind: see :class:`Worker`
    :param capacity: how many threads call :meth:`work`
    :param dbnames: function that returns the names of the databases to serve; asked every few seconds
    :param is_replaceable: whether the host starts another process when this one ends: it does so when a thread is lost to a job
    :param each_second: function that the watching thread calls about once a second
    :param process: uuid by which the parent knows this process
    :param reason_to_stop: function that returns the exception with which the running jobs have to be stopped, as the host is going to end
        their process, or None
    """

    def __init__(
        self, kind, capacity, dbnames, is_replaceable=False, each_second=None, process=None, reason_to_stop=None
    ):
        self.kind = kind
        self.capacity = capacity
        self.is_replaceable = is_replaceable
        self.workers = {}
        self.process = process or str(uuid.uuid4())
        self._dbnames = dbnames
        self._reason_to_stop = reason_to_stop or (lambda: None)
        self._each_second = each_second or (lambda: None)
        self._stopping = threading.Event()
        self._wake_r, self._wake_w = os.pipe()
        self._jobs_may_be_there = threading.Condition()
        self._wakeups = 0
        self._control = None
        self._backend = None
        self._next_discovery = 0
        self._refused = {}
        self._left_alone_until = {}
        self._loaders = {}
        self._is_blind = False
        self._retired = set()
        self._is_pooled = False
        self._grace_ends = None
        self._ended = threading.Event()
        self._lost_threads = set()

    # The thread that watches

    def watch(self, threads=()):
        """Keep the workers alive until :meth:`stop`, and then until the threads that run jobs have ended or the grace time is over.

        :param threads: those that run :meth:`work`; they are started
        """
        for thread in threads:
            thread.start()
        signs = threading.Thread(target=self._give_signs, name="connector signs of life", daemon=True)
        signs.start()
        next_tend = 0
        try:
            while not self._stopping.is_set() or (
                any(thread.is_alive() for thread in threads if thread.ident not in self._lost_threads)
                and not self._grace_is_over()
            ):
                try:
                    next_tend = self._look_after_all(next_tend)
                except Exception:
                    # in Odoo's server nobody would begin anew
                    _logger.exception("The workers of this process are looked after again in %s s", TEND_INTERVAL)
                    time.sleep(TEND_INTERVAL)
        finally:
            self._ended.set()
            signs.join()
            self._close()

    def _look_after_all(self, next_tend):
        """Do what there is to do, and wait for more; return the time of the next :meth:`Worker.tend`."""
        self._connect_control()
        if not self._stopping.is_set():
            self._discover()
        else:
            self._each_worker(Worker.give_back)
        if time.monotonic() >= next_tend:
            self._each_second()
            self._retire()
            etas = [eta for eta in self._each_worker(Worker.tend) if eta is not None]
            next_tend = time.monotonic() + max(0.05, min([TEND_INTERVAL * random.uniform(0.8, 1.2), *etas]))
            self._wake_threads()
        self._sleep(0.05 if self._stopping.is_set() else next_tend - time.monotonic())
        return next_tend

    def _give_signs(self):
        """Sign that the workers are alive, and stop jobs that have to be stopped, until the end of :meth:`watch`."""
        next_beat = 0
        while not self._ended.wait(RUN_WATCH_INTERVAL):
            if reason := self._reason_to_stop():
                self._for_each_life(lambda worker, reason=reason: worker.stop_runs(reason))
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + HEARTBEAT_INTERVAL
                if not all(self._for_each_life(Worker.beat)):
                    # who is kept from it must sign soon after
                    next_beat = 0
            self._for_each_life(lambda worker: self._lost_threads.update(worker.watch_runs()))
            if self._lost_threads and self.is_replaceable:
                self.stop()

    def _for_each_life(self, method):
        results = []
        for worker in list(self.workers.values()):
            if worker.ended:
                continue
            try:
                results.append(method(worker))
            except Exception as error:
                # to end this life may take time: the watching thread finds it ended, and begins another one
                worker.ended = True
                expected = isinstance(error, (LifeEnded, psycopg2.Error))
                _logger.warning("%s of %s: %s", worker.name, worker.dbname, error, exc_info=not expected)
        return results

    def stop(self):
        """Let running jobs finish, give the others back, and end; may be called in a signal handler."""
        self._stopping.set()
        self._wake_up()

    def _wake_up(self):
        if self._wake_w is not None:
            os.write(self._wake_w, b"x")

    def _grace_is_over(self):
        if self._grace_ends is None:
            self._grace_ends = time.monotonic() + GRACE_SECONDS
            _logger.info("Stopping: running jobs may go on for up to %s s", GRACE_SECONDS)
        return time.monotonic() > self._grace_ends

    def _connect_control(self):
        """Have a connection whose loss tells other workers at once that this process is gone."""
        if self._is_pooled or (self._control is not None and not self._control.closed):
            return
        if self._control is not None:
            _logger.warning("The control connection is lost: all workers of this process begin a new life")
            for dbname in list(self.workers):
                self._end_worker(dbname, store.INTERRUPTED)
        try:
            self._control = connect("postgres")
            self._is_pooled = is_pooled(self._control)
            if self._is_pooled:
                _logger.warning("PostgreSQL is behind a pooler: jobs and deaths are noticed by looking for them alone")
                self._control.close()
                self._control = None
                return
            notice_lost_peer(self._control)
            with self._control.cursor() as cr:
                cr.execute(wakeup.LISTEN)
                self._backend = store.backend_of(cr)
            self._is_blind = False
        except psycopg2.Error as error:
            self._control, self._backend = None, None
            if not self._is_blind:
                _logger.warning(
                    "No control connection to the database postgres (%s): wake-ups and deaths are noticed later",
                    _first_line(error),
                )
            self._is_blind = True

    def _discover(self):
        """Start a worker for each database where the addon is installed, and end those of databases that are gone."""
        if time.monotonic() < self._next_discovery:
            return
        self._next_discovery = time.monotonic() + 2
        try:
            wanted = set(self._dbnames())
        except psycopg2.Error as error:
            _logger.warning("The databases cannot be listed: %s", _first_line(error))
            return
        for dbname in set(self.workers) - wanted:
            self._end_worker(dbname)
        for dbname in wanted - set(self.workers) - self._retired:
            if time.monotonic() >= self._left_alone_until.get(dbname, 0):
                self._start_worker(dbname)

    def _start_worker(self, dbname):
        try:
            with contextlib.closing(connect(dbname)) as connection, connection.cursor() as cr:
                reason = store.reason_not_to_serve(cr)
            if reason:
                self._refuse(dbname, reason)
                return
            if not self._is_loaded(dbname):
                return
            self.workers[dbname] = Worker(dbname, self.kind, self.capacity, self._backend, self.process)
            self._refused.pop(dbname, None)
        except LockNotAvailable as error:
            _logger.info("The database %s is served later: %s", dbname, _first_line(error))
        except psycopg2.Error as error:
            self._refuse(dbname, _first_line(error))
        except Exception as error:
            # the code of one database's addons must not end the service of the others
            self._refuse(dbname, f"its addons cannot be loaded: {_message_of(error)}")
            self._left_alone_until[dbname] = time.monotonic() + RELOAD_SECONDS

    def _is_loaded(self, dbname):
        """Return whether the database's registry is loaded; where other workers must give signs of life meanwhile, a thread loads it."""
        if dbname in Registry.registries or not self.workers:
            Registry(dbname)
            return True
        loader = self._loaders.get(dbname)
        if loader is None or not loader.is_alive():
            loader = self._loaders[dbname] = threading.Thread(target=self._load, args=(dbname,), daemon=True)
            loader.start()
        return False

    def _load(self, dbname):
        try:
            Registry(dbname)
        except Exception:
            _logger.exception("The addons of the database %s cannot be loaded", dbname)
            self._left_alone_until[dbname] = time.monotonic() + RELOAD_SECONDS
        self._next_discovery = 0
        self._wake_up()

    def _refuse(self, dbname, reason):
        if self._refused.get(dbname) != reason:
            self._refused[dbname] = reason
            if self.is_replaceable:
                # What comes under this name later is another database, or has other addons. Where the process is not the workers' alone its
                # requests and crons use these connections, and Odoo itself closes them when it drops the database
                Registry.delete(dbname)
                close_db(dbname)
            _logger.warning("The database %s is not served for now: %s", dbname, reason)

    def _each_worker(self, method):
        results = []
        for dbname, worker in list(self.workers.items()):
            try:
                results.append(method(worker))
            except LifeEnded as ended:
                _logger.warning("%s", ended)
                self._end_worker(dbname, store.INTERRUPTED)
            except CONCURRENCY_ERRORS as error:
                _logger.info("Worker %s of %s tries again later: %s", worker.name, dbname, _first_line(error))
            except psycopg2.Error as error:
                # the addon may just now be uninstalled, or the database be renamed
                _logger.warning("Worker %s of %s stops: %s", worker.name, dbname, _first_line(error))
                self._end_worker(dbname)
        return results

    def _end_worker(self, dbname, end=store.STOPPED):
        if worker := self.workers.pop(dbname, None):
            worker.end(end)
            if worker.is_cut_off:
                self._left_alone_until[dbname] = time.monotonic() + RECONNECT_SECONDS

    def _retire(self):
        """End the workers that were stopped from the screen; this process does not serve their databases any more."""
        for dbname, worker in list(self.workers.items()):
            try:
                if not worker.obey():
                    continue
            except (LifeEnded, psycopg2.Error):
                # the next sign of life deals with it
                continue
            _logger.info("Worker %s of %s was stopped from the screen of workers", worker.name, dbname)
            self._retired.add(dbname)
            self._end_worker(dbname)

    def _sleep(self, seconds):
        """Wait until NOTIFY, :meth:`stop`, or the time is over."""
        watched = [self._wake_r]
        if self._control is not None and not self._control.closed:
            watched.append(self._control)
        readable, _w, _x = select.select(watched, [], [], max(0.0, seconds))
        if self._wake_r in readable:
            os.read(self._wake_r, 4096)
        if self._control in readable:
            try:
                self._control.poll()
                woken = {notify.payload for notify in self._control.notifies}
                self._control.notifies.clear()
                if woken & set(self.workers):
                    self._wake_threads()
            except psycopg2.Error:
                self._control.close()

    def wait_for_workers(self, timeout):
        """Wait until there is a worker; return whether there is one.

        :param timeout: in seconds
        """
        with self._jobs_may_be_there:
            return bool(self._jobs_may_be_there.wait_for(lambda: self.workers, timeout))

    def _wake_threads(self):
        with self._jobs_may_be_there:
            self._wakeups += 1
            self._jobs_may_be_there.notify_all()

    def _close(self):
        with self._jobs_may_be_there:
            self._jobs_may_be_there.notify_all()
        for dbname in list(self.workers):
            self._end_worker(dbname)
        if self._control is not None:
            self._control.close()
        # the number of a closed file may soon be that of another one: nothing may be written to it any more
        wake_w, self._wake_w = self._wake_w, None
        os.close(wake_w)
        os.close(self._wake_r)

    # The threads that run jobs

    def work(self, go_on=None):
        """Run jobs until :meth:`stop`.

        :param go_on: function called after each job and when there is none, with whether a job was run; work ends when it returns False
        """
        try:
            while not self._stopping.is_set():
                seen = self._wakeups
                ran = self._run_one_of_each()
                if go_on is not None and not go_on(ran):
                    break
                if not ran:
                    with self._jobs_may_be_there:
                        self._jobs_may_be_there.wait_for(
                            lambda seen=seen: self._wakeups != seen or self._stopping.is_set(), TEND_INTERVAL
                        )
        finally:
            for worker in list(self.workers.values()):
                worker.close_thread()

    def _run_one_of_each(self):
        """Run one job of each database that has one; return whether there was any."""
        ran = False
        for dbname, worker in list(self.workers.items()):
            if self._stopping.is_set():
                break
            thread = threading.current_thread()
            thread.dbname = dbname
            try:
                if leased := worker.next_job():
                    ran = True
                    thread.uid = leased.user_id
                    worker.run(leased)
            except LifeEnded as ended:
                _logger.warning("%s", ended)
                worker.end(store.INTERRUPTED)
                worker.close_thread()
            except Exception:
                # what it has leased and does not run would stay with it: the end of its life frees that
                _logger.exception("Worker %s of %s begins a new life", worker.name, dbname)
                worker.end(store.INTERRUPTED)
                worker.close_thread()
            finally:
                thread.dbname = thread.uid = None
        return ran


def _job_of(leased):
    return Job(**{name: value for name, value in leased._asdict().items() if name in Job.__slots__}, id=leased.id)


def _first_line(error):
    return (str(error) or type(error).__name__).strip().splitlines()[0]


def _name_of(error):
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _message_of(error):
    """Return what a person reads: the text of an error meant for users, to be translated if it is the worker's, else its name too."""
    if error.args and isinstance(error.args[0], LazyGettext):
        return error.args[0]
    if isinstance(error, (FailedJobError, RetryableJobError, UserError)):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _in_language_of(job, text):
    return text._translate(job.lang) if isinstance(text, LazyGettext) else text


def _traceback_of(error):
    return "".join(traceback.format_exception(error))
