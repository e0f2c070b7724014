"""Supervisor: the command host, with the worker processes of ``odoo jobs_worker``."""

import contextlib
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType

import psycopg2

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

from .. import store
from ..store.connection import connect
from ..worker import GRACE_SECONDS, WorkerWatcher
from .child import SILENCE_LIMIT, Child

_logger = logging.getLogger(__name__)

#: Seconds that the parent waits for a process beyond the process's own grace time; then it kills
#: it.
PATIENCE = 5

_STOPS = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """The parent of worker processes: it starts them, replaces each that ends, and stops them.

    :param processes: how many
    :param threads: how many jobs each of them runs at once
    :param dbnames: returns the names of the databases to serve
    :param silence_limit: seconds after which a process without a beat is killed, together with the
        job that holds it up; 0 for never
    """

    def __init__(
        self,
        processes: int,
        threads: int,
        dbnames: Callable[[], Iterable[str]],
        silence_limit: int = SILENCE_LIMIT,
    ) -> None:
        self.processes = processes
        self.threads = threads
        self.dbnames = dbnames
        self.silence_limit = silence_limit
        self.children: dict[int, Child] = {}
        self._stopping = False

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            if len(self.children) < self.processes:
                self._load_registries()
            while len(self.children) < self.processes and not self._stopping:
                self._spawn()
            # without blocking: Python goes on waiting for a child after a signal, and no grace time
            # would begin
            if not self._reap(block=False):
                time.sleep(0.1)
            self._kill_silent()
        self._end_children()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self.children:
            # the process may just have ended
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _load_registries(self) -> None:
        """Load the addons of the configured databases once, in memory that all processes share.

        If the configuration names no databases, there may be hundreds, and no job would run until
        all are loaded. Then each process loads them one by one.
        """
        # what was frozen for the earlier processes may not be needed any more
        is_again = gc.get_freeze_count() > 0
        gc.unfreeze()
        for dbname in config["db_name"]:
            try:
                with contextlib.closing(connect(dbname)) as connection, connection.cursor() as cr:
                    is_served = not store.database.reason_not_to_serve(cr)
                if is_served:
                    Registry(dbname).check_signaling()
            except Exception as error:
                # the processes try again and again, and log why they cannot load them
                _logger.info("The addons of the database %s are not loaded in advance: %s", dbname, error)
        # the first load leaves no garbage, and looking for it takes a tenth of the start
        if is_again:
            gc.collect()
        # the garbage collector of a process would write on each page that it visits, and so copy
        # the page
        gc.freeze()

    def _databases(self) -> Iterable[str]:
        try:
            return self.dbnames()
        except psycopg2.Error as error:
            _logger.warning("The databases cannot be listed: %s", error)
            return []

    def _spawn(self) -> None:
        # no connection may be shared between two processes
        sql_db.close_all()
        child = Child(self.threads, self.silence_limit)
        # a signal that comes before the child has its own handler must not make it act as the
        # parent
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        pid = os.fork()
        if pid:
            child.pid = pid
            self.children[pid] = child
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            return
        status = 1
        try:
            run_process(self.threads, self.dbnames, child)
            status = 0
        except Exception:
            _logger.exception("The worker process ends")
        finally:
            logging.shutdown()
            os._exit(status)

    def _kill_silent(self) -> None:
        """Kill the processes that do not beat, or whose jobs have exceeded their time limits."""
        for pid, child in list(self.children.items()):
            if cause := child.reason_to_kill():
                # first, so that no other worker finds it dead without knowing the cause
                child.end_workers(self._databases(), cause, store.workers.DIED)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _reap(self, block: bool) -> bool:
        try:
            pid, status = os.waitpid(-1, 0 if block else os.WNOHANG)
        except ChildProcessError:
            return False
        if not pid:
            return False
        if child := self.children.pop(pid, None):
            cause = child.cause_of_death(os.waitstatus_to_exitcode(status))
            child.end_workers(self._databases(), cause, store.workers.STOPPED if self._stopping else store.workers.DIED)
            if not self._stopping:
                _logger.warning("Another worker process is started: %s", cause)
                if time.monotonic() - child.began < 1:
                    time.sleep(1)
        return True

    def _end_children(self) -> None:
        until = time.monotonic() + GRACE_SECONDS + PATIENCE
        while self.children and time.monotonic() < until:
            if not self._reap(block=False):
                time.sleep(0.05)
            self._kill_silent()
        for pid, child in list(self.children.items()):
            _logger.warning("The worker process %s is killed: it does not end after the stop", pid)
            # first, so that no attempt is counted for this death
            child.end_workers(self._databases(), "it was stopped", store.workers.STOPPED)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._reap(block=True)


def run_process(threads: int, dbnames: Callable[[], Iterable[str]], child: Child) -> None:
    """Be a worker process until SIGTERM: jobs run in their own threads, the main thread watches.

    :param child: by which the parent knows this process
    """
    parent = os.getppid()

    def look_after_parent() -> None:
        # if the parent was killed, nobody would stop this process
        if os.getppid() != parent:
            _logger.warning("The parent process is gone: this worker process stops")
            watcher.stop()

    watcher = WorkerWatcher(
        "command",
        threads,
        dbnames,
        is_replaceable=True,
        each_second=look_after_parent,
        process=child.process,
        signs=child.signs,
    )
    signal.signal(signal.SIGTERM, lambda _signal, _frame: watcher.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    workers = [threading.Thread(target=watcher.work, name=f"jobs thread {number}") for number in range(1, threads + 1)]
    watcher.watch(workers)
