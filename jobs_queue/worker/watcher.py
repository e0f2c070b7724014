"""Class ``WorkerWatcher``: keeps one worker per database, and gives their jobs to threads."""

import contextlib
import functools
import logging
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import psycopg2
from psycopg2.errors import LockNotAvailable, UndefinedTable

from odoo.modules.registry import Registry
from odoo.sql_db import close_db

from .. import store
from ..exception import CONCURRENCY_ERRORS, JobStopped
from ..store.claiming import LeasedJob
from ..store.connection import connect
from .control_connection import ControlConnection
from .errors import LifeEnded, first_line, message_of
from .exclusive import ExclusiveRuns
from .kept import kept
from .signs import SignsOfLife
from .worker import GRACE_SECONDS, Worker

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds between two heartbeats; a worker without one for store.workers.HEARTBEAT_TIMEOUT is dead.
HEARTBEAT_INTERVAL = 4
#: Seconds between two checks of running jobs: their limits, and requests to stop them.
RUN_WATCH_INTERVAL = 0.5
#: Seconds between two beats for the parent, see signs.py.
BEAT_INTERVAL = 0.5
#: Seconds between two rounds of housekeeping for all workers: dead workers, due jobs, forgotten
#: keys.
TEND_INTERVAL = 1
#: Seconds between two checks for the existing databases.
DISCOVERY_INTERVAL = 2
#: Seconds for which a database is left alone after a connection to it was lost: Odoo terminates all
#: connections when it drops or duplicates a database.
RECONNECT_SECONDS = 2
#: Seconds for which a database is left alone when its addons cannot be loaded.
RELOAD_SECONDS = 60
#: Exit status of a process whose files were closed: it can neither be woken nor reach the database.
FILES_CLOSED = os.EX_IOERR


