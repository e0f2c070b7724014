"""Class ``JobRunner``: runs leased jobs, stops those that were cancelled or reached a limit."""

from __future__ import annotations

import functools
import logging
import operator
import random
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg2

from .. import store
from ..exception import CONCURRENCY_ERRORS, JobStopped, LeaseLost
from ..jobs import JobBatch, RunningJob
from ..store.claiming import LeasedJob
from . import outcome
from .attempt import Run
from .errors import LifeEnded, first_line, is_concurrency_error
from .leftovers import restore, take_snapshot

if TYPE_CHECKING:
    from .transaction import JobTransactions
    from .worker import Worker

_logger = logging.getLogger(__name__)

#: Seconds that a job is assumed to take before the first one has run.
_FIRST_GUESS = 0.1


class JobRunner:
    """Runs the jobs that a worker has leased, until they are done, retried, failed or cancelled.

    :param transactions: runs a job once, with its *done*
    :ivar runs: those that run now, by the ids of their jobs
    :ivar abandoned: those that did not stop, until their ends are written
    :ivar job_seconds: how long a job takes, a moving average
    """

    def __init__(self, worker: Worker, transactions: JobTransactions) -> None:
        self.runs: dict[int, Run] = {}
        self.abandoned: deque[Run] = deque()
        self.job_seconds = _FIRST_GUESS
        self._worker = worker
        self._transactions = transactions

    def run(self, leased: LeasedJob, show: Callable[[RunningJob | JobBatch], object] | None = None) -> None:
        """Run a leased job to one of its ends.

        :param show: called with the batch that has started with the job, as its time limit may be
            another
        :raise LifeEnded: the worker may not write for any job any more
        """
        try:
            job: RunningJob | JobBatch | None = (
                self._start(leased) if leased.group_key is None else self._start_batch(leased)
            )
        except LifeEnded:
            raise
        except Exception as error:
            self._worker.could_not_start(leased, error)
            return
        if job is None:
            told = leased.id, leased.function, self._worker.dbname
            _logger.info("Job %s (%s) of %s was cancelled or taken away before it started", *told)
            return
        if show and len(job.members) > 1:
            show(job)
        before = take_snapshot()
        job.run = run = Run(job, functools.partial(self._write_progress, job))
        self.runs.update((member.id, run) for member in job.members)
        try:
            # a list of jobs and batches; mypy adds no list of batches to it
            parts: list[Any] = [job]
            while parts:
                parts = self._run_started(parts[0]) + parts[1:]
        finally:
            run.end()
            for member in job.members:
                # a job whose lease was lost may already run in another thread
                if self.runs.get(member.id) is run:
                    del self.runs[member.id]
            self.job_seconds += 0.2 * (time.monotonic() - run.began - self.job_seconds)
            restore(before)
        try:
            self._release_others(job)
        except (psycopg2.Error, *CONCURRENCY_ERRORS) as error:
            # the housekeeping does it, see Worker.do_housekeeping
            _logger.info("What waits for %s of %s is released later: %s", job, self._worker.dbname, first_line(error))

    def _start(self, leased: LeasedJob) -> RunningJob | None:
        with self._worker.raw_cursor() as cr:
            payload = store.leases.start(cr, leased)
        return None if payload is None else RunningJob.of_lease(leased, payload)

    def _start_batch(self, leased: LeasedJob) -> RunningJob | JobBatch | None:
        """Start a job together with the others that can run as one call with it.

        The others are held by this worker or not yet leased. If their start is refused, the job
        starts alone: one of the others may be the reason.
        """
        size = 1 if leased.runs_alone else max(1, self._worker.options_of(leased).group_size)
        common = operator.attrgetter(*store.batches.COMMON)
        together = self._worker.queue.take(
            lambda other: common(other) == common(leased) and not other.runs_alone, size - 1
        )
        held = [leased, *together]
        with self._worker.raw_cursor() as cr:
            try:
                payloads = store.batches.start(cr, held)
            except psycopg2.Error as error:
                if len(held) == 1 or not store.trouble.is_refusal(cr, error):
                    # the others are held as before
                    self._worker.queue.put(held[1:])
                    raise
                _logger.warning("%s of %s starts alone: %s", leased, self._worker.dbname, first_line(error))
                store.leases.release_unstarted(cr, held[1:])
                return self._start(leased)
            started = [(job, payloads[job.id]) for job in held if job.id in payloads]
            if started and len(started) < size:
                started += store.batches.join(cr, self._worker.id, started[0][0], size - len(started))
        return JobBatch([RunningJob.of_lease(job, payload) for job, payload in started]) if started else None

    def _run_started(self, job: RunningJob | JobBatch) -> list[JobBatch]:
        """Run a started job, or batch of jobs, to one of its ends.

        :return: the parts of the batch that have to be run separately
        """
        for again in range(outcome.IMMEDIATE_RETRIES, -1, -1):
            job.run.begin_again()
            try:
                try:
                    self._transactions.run(job)
                finally:
                    job.run.end()
            except LeaseLost as lost:
                _logger.warning("%s", lost)
                return self._rest_of(job)
            except LifeEnded:
                raise
            except BaseException as error:  # SystemExit too: what ends is the job and not the thread
                if not again or job.run.stopped or not is_concurrency_error(error):
                    return outcome.end(self._worker, job, error)
                _logger.info(
                    "%s of %s met another transaction (%s): again at once", job, self._worker.dbname, first_line(error)
                )
                time.sleep(random.uniform(0, 0.05))
            else:
                break
        return []

    def _rest_of(self, job: RunningJob | JobBatch) -> list[JobBatch]:
        """Return the part of a batch that is still leased, as a list of one batch or none."""
        if len(job.members) == 1:
            return []
        with self._worker.raw_cursor() as cr:
            mine = store.batches.still_leased(cr, job.members, self._worker.id)
        rest = [member for member in job.members if member.id in mine]
        return [JobBatch(rest, job.run)] if 0 < len(rest) < len(job.members) else []

    def _release_others(self, job: RunningJob | JobBatch) -> None:
        """Release the jobs that wait for the end of a job, or of all jobs of a batch."""
        if keyed := [member for member in job.members if member.identity_key or member.concurrency_key]:
            with self._worker.raw_cursor() as cr:
                store.keys.release(cr, *keyed)
        if parents := [member.id for member in job.members if member.graph_uuid]:
            self._release_children(parents)

    def _release_children(self, job_ids: list[int]) -> None:
        with self._worker.raw_cursor() as cr:
            # one parent a statement: with several, the second could have to wait for a transaction
            # that waits for a child of the first
            released = sum(store.dependencies.release_children(cr, [job_id]) for job_id in job_ids)
        if released > 1:
            # the first one is for this thread
            self._worker.wake_others()

    def _write_progress(
        self, job: RunningJob | JobBatch, done: float, total: float | None, message: str | None
    ) -> None:
        try:
            with self._worker.raw_cursor() as cr:
                store.leases.write_progress(cr, job.id, done, total, message)
        except psycopg2.Error as error:
            # the job itself may have locked the row of its progress; it must not fail only because
            # nobody sees its progress
            _logger.info("The progress of %s of %s is not noted: %s", job, self._worker.dbname, first_line(error))

    # Called by the threads that watch the jobs

    def running(self) -> list[int]:
        """Return the ids of the jobs that run, without those that were told in vain to stop."""
        return [job_id for job_id, run in list(self.runs.items()) if not run.abandoned]

    def stop(self, error: JobStopped) -> None:
        """Tell all running jobs to stop, for this reason."""
        for run in list(self.runs.values()):
            run.stop(error)

    def watch(self) -> set[int]:
        """Stop the running jobs that were cancelled or have reached a limit.

        It is called by the thread that sends heartbeats. This thread writes no end, as that may
        take long; see :meth:`end_abandoned`.

        :return: the ids of the threads that are lost to such jobs
        """
        runs = set(self.runs.values())
        if not runs:
            return set()
        for job_id, who in self._cancel_requests().items():
            if run := self.runs.get(job_id):
                run.cancel(who)
        for run in runs:
            run.check_limits()
            if run.escalate():
                _logger.error(
                    "%s of %s does not stop: its lease ends, its thread is lost", run.job, self._worker.dbname
                )
                self.abandoned.append(run)
        return {run.thread_id for run in runs if run.abandoned}

    def end_abandoned(self) -> None:
        """Write the ends of jobs that did not stop.

        From then on nothing that they still do can be committed.

        :raise LifeEnded: as :meth:`run`
        """
        while self.abandoned:
            outcome.end(self._worker, self.abandoned[0].job, None)
            self.abandoned.popleft()

    def _cancel_requests(self) -> dict[int, str]:
        with self._worker.sign_cursor() as cr:
            try:
                return store.leases.cancel_requests(cr, list(self.runs), store.sql.BRIEFLY)
            except psycopg2.Error as error:
                if cr.connection.closed:
                    raise
                # the limits of the jobs are checked all the same
                _logger.info("Who is to be stopped in %s is asked later: %s", self._worker.dbname, first_line(error))
                return {}
