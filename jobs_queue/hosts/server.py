"""Server host: workers as threads or processes of Odoo's own server.

The import of the addon patches Odoo's servers. It comes before they start their crons and processes
if the configuration names a database where the addon is installed, or lists the addon as a
server-wide module. Otherwise the cron host serves, and also in a server that was started before the
installation.
"""

import functools
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TypeVar

import psycopg2

import odoo
from odoo import sql_db
from odoo.service import server
from odoo.tools import config

from .. import configuration, store
from ..odoo_patches import patch_servers
from ..worker import WorkerWatcher
from .child import Child, exit_code_of, silence_limit
from .databases import served_databases

_logger = logging.getLogger(__name__)

_Server = TypeVar("_Server")


def start_workers_with_servers() -> None:
    """Let the servers of this process start workers with their crons; to be called once."""
    patch_servers(_start_threads, _note_dead, _kill_silent, _spawn_processes, _begin_pass_of_crons)


def _where_jobs_run(method: Callable[[_Server], None]) -> Callable[[_Server], None]:
    @functools.wraps(method)
    def if_jobs_run(self: _Server) -> None:
        if _runs_jobs():
            method(self)

    return if_jobs_run


def _runs_jobs() -> bool:
    return not (odoo.evented or config["test_enable"] or config["stop_after_init"])


def _options() -> tuple[int, int]:
    """Return ``(processes, threads)`` from the section ``[jobs_queue]`` of the configuration file.

    The default is one process (of a prefork server) with one thread. With ``max_cron_threads = 0``
    the default is no process, as then a server does no work in the background.
    """
    default = 1 if config["max_cron_threads"] else 0
    return configuration.number("processes", default), configuration.number("threads", 1)


# The threaded server: threads in its one process


@_where_jobs_run
def _start_threads(_server: server.ThreadedServer) -> None:
    processes, threads = _options()
    if not processes or not threads:
        return
    watcher = WorkerWatcher("server", threads, served_databases)
    watching = threading.Thread(target=watcher.watch, args=(_job_threads(watcher, threads),), daemon=True)
    watching.name = "jobs worker"
    watching.start()

    def stop() -> None:
        watcher.stop()
        # in small steps: a second signal ends the server at once
        while watching.is_alive():
            watching.join(0.1)

    server.CommonServer.on_stop(stop)


def _job_threads(watcher: WorkerWatcher, number: int) -> list[threading.Thread]:
    # Without the attribute start_time, Odoo's limits for requests and crons do not apply to these
    # threads. They are daemons, as one may be lost to its job
    return [
        threading.Thread(target=watcher.work, name=f"jobs thread {index}", daemon=True)
        for index in range(1, number + 1)
    ]


# The prefork server: separate processes


def _begin_pass_of_crons(cron_process: server.WorkerCron) -> None:
    """Let the parent count from here how long a database's crons run, and note the time.

    The threaded server notes it, too. The parent counts from the last sign of life of a process.
    Without this one, that would be from before the process has slept for up to a minute: so much
    less time would be left.
    """
    cron_process.multi.pipe_ping(cron_process.watchdog_pipe)
    threading.current_thread().start_time = time.time()  # type: ignore[attr-defined]  # an attribute of Odoo's


# Processes that have died or were killed, each with the cause. The next process reports them, so
# the parent needs no database
_dead: list[tuple[Child, str]] = []


@_where_jobs_run
def _note_dead(multi: server.PreforkServer) -> None:
    for pid, worker in multi.workers.items():
        if isinstance(worker, WorkerQueue) and (exit_code := exit_code_of(pid)) is not None:
            _dead.append((worker.child, worker.child.cause_of_death(exit_code)))


@_where_jobs_run
def _kill_silent(multi: server.PreforkServer) -> None:
    """Kill the processes that do not beat, or whose jobs have exceeded their time limits.

    Odoo's own watchdog knows nothing of jobs and their time limits. After a machine was suspended
    it would kill all processes.
    """
    for pid, worker in list(multi.workers.items()):
        if isinstance(worker, WorkerQueue) and (cause := worker.child.reason_to_kill()):
            _dead.append((worker.child, cause))
            multi.worker_kill(pid, signal.SIGKILL)


@_where_jobs_run
def _spawn_processes(multi: server.PreforkServer) -> None:
    processes, threads = _options()
    if not threads:
        return
    while sum(isinstance(worker, WorkerQueue) for worker in multi.workers.values()) < processes:
        # no connection may be shared between two processes
        sql_db.close_all()
        worker = multi.worker_spawn(functools.partial(WorkerQueue, dead=list(_dead)), {})
        worker.child.pid = worker.pid
        _dead.clear()


class WorkerQueue(server.Worker):
    """A process of the prefork server that runs jobs.

    Odoo's time limits do not apply to it: each job has its own.

    :param dead: earlier processes that have died, with the causes
    """

    def __init__(self, multi: server.PreforkServer, dead: Sequence[tuple[Child, str]] = ()) -> None:
        super().__init__(multi)
        self.watchdog_timeout = None
        _processes, threads = _options()
        self.child = Child(threads, silence_limit())
        self._dead = dead
        self._watcher: WorkerWatcher = None  # type: ignore[assignment]  # until start(), and nobody asks for it before

    def start(self) -> None:
        _processes, threads = _options()
        self._watcher = WorkerWatcher(
            "server",
            threads,
            served_databases,
            is_replaceable=True,
            each_second=self._check,
            process=self.child.process,
            signs=self.child.signs,
        )
        super().start()
        # service managers send SIGTERM to all processes at once; it must not cost a running job an
        # attempt
        signal.signal(signal.SIGTERM, self.signal_handler)
        if self.multi.socket:
            self.multi.socket.close()

    def signal_handler(self, sig: int, frame: FrameType | None) -> None:
        super().signal_handler(sig, frame)
        self._watcher.stop()

    def _check(self) -> None:
        """Stop after the running jobs if the parent is gone or the process has grown too much.

        It may grow up to Odoo's soft limit of memory.
        """
        self.check_limits()
        if not self.alive:
            self._watcher.stop()

    def _runloop(self) -> None:
        self._report_dead()
        self._watcher.watch(_job_threads(self._watcher, self._watcher.capacity))

    def _report_dead(self) -> None:
        for child, cause in self._dead:
            _logger.warning("Another worker process was started: %s", cause)
            try:
                child.end_workers(served_databases(), cause, store.workers.DIED)
            except psycopg2.Error as error:
                _logger.warning("The databases cannot be listed, so other workers will notice the death: %s", error)
