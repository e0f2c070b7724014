"""A worker process as its parent sees it: the parent alone learns how it has ended."""

import contextlib
import logging
import os
import signal
import time
import uuid

import psycopg2

from .. import store
from ..connection import connect

_logger = logging.getLogger(__name__)


class Child:
    """A worker process, made by its parent before the fork.

    :ivar process: the uuid under which its workers are registered
    :ivar pid: set by the parent after the fork
    """

    def __init__(self):
        self.process = str(uuid.uuid4())
        self.pid = None
        self.began = time.monotonic()
        self._out_of_memory = _count_out_of_memory()

    def cause_of_death(self, exit_code):
        """Return in words how the process has ended.

        :param exit_code: its exit status, or the negative number of the signal that killed it, as of :func:`os.waitstatus_to_exitcode`
        """
        if exit_code >= 0:
            return f"the worker process {self.pid} ended with exit status {exit_code}"
        if exit_code == -signal.SIGKILL and _count_out_of_memory() > self._out_of_memory:
            return f"the worker process {self.pid} was killed because the machine or its container had no memory left"
        return f"the worker process {self.pid} was killed by {signal.Signals(-exit_code).name}"

    def end_workers(self, dbnames, cause, end):
        """End what its workers have left in each database: who else notices the death does not know the cause.

        :param dbnames: names of the databases
        :param end: as for :func:`store.end_worker`
        """
        for dbname in dbnames:
            try:
                with contextlib.closing(connect(dbname)) as connection, connection.cursor() as cr:
                    if not store.reason_not_to_serve(cr):
                        store.end_process(cr, self.process, cause, end, terminate=True)
            except psycopg2.Error as error:
                _logger.info("The workers that died are not ended in %s here: %s", dbname, error)


def exit_code_of(pid):
    """Return how a child process has ended, see :meth:`Child.cause_of_death`, or None if it runs; it is left to others to reap it."""
    try:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if ended is None:
        return None
    return -ended.si_status if ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED) else ended.si_status


def _count_out_of_memory():
    """Return how many processes the kernel has killed for want of memory; 0 where it does not say."""
    try:
        with open("/proc/vmstat") as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except OSError:
        return 0
