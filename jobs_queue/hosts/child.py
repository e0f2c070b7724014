"""Child: a worker process as its parent sees it, with its signs of life and its cause of death.

Only the parent learns how the process has ended. It sees from outside whether the process still
lives.
"""

import contextlib
import logging
import os
import signal
import time
import uuid
from collections.abc import Iterable

import psycopg2

from .. import configuration, store
from ..store.connection import LOCK_TIMEOUT, connect
from ..worker import FILES_CLOSED, PATIENCE, SignsOfLife
from ..worker.signs import RunSign

_logger = logging.getLogger(__name__)

#: Seconds without a beat after which a process is killed, by default. Its last heartbeat may be 4 s
#: older. Other workers must not be the first to find it dead, as they do not know the cause.
SILENCE_LIMIT = store.workers.HEARTBEAT_TIMEOUT - 5
#: Seconds for which the parent waits for a connection: it has other processes to watch.
CONNECT_SECONDS = 5
#: Seconds after the time limit of a job in which its process can stop it by itself. Then a process
#: is killed that for so long has given no beat or has not checked the limits of its jobs.
STOP_SECONDS = 2 * PATIENCE
#: Seconds after the time limit of a job after which its process is killed in any case. It had time
#: to stop the job, and to write the job's end even while the job's row was locked.
OVERDUE_SECONDS = 20
#: Seconds of the longest turn of the parent's loop that counts. A longer turn says nothing about
#: the child: the whole machine, or the parent itself, was held up. Odoo's own loop takes up to 4 s.
LONGEST_TURN = 6


def silence_limit() -> int:
    """Return for how many seconds a process may give no beat; 0 for no limit.

    It is the option ``watchdog`` in the section ``[jobs_queue]``.

    :raise ValueError: the option is not a number
    """
    return configuration.number("watchdog", SILENCE_LIMIT)


class Child:
    """A worker process; its parent makes this object before the fork.

    :param threads: how many jobs it runs at once
    :param silence_limit: seconds without a beat after which it has to be killed; 0 for never
    :ivar process: the uuid under which its workers are registered
    :ivar pid: set by the parent after the fork
    :ivar signs: the page of memory where the process shows that it is alive
    """

    _silent: float
    _idle: float

    def __init__(self, threads: int = 1, silence_limit: int = SILENCE_LIMIT) -> None:
        self.process = str(uuid.uuid4())
        self.pid: int | None = None
        self.signs = SignsOfLife(threads, silence_limit)
        self._silence_limit = silence_limit
        self.began = self._looked = time.monotonic()
        self._beats = self._silent = self._turns = self._idle = 0
        self._late: dict[RunSign, float] = {}
        self._overdue: list[RunSign] = []
        self._killed_for: str | None = None
        self._out_of_memory = _count_out_of_memory()

    def reason_to_kill(self) -> str | None:
        """Return in words why the process has to be killed, once; None if it need not be killed.

        It is called in each turn of the parent's loop. Only the time of these turns counts, so a
        process is not killed because its machine was suspended. A process that has not begun to
        beat is not judged.
        """
        now = time.monotonic()
        turn, self._looked = now - self._looked, now
        beats = self.signs.beats
        if not self._silence_limit or not beats or self._killed_for:
            return None
        turns = self.signs.turns
        counted = turn if turn <= LONGEST_TURN else 0
        self._silent = self._silent + counted if beats == self._beats else 0
        self._idle = self._idle + counted if turns == self._turns else 0
        self._beats, self._turns = beats, turns
        late = [run for run in self.signs.runs() if run.deadline and now >= run.deadline + STOP_SECONDS]
        self._late = {run: self._late.get(run, STOP_SECONDS) + counted for run in late}
        is_stuck = max(self._silent, self._idle) >= STOP_SECONDS
        self._overdue = [run for run, seconds in self._late.items() if is_stuck or seconds >= OVERDUE_SECONDS]
        if self._overdue:
            why = "a job has run longer than its time limit and held the interpreter"
        elif self._silent >= self._silence_limit:
            why = (
                f"it gave no sign of life for {self._silence_limit} s, as it was stopped or a job held the interpreter"
            )
        else:
            return None
        self._killed_for = f"the worker process {self.pid} was killed: {why}"
        return self._killed_for

    def cause_of_death(self, exit_code: int) -> str:
        """Return in words how the process has ended.

        :param exit_code: its exit status, or the negative number of the signal that killed it, as
            of :func:`os.waitstatus_to_exitcode`
        """
        if self._killed_for:
            return self._killed_for
        if exit_code == FILES_CLOSED:
            return f"the worker process {self.pid} ended: somebody, perhaps a job, has closed its files"
        if exit_code >= 0:
            return f"the worker process {self.pid} ended with exit status {exit_code}"
        if exit_code == -signal.SIGKILL and _count_out_of_memory() > self._out_of_memory:
            return f"the worker process {self.pid} was killed because the machine or its container had no memory left"
        return f"the worker process {self.pid} was killed by {signal.Signals(-exit_code).name}"

    def end_workers(self, dbnames: Iterable[str], cause: str, end: str) -> None:
        """End its workers in each database, as others that notice the death do not know the cause.

        :param end: as for :func:`..store.workers.end_worker`
        """
        for dbname in dbnames:
            try:
                with contextlib.closing(_connect(dbname)) as connection, connection.cursor() as cr:
                    if not store.database.reason_not_to_serve(cr):
                        blamed, several = self._blamed(dbname), len(self.signs.runs()) > 1
                        store.workers.end_process(
                            cr, self.process, cause, end, terminate=True, blamed=blamed, several=several
                        )
            except psycopg2.Error as error:
                _logger.info("The workers that died are not ended in %s here: %s", dbname, error)

    def _blamed(self, dbname: str) -> dict[int, str] | None:
        """Return the jobs that have ended the process, or None if nobody knows which.

        :return: ``{lease token: cause}``
        """
        if not self._overdue:
            return None
        cause = "it ran longer than its time limit of %g s and held the interpreter: its process was killed"
        return {
            run.lease_token: cause % round(run.deadline - run.began, 3)
            for run in set(self._overdue) & set(self.signs.runs(dbname))
        }


def _connect(dbname: str) -> psycopg2.extensions.connection:
    return connect(dbname, LOCK_TIMEOUT, CONNECT_SECONDS)


def exit_code_of(pid: int) -> int | None:
    """Return how a child process has ended, or None if it runs.

    The values are those of :meth:`Child.cause_of_death`. The process is not reaped; its host does
    that.
    """
    try:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if ended is None:
        return None
    return -ended.si_status if ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED) else ended.si_status


def _count_out_of_memory() -> int:
    """Return how many processes the kernel has killed for lack of memory; 0 if it does not say."""
    try:
        with open("/proc/vmstat") as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except OSError:
        return 0
