"""Where workers live: in Odoo's cron, and in the processes of the command ``odoo connector_worker``."""

import logging
import os
import signal
import threading
import time

from odoo import sql_db
from odoo.service.db import list_dbs
from odoo.tools import config

from . import store
from .worker import WorkerWatcher

_logger = logging.getLogger(__name__)

#: A pass of the cron host ends after so many seconds, so that Odoo's other crons get their turn.
CRON_SECONDS = 30
#: How long a stopping process lets its running jobs go on before the parent kills it.
GRACE_SECONDS = 60


def run_in_cron(env):
    """Run jobs in the calling thread of Odoo's cron for a while, unless another host's workers serve the database."""
    if store.other_hosts_alive(env.cr):
        return
    dbname = env.cr.dbname
    until = time.monotonic() + CRON_SECONDS
    watcher = WorkerWatcher("cron", 1, lambda: [dbname])
    beating = threading.Thread(target=watcher.watch, name="connector cron worker", daemon=True)
    beating.start()
    thread = threading.current_thread()
    uid = getattr(thread, "uid", None)
    try:
        if watcher.wait_for_workers(timeout=10):
            watcher.work(go_on=lambda ran: ran and time.monotonic() < until)
    finally:
        watcher.stop()
        beating.join()
        thread.dbname, thread.uid = dbname, uid
    with env.registry.cursor() as cr:
        remaining = store.count_runnable(cr)
    env["ir.cron"]._commit_progress(remaining=remaining)


def served_databases():
    """Return the names of the databases that a worker of this configuration serves: those it names, else all."""
    return config["db_name"] or list_dbs(force=True)


class Supervisor:
    """The parent of worker processes: starts them, starts another for each that ends, and ends them when it is told to.

    :param processes: how many
    :param threads: how many jobs each of them runs at once
    :param dbnames: function that returns the names of the databases to serve
    """

    def __init__(self, processes, threads, dbnames):
        self.processes = processes
        self.threads = threads
        self.dbnames = dbnames
        self.children = {}
        self._stopping = False

    def run(self):
        """Supervise until SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        while not self._stopping:
            while len(self.children) < self.processes and not self._stopping:
                self._spawn()
            self._reap(block=True)
        self._end_children()

    def _stop(self, _signal, _frame):
        self._stopping = True
        for pid in self.children:
            os.kill(pid, signal.SIGTERM)

    def _spawn(self):
        # no connection may be shared between two processes
        sql_db.close_all()
        pid = os.fork()
        if pid:
            self.children[pid] = time.monotonic()
            return
        status = 1
        try:
            run_process(self.threads, self.dbnames)
            status = 0
        except Exception:
            _logger.exception("The worker process ends")
        finally:
            logging.shutdown()
            os._exit(status)

    def _reap(self, block):
        try:
            pid, status = os.waitpid(-1, 0 if block else os.WNOHANG)
        except ChildProcessError:
            return False
        if not pid:
            return False
        began = self.children.pop(pid, None)
        if not self._stopping:
            _logger.warning("The worker process %s ended (%s): another one is started", pid, _describe(status))
            if began is not None and time.monotonic() - began < 1:
                time.sleep(1)
        return True

    def _end_children(self):
        _logger.info("Stopping: running jobs may go on for up to %s s", GRACE_SECONDS)
        until = time.monotonic() + GRACE_SECONDS
        while self.children and time.monotonic() < until:
            if not self._reap(block=False):
                time.sleep(0.05)
        for pid in list(self.children):
            _logger.warning(
                "The worker process %s is killed: its job runs longer than %s s after the stop", pid, GRACE_SECONDS
            )
            os.kill(pid, signal.SIGKILL)
            self._reap(block=True)


def run_process(threads, dbnames):
    """Be a worker process until SIGTERM: jobs run in threads of their own, the main thread watches."""
    parent = os.getppid()
    # should the parent be killed, nobody would stop this process: it looks after that when it looks for databases

    def databases():
        if os.getppid() != parent:
            _logger.warning("The parent process is gone: this worker process stops")
            watcher.stop()
        return dbnames()

    watcher = WorkerWatcher("command", threads, databases, is_replaceable=True)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: watcher.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workers = [
        threading.Thread(target=watcher.work, name=f"connector job {number}") for number in range(1, threads + 1)
    ]
    watcher.watch(workers)


def _describe(status):
    if os.WIFSIGNALED(status):
        return f"killed by signal {os.WTERMSIG(status)}"
    return f"exit status {os.WEXITSTATUS(status)}"