class WorkerWatcher:
    """Keeps a worker for each database of this process, and gives jobs to the process's threads.

    :meth:`watch` runs in one thread, :meth:`work` in each thread that runs jobs. NOTIFY wakes them
    at once. Without it they ask the database every :data:`TEND_INTERVAL` seconds. A further thread
    sends the heartbeats and watches the running jobs. It must not wait while the others wait for a
    lock, or for the addons of a database to be loaded. The parent of the process does not see the
    heartbeats in the database. So one more thread beats for the parent. It needs nothing but the
    interpreter, so it goes on while the database does not answer.

    :param kind: see :class:`Worker`
    :param capacity: how many threads call :meth:`work`
    :param dbnames: returns the names of the databases to serve; asked every few seconds
    :param is_replaceable: whether the host starts another process when this one ends; then this one
        ends when a thread is lost to a job
    :param each_second: called by the watching thread about once a second
    :param process: uuid by which the parent knows this process
    :param signs: the page of memory that the parent reads
    :param reason_to_stop: returns the exception with which the running jobs have to be stopped, as
        the host is going to end their process
    """

    def __init__(
        self,
        kind: str,
        capacity: int,
        dbnames: Callable[[], Iterable[str]],
        is_replaceable: bool = False,
        each_second: Callable[[], object] | None = None,
        process: str | None = None,
        signs: SignsOfLife | None = None,
        reason_to_stop: Callable[[], JobStopped | None] | None = None,
    ) -> None:
        self.kind = kind
        self.capacity = capacity
        self.is_replaceable = is_replaceable
        self.workers: dict[str, Worker] = {}
        self.process = process or str(uuid.uuid4())
        self._signs = signs or SignsOfLife(capacity)
        self._dbnames = dbnames
        self._reason_to_stop = reason_to_stop or (lambda: None)
        self._each_second = each_second or (lambda: None)
        self._stopping = threading.Event()
        self._exclusive = ExclusiveRuns(self._stopping)
        self._jobs_may_be_there = threading.Condition()
        self._wakeups = 0
        self._control = ControlConnection()
        self._next_discovery: float = 0
        self._refused: dict[str, str] = {}
        self._left_alone_until: dict[str, float] = {}
        self._judges_from: float = 0
        self._loaders: dict[str, threading.Thread] = {}
        self._retired: set[str] = set()
        self._grace_ends: float | None = None
        self._ended = threading.Event()
        self._closed = threading.Event()
        self._lost_threads: set[int] = set()

    # The thread that watches

    def watch(self, threads: Sequence[threading.Thread] = ()) -> None:
        """Keep the workers alive until :meth:`stop`, and then until the job threads have ended.

        It waits for these threads not longer than the grace time.

        :param threads: those that run :meth:`work`; they are started here
        """
        for thread in threads:
            thread.start()
        beating = threading.Thread(target=self._beat, name="jobs beats", daemon=True)
        signs = threading.Thread(target=self._give_signs, name="jobs signs of life", daemon=True)
        beating.start()
        signs.start()
        next_tend: float = 0
        try:
            while not self._stopping.is_set() or (self._is_busy(threads) and not self._grace_is_over()):
                try:
                    next_tend = self._look_after_all(next_tend)
                except Exception:
                    # in Odoo's server nobody would start this thread again
                    _logger.exception("The workers of this process are looked after again in %s s", TEND_INTERVAL)
                    time.sleep(TEND_INTERVAL)
        finally:
            self._ended.set()
            try:
                signs.join()
                self._close()
            finally:
                self._closed.set()
            beating.join()

    def _is_busy(self, threads: Sequence[threading.Thread]) -> bool:
        return any(worker.runner.abandoned for worker in self.workers.values()) or any(
            thread.is_alive() for thread in threads if thread.ident not in self._lost_threads
        )

    def _look_after_all(self, next_tend: float) -> float:
        """Do all work that is due, and wait for more; return the time of the next housekeeping.

        That is the time of the next :meth:`Worker.do_housekeeping`.
        """
        self._connect()
        self._each_worker(lambda worker: worker.runner.end_abandoned())
        if not self._stopping.is_set():
            self._discover()
        else:
            self._each_worker(Worker.give_back)
        if time.monotonic() >= next_tend:
            self._each_second()
            self._retire()
            etas = [eta for eta in self._each_worker(Worker.do_housekeeping) if eta is not None]
            next_tend = time.monotonic() + max(0.05, min([TEND_INTERVAL * random.uniform(0.8, 1.2), *etas]))
            self._wake_threads()
        woken = self._control.wait(0.05 if self._stopping.is_set() else next_tend - time.monotonic())
        if woken & set(self.workers):
            self._wake_threads()
        return next_tend

    def _beat(self) -> None:
        """Show the parent that this process runs Python code, until the end of :meth:`watch`."""
        while True:
            self._signs.beat()
            self._signs.put_off_end()
            if self._closed.wait(BEAT_INTERVAL):
                return

    def _give_signs(self) -> None:
        """Send heartbeats, and stop jobs that have to be stopped, until :meth:`watch` ends."""
        next_beat: float = 0
        while not self._ended.wait(RUN_WATCH_INTERVAL):
            self._signs.turn()
            if reason := self._reason_to_stop():
                self._for_each_life(lambda worker, reason=reason: worker.runner.stop(reason))  # type: ignore[misc]  # it has a default
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + HEARTBEAT_INTERVAL
                if not all(self._for_each_life(Worker.send_heartbeat)):
                    # a worker that was kept from its heartbeat must send one soon
                    next_beat = 0
            self._for_each_life(Worker.share)
            self._for_each_life(self._watch_runs)
            if self._lost_threads and self.is_replaceable:
                self.stop()

    def _watch_runs(self, worker: Worker) -> None:
        for thread_id in worker.runner.watch():
            if thread_id not in self._lost_threads:
                self._lost_threads.add(thread_id)
                self._control.interrupt()
            self._signs.end(thread_id)

    def _for_each_life(self, method: Callable[[Worker], _T]) -> list[_T | bool]:
        """Call a method of all workers in the thread that sends heartbeats; return the results.

        The result is False where the method has raised. An ended life is not cleaned up here, as
        that takes time: the watching thread finds it ended, and begins another one. Other errors
        end no life.
        """
        results: list[_T | bool] = []
        for worker in list(self.workers.values()):
            if worker.ended:
                continue
            try:
                results.append(method(worker))
            except LifeEnded as error:
                results.append(False)
                _logger.warning("Worker %s of %s begins a new life: %s", worker.name, worker.dbname, error)
            except Exception:
                results.append(False)
                _logger.exception("The signs of worker %s of %s are given again soon", worker.name, worker.dbname)
        return results

    def stop(self) -> None:
        """Let running jobs finish, give back the others, and end.

        It may be called in a signal handler.
        """
        self._stopping.set()
        self._control.interrupt()

    def _grace_is_over(self) -> bool:
        if self._grace_ends is None:
            self._grace_ends = time.monotonic() + GRACE_SECONDS
            _logger.info("Stopping: running jobs may go on for up to %s s", GRACE_SECONDS)
        return time.monotonic() > self._grace_ends

    def _connect(self) -> None:
        """Open the control connection.

        If it was lost, other workers have seen that, and end the workers of this process.
        """
        if self.is_replaceable and not self._control.is_intact:
            # before another life claims that this one was only interrupted
            _logger.critical("Somebody, perhaps a job, has closed the files of this process: it ends")
            os._exit(FILES_CLOSED)
        if self._control.is_lost:
            self._judge_later()
            _logger.warning("The control connection is lost: all workers of this process begin a new life")
            for dbname in list(self.workers):
                self._end_worker(dbname, store.workers.INTERRUPTED)
        self._control.open()

    def _discover(self) -> None:
        """Start a worker for each database with the addon; end the workers of gone databases."""
        if time.monotonic() < self._next_discovery:
            return
        self._next_discovery = time.monotonic() + DISCOVERY_INTERVAL
        try:
            wanted = set(self._dbnames())
        except psycopg2.Error as error:
            _logger.warning("The databases cannot be listed: %s", first_line(error))
            return
        for dbname in set(self.workers) - wanted:
            self._end_worker(dbname)
        for dbname in wanted - set(self.workers) - self._retired:
            if time.monotonic() >= self._left_alone_until.get(dbname, 0):
                self._start_worker(dbname)

    def _start_worker(self, dbname: str) -> None:
        try:
            with contextlib.closing(connect(dbname)) as connection, connection.cursor() as cr:
                reason = store.database.reason_not_to_serve(cr)
            if reason:
                self._refuse(dbname, reason)
                return
            if not self._is_loaded(dbname):
                return
            self.workers[dbname] = Worker(
                dbname, self.kind, self.capacity, self._control.server_process, self.process, self._judges_from
            )
            self._refused.pop(dbname, None)
        except LockNotAvailable as error:
            _logger.info("The database %s is served later: %s", dbname, first_line(error))
        except (psycopg2.Error, LifeEnded) as error:
            # it is tried again with the next discovery
            self._refuse(dbname, first_line(error))
        except Exception as error:
            # errors of one database's addons must not end the service of the others
            self._refuse(dbname, f"its addons cannot be loaded: {message_of(error)}")
            self._left_alone_until[dbname] = time.monotonic() + RELOAD_SECONDS

    def _is_loaded(self, dbname: str) -> bool:
        """Return whether the database's registry is loaded.

        If other workers must be watched meanwhile, a thread loads it.
        """
        if dbname in Registry.registries or not self.workers:
            Registry(dbname)
            return True
        loader = self._loaders.get(dbname)
        if loader is None or not loader.is_alive():
            loader = self._loaders[dbname] = threading.Thread(target=self._load, args=(dbname,), daemon=True)
            loader.start()
        return False

    def _load(self, dbname: str) -> None:
        try:
            Registry(dbname)
        except Exception:
            _logger.exception("The addons of the database %s cannot be loaded", dbname)
            self._left_alone_until[dbname] = time.monotonic() + RELOAD_SECONDS
        self._next_discovery = 0
        self._control.interrupt()

    def _refuse(self, dbname: str, reason: str) -> None:
        if self._refused.get(dbname) != reason:
            self._refused[dbname] = reason
            if self.is_replaceable:
                # What comes under this name later is another database, or has other addons. A
                # process that is not the workers' alone keeps its connections: its requests and
                # crons use them, and Odoo itself closes them when it drops the database
                Registry.delete(dbname)
                close_db(dbname)
            _logger.warning("The database %s is not served for now: %s", dbname, reason)

    def _each_worker(self, method: Callable[[Worker], _T]) -> list[_T]:
        """Call a method of all workers in the thread that watches; return the results.

        Workers that cannot go on are ended.
        """
        results: list[_T] = []
        for dbname, worker in list(self.workers.items()):
            try:
                results.append(method(worker))
            except LifeEnded as ended:
                _logger.warning("%s", ended)
                self._end_worker(dbname, store.workers.INTERRUPTED)
            except CONCURRENCY_ERRORS as error:
                _logger.info("Worker %s of %s tries again later: %s", worker.name, dbname, first_line(error))
            except UndefinedTable as error:
                # the addon is being uninstalled
                _logger.warning("Worker %s of %s stops: %s", worker.name, dbname, first_line(error))
                self._end_worker(dbname)
            except Exception:
                # an unforeseen error; the other databases are looked after all the same
                _logger.exception("Worker %s of %s is looked after again soon", worker.name, dbname)
        return results

    def _end_worker(self, dbname: str, end: str = store.workers.STOPPED) -> None:
        if worker := self.workers.pop(dbname, None):
            worker.end(end)
            if worker.is_cut_off:
                self._judge_later()
                self._left_alone_until[dbname] = time.monotonic() + RECONNECT_SECONDS

    def _judge_later(self) -> None:
        self._judges_from = time.monotonic() + store.workers.HEARTBEAT_TIMEOUT

    def _retire(self) -> None:
        """End the workers that were stopped from the screen of workers.

        This process does not serve their databases any more.
        """
        for dbname, worker in list(self.workers.items()):
            try:
                if not worker.follow_orders():
                    continue
            except (LifeEnded, psycopg2.Error):
                # the next heartbeat deals with it
                continue
            _logger.info("Worker %s of %s was stopped from the screen of workers", worker.name, dbname)
            self._retired.add(dbname)
            self._end_worker(dbname)

    def wait_for_workers(self, timeout: float) -> bool:
        """Wait until there is a worker; return whether there is one.

        :param timeout: in seconds
        """
        with self._jobs_may_be_there:
            return bool(self._jobs_may_be_there.wait_for(lambda: self.workers, timeout))

    def _wake_threads(self) -> None:
        with self._jobs_may_be_there:
            self._wakeups += 1
            self._jobs_may_be_there.notify_all()

    def _close(self) -> None:
        with self._jobs_may_be_there:
            self._jobs_may_be_there.notify_all()
        for dbname in list(self.workers):
            self._end_worker(dbname)
        self._control.close()

    # The threads that run jobs

    def work(self, go_on: Callable[[bool], bool] | None = None) -> None:
        """Run jobs until :meth:`stop`.

        :param go_on: called after each job, and when there is none, with whether a job was run; the
            thread ends its work when it returns False
        """
        try:
            while not self._stopping.is_set():
                seen = self._wakeups
                ran = False
                try:
                    ran = self._run_one_of_each()
                    kept.close_idle()
                except Exception:
                    # nobody would start another thread
                    _logger.exception("A thread that runs jobs goes on")
                if go_on is not None and not go_on(ran):
                    break
                if not ran:
                    with self._jobs_may_be_there:
                        self._jobs_may_be_there.wait_for(
                            lambda seen=seen: self._wakeups != seen or self._stopping.is_set(),  # type: ignore[misc]  # it has a default
                            TEND_INTERVAL,
                        )
        finally:
            kept.close_idle(0)

    def _run_one_of_each(self) -> bool:
        """Run one job of each database that has one; return whether there was any."""
        ran = False
        for dbname, worker in list(self.workers.items()):
            if self._stopping.is_set() or self._exclusive.is_closed:
                break
            # Odoo's log shows its attributes
            thread: Any = threading.current_thread()
            thread.dbname = dbname
            try:
                if leased := worker.next_job():
                    ran = True
                    thread.uid = leased.user_id
                    self._run(worker, leased)
            except LifeEnded as ended:
                _logger.warning("%s", ended)
                worker.end(store.workers.INTERRUPTED)
                worker.close_thread()
            except Exception as error:
                # an unforeseen error; other threads run on, and a lease without a run is freed, see
                # Worker.do_housekeeping
                _logger.exception("A thread of worker %s of %s goes on with another job", worker.name, dbname)
                worker.take_no_jobs(error)
                worker.close_thread()
            finally:
                thread.dbname = thread.uid = None
        return ran

    def _run(self, worker: Worker, leased: LeasedJob) -> None:
        worker.waiting.add(leased.id)
        try:
            if not self._exclusive.join(leased, worker.dbname):
                worker.hand_over(leased)
                return
        finally:
            worker.waiting.discard(leased.id)
        try:
            if self._stopping.is_set():
                # the stop came after the job was taken: it is given back with the others
                worker.queue.put([leased])
                return
            self._signs.begin(worker.dbname, leased)
            try:
                # a batch may have another time limit than the job with which it begins
                is_single = leased.group_key is None
                worker.run(leased, None if is_single else functools.partial(self._signs.begin, worker.dbname))
            finally:
                self._signs.end()
        finally:
            self._exclusive.leave(leased)
            if leased.runs_alone:
                self._wake_threads()
