"""A job that forks: its child touches nothing of the worker.

The child has copies of all connections of the process. A byte of its own on one of them, be it the ROLLBACK of a cursor that it closes on
its way out, would undo what the parent does. So in the child of a running job each of them leads nowhere, and where the child leaves the
job's code it ends at once. What runs in it until then may connect anew: ``multiprocessing`` and ``subprocess`` work.
"""

import os
import signal
import socket
import threading

import psycopg2

from odoo import sql_db

from ..jobs import JobGroup, RunningJob
from ..store.connection import opened

_thread = threading.local()


class watched:
    """Around the code of a job: a child that it forks ends where it leaves the block."""

    __slots__ = ("_job",)

    def __init__(self, job: RunningJob | JobGroup) -> None:
        self._job = job

    def __enter__(self) -> None:
        _thread.job, _thread.is_child = self._job, False

    def __exit__(self, *error: object) -> None:
        if _thread.is_child:
            # it may not log: another thread may have been about to when it was forked, and holds the lock of the log for ever here
            try:
                os.write(2, b"A child process that a job has forked ends where it has left the job's code\n")
            finally:
                os._exit(1)
        _thread.job = None


def _after_fork() -> None:
    if getattr(_thread, "job", None) is None:
        return
    _thread.is_child = True
    for connection in list(opened):
        _lead_nowhere(connection)
    for pool in (sql_db._Pool, sql_db._Pool_readonly):
        if pool is not None:
            # a thread that is not here may have had it
            pool._lock = threading.Lock()
            for connection in pool._connections:
                _lead_nowhere(connection)
    # those of the worker would let a child live that multiprocessing wants to end
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _lead_nowhere(connection: psycopg2.extensions.connection) -> None:
    """Have a connection be one to nobody; the parent's, of which it is a copy, is left as it is."""
    if not connection.closed:
        nowhere, other_end = socket.socketpair()
        other_end.close()
        os.dup2(nowhere.fileno(), connection.fileno(), inheritable=False)
        nowhere.close()


os.register_at_fork(after_in_child=_after_fork)
