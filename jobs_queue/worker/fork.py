"""Fork protection: the child process that a job forks cannot touch the worker's connections.

The child has copies of all connections of the process. One byte that it sends on one of them would
undo the parent's work: for instance the ROLLBACK of a cursor that it closes on its way out. So in
the child of a running job each of these connections leads nowhere, and the child ends at once where
it leaves the job's code. Until then, code in the child may open new connections:
``multiprocessing`` and ``subprocess`` work.
"""

import os
import signal
import socket
import threading

import psycopg2

from ..jobs import JobBatch, RunningJob
from ..odoo_patches import pooled_in_child
from ..store.connection import opened

_thread = threading.local()


class watched:
    """Context manager around the code of a job: a child that the job forks ends with the block."""

    __slots__ = ("_job",)

    def __init__(self, job: RunningJob | JobBatch) -> None:
        self._job = job

    def __enter__(self) -> None:
        _thread.job, _thread.is_child = self._job, False

    def __exit__(self, *error: object) -> None:
        if _thread.is_child:
            # no logging here: another thread may have held the lock of the log at the fork, and the
            # child's copy of it stays locked for ever
            try:
                os.write(2, b"A child process that a job has forked ends where it has left the job's code\n")
            finally:
                os._exit(1)
        _thread.job = None


def _after_fork() -> None:
    if getattr(_thread, "job", None) is None:
        return
    _thread.is_child = True
    for connection in (*opened, *pooled_in_child()):
        _lead_nowhere(connection)
    # the worker's handlers would let a child live that multiprocessing wants to end
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _lead_nowhere(connection: psycopg2.extensions.connection) -> None:
    """Replace a connection by one to nobody; the parent's original is left as it is."""
    if not connection.closed:
        nowhere, other_end = socket.socketpair()
        other_end.close()
        os.dup2(nowhere.fileno(), connection.fileno(), inheritable=False)
        nowhere.close()


os.register_at_fork(after_in_child=_after_fork)
