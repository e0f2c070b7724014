"""End a job that is not done: another attempt, failed or cancelled.

All of it is written on the worker's raw connection, after the job's own transaction was rolled
back. To write it fails only if that connection fails, and then the worker's life ends. Whatever
strange values the job has left are replaced by something that can be written. Only that connection
is needed: Odoo's pool may be full, and is not asked.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import psycopg2

from odoo.tools.translate import LazyGettext, LazyTranslate

from .. import store
from ..exception import CONCURRENCY_ERRORS, GroupResultError, JobCancelled, NotYet, UnknownJobError
from ..jobs import JobBatch, RunningJob
from ..jobs.retry import RetryPolicy
from ..odoo_patches import pids_of_thread
from ..store.ending import Ending
from . import unknown
from .errors import (
    LifeEnded,
    NotReady,
    RowLocked,
    first_line,
    is_concurrency_error,
    is_for_people,
    is_of,
    is_over_limit,
    lacks_means,
    message_of,
    name_of,
    traceback_of,
)

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

_T = TypeVar("_T")


#: How often a job is run again at once, in a new transaction, after a conflict with another
#: transaction.
IMMEDIATE_RETRIES = 3

#: Seconds until the next attempt of a job whose code has met a lack of resources, for each time in
#: a row. These attempts do not count; the next ones do.
NO_MEANS_WAITS = (10, 60, 600)

_NO_MEANS = "no_resources"

# For jobs that have ended before the policy of their function was known
_USUAL_POLICY = RetryPolicy()

#: Seconds for which a worker tries to write an end while the job's row, or the table, is locked.
_LOCKED_SECONDS = 10


def end(worker: Worker, job: RunningJob | JobBatch, error: BaseException | None) -> list[JobBatch]:
    """Write how an exception has ended a job, or all jobs of a batch.

    If that itself goes wrong, the jobs fail for this reason: in *started* they would stay with this
    worker as long as it lives.

    :return: the parts of the batch that have to be run separately
    :raise LifeEnded: the worker may not write for any job any more
    """
    try:
        if not job.run.stopped:
            return _end_without_success(worker, job, error)  # type: ignore[arg-type]  # None only for what was told to stop
        end_stopped(worker, job, error)
    except LifeEnded:
        raise
    except BaseException as problem:
        for member in job.members:
            _end_anyhow(worker, member, problem)
    return []


def _end_anyhow(worker: Worker, job: RunningJob, problem: BaseException) -> None:
    """Let a job fail because its end could not be written.

    If that is not the job's fault, the lease stays. The worker frees it later, as an interruption.
    """
    if not (is_concurrency_error(problem) or lacks_means(problem)):
        fail: Callable[[Worker, RunningJob, BaseException], None]
        for fail in (_fail, _fail_without_words):
            try:
                fail(worker, job, problem)
                return
            except LifeEnded:
                raise
            except BaseException as another:
                problem = another
    if is_concurrency_error(problem) or lacks_means(problem):
        worker.unwritten[job.id, job.lease_token] = first_line(problem)
    worker.backoff.begin()
    _logger.error("The end of job %s of %s cannot be written: %s", job.id, worker.dbname, first_line(problem))


def _fail_without_words(worker: Worker, job: RunningJob, _problem: BaseException) -> None:
    """Let a job fail, without anything that comes from the job's code."""
    message = _in_language_of(
        job, _lt("The job has ended with what cannot be written: the log of its worker says more.")
    )
    write(worker, lambda cr: store.leases.fail(cr, job, worker, Ending(message)))


def end_stopped(worker: Worker, job: RunningJob | JobBatch, error: BaseException | None) -> None:
    """Write the end of a job that was told to stop, or of all jobs of a batch.

    :param error: the exception that has ended its code, of any class; None if the code still runs
    """
    reason = job.run.stopped
    reason.__cause__ = error if error is not reason else None
    if isinstance(reason, JobCancelled):
        _logger.info("%s of %s was cancelled while it ran", job, worker.dbname)
        _cancel(worker, job, message_of(reason))
    else:
        _decide(worker, job, reason)


def _end_without_success(worker: Worker, job: RunningJob | JobBatch, error: BaseException) -> list[JobBatch]:
    """Let the jobs be tried again or fail.

    :return: the halves of a batch that is to be run in parts instead
    """
    # if the code itself raises it, about another job for instance, it is an error like any other
    if is_of(error, UnknownJobError) and not any(member.is_called for member in job.members):
        return _end_unknown(worker, job, error)
    if is_of(error, NotReady):
        _put_off(worker, job, error)
        return []
    if not lacks_means(error):
        return _decide(worker, job, error)
    if is_of(error, RowLocked):
        _unlock(worker, job, error)
    return _end_without_means(worker, job, error)


def _decide(worker: Worker, job: RunningJob | JobBatch, error: BaseException) -> list[JobBatch]:
    """Let the retry policy of the jobs' function decide.

    :return: the halves of a batch that is to be run in parts instead
    """
    retry = job.retry_policy or _USUAL_POLICY
    if is_of(error, NotYet):
        return _let_wait(worker, job, error)
    if is_concurrency_error(error):
        message = _lt(
            "Another transaction was in the way, %(times)s times in a row: %(error)s",
            times=IMMEDIATE_RETRIES + 1,
            error=first_line(error),
        )
    elif retry.is_retryable(error) or is_over_limit(error) or (job.run.stopped and len(job.members) > 1):
        # nobody knows which job of a stopped batch took so long, so it counts as an attempt of each
        message = message_of(error)
    elif not isinstance(error, GroupResultError) and (halves := job.halves()):
        _logger.info("%s of %s: each half is run again for itself (%s)", job, worker.dbname, first_line(error))
        return halves
    else:
        for member in job.members:
            _fail(worker, member, error)
        return []
    seconds = retry.seconds(error, job.retry + 1)
    for member in job.members:
        _retry(worker, member, error, message, seconds)
    return []


def _let_wait(worker: Worker, job: RunningJob | JobBatch, error: NotYet) -> list[JobBatch]:
    """Let a job wait for something outside, or fail if it has waited for long enough.

    :return: the halves of a batch, as not all of its jobs need wait
    """
    if halves := job.halves():
        return halves
    (member,) = job.members
    waited = write(worker, lambda cr: store.leases.seconds_waited(cr, member.id))
    if error.give_up_days is not None and waited >= error.give_up_days * 24 * 3600:
        gave_up = _lt("Gave up after %(days)s days: %(message)s", days=int(waited // 86400), message=message_of(error))
        _fail(worker, member, error, gave_up)
        return []
    _logger.info("%s of %s waits: %s", member, worker.dbname, first_line(error))
    # it is no error: neither its name nor its traceback is kept
    message = _in_language_of(member, message_of(error)) or name_of(error)
    ending = Ending(message, log=member.log_text, usage=member.usage)
    _write_for(worker, member, lambda cr: store.leases.wait(cr, member, worker, ending, error.seconds, error.since))
    return []


def _end_unknown(worker: Worker, job: RunningJob | JobBatch, error: BaseException) -> list[JobBatch]:
    """Leave a job that this worker's code does not know to other workers.

    :return: the halves of a batch, as this worker may know the other jobs of it
    """
    if halves := job.halves():
        return halves
    (member,) = job.members
    if reason := unknown.reason_to_fail(worker, member, error):
        _fail(worker, member, error, reason)
        return []
    message = _in_language_of(member, unknown.message(worker, error))
    _logger.info("%s of %s: %s", member, worker.dbname, message)
    _write_for(
        worker,
        member,
        lambda cr: store.leases.give_back_unknown(cr, member, worker, unknown.AGAIN_SECONDS, message),
    )
    return []


def _put_off(worker: Worker, job: RunningJob | JobBatch, error: BaseException) -> None:
    """Give back jobs whose code was not called, and claim no others for a time.

    The worker or the server had not the resources to run them.
    """
    seconds = worker.take_no_jobs(error)
    message = _lt("It could not begin, for want of means of its worker or the server: %s", first_line(error))
    for member in job.members:
        # the error is not the job's own, so its name is not kept
        ending = _ending(member, error, message)._replace(exc_name=None)
        _give_back(worker, member, ending, seconds)


def _unlock(worker: Worker, job: RunningJob | JobBatch, error: BaseException) -> None:
    """End the connections of this thread that keep the rows of ended jobs locked.

    They belong to cursors that the jobs have left open.
    """
    traceback.clear_frames(error.__traceback__)
    with worker.raw_cursor() as cr:
        for member in job.members:
            store.leases.end_locker(cr, member, pids_of_thread())


def _end_without_means(worker: Worker, job: RunningJob | JobBatch, error: BaseException) -> list[JobBatch]:
    """Let jobs be tried again whose code has met a lack of resources.

    The attempts count only if that goes on. One job of a batch may be the reason, and the others
    are not to pay for it.

    :return: the halves of a batch that is to be run in parts instead
    """
    times = [
        write(worker, lambda cr, id_=member.id: store.leases.count_in_a_row(cr, id_, _NO_MEANS))  # type: ignore[misc]  # it has a default
        for member in job.members
    ]
    if max(times) >= len(NO_MEANS_WAITS) and (halves := job.halves()):
        return halves
    for member, before in zip(job.members, times, strict=True):
        if before >= len(NO_MEANS_WAITS):
            seconds = (job.retry_policy or _USUAL_POLICY).seconds(error, member.retry + 1)
            _retry(worker, member, error, message_of(error), seconds, _NO_MEANS)
            continue
        message = _lt("For want of means of its worker or the server: %s", message_of(error))
        _logger.info("%s of %s is tried again in %s s: %s", member, worker.dbname, NO_MEANS_WAITS[before], message)
        _give_back(worker, member, _ending(member, error, message), NO_MEANS_WAITS[before])
    return []


def _give_back(worker: Worker, job: RunningJob, ending: Ending, seconds: float) -> None:
    _write_for(
        worker,
        job,
        lambda cr: store.leases.give_back(cr, job, worker, ending, seconds, _NO_MEANS),
    )


def _retry(
    worker: Worker,
    job: RunningJob,
    error: BaseException,
    message: str | LazyGettext,
    seconds: float,
    outcome: str = "retry",
) -> None:
    tries, counts = job.retry + 1, not getattr(error, "ignore_retry", False)
    if counts and job.max_retries and tries >= job.max_retries:
        gave_up = (
            _lt("Gave up after one try: %s", message)
            if tries == 1
            else _lt("Gave up after %(tries)s tries: %(message)s", tries=tries, message=message)
        )
        _fail(worker, job, error, gave_up)
        return
    _logger.info("%s of %s is tried again in %.0f s: %s", job, worker.dbname, seconds, message)
    ending = _ending(job, error, message)
    _write_for(
        worker,
        job,
        lambda cr: store.leases.retry(cr, job, worker, ending, seconds, counts, outcome),
    )


def _fail(worker: Worker, job: RunningJob, error: BaseException, message: str | LazyGettext | None = None) -> None:
    message = message or message_of(error)
    ending = _ending(job, error, message)
    if is_for_people(error):
        _logger.info("%s of %s failed: %s", job, worker.dbname, message)
    else:
        # the traceback as it is stored: the logging's own would be as long as the error
        _logger.error("%s of %s failed: %s\n%s", job, worker.dbname, message, ending.exc_info)
    _write_for(worker, job, lambda cr: store.leases.fail(cr, job, worker, ending))


def _cancel(worker: Worker, job: RunningJob | JobBatch, message: str | LazyGettext) -> None:
    """Cancel the members that a person wants to stop; the others of a batch run without them."""

    def cancel(cr: psycopg2.extensions.cursor) -> None:
        cancelled = store.leases.cancel_requests(cr, [member.id for member in job.members])
        for member in job.members:
            if member.id in cancelled:
                text = _in_language_of(member, message)
                store.leases.end_cancelled(cr, member, worker, Ending(text, log=member.log_text, usage=member.usage))
        store.leases.release(cr, [member for member in job.members if member.id not in cancelled])

    write(worker, cancel)


def _write_for(worker: Worker, job: RunningJob, function: Callable[[psycopg2.extensions.cursor], bool]) -> None:
    if not write(worker, function):
        _logger.warning("%s of %s was given to another worker meanwhile", job, worker.dbname)


def write(worker: Worker, function: Callable[[psycopg2.extensions.cursor], _T]) -> _T:
    """Call a function that writes an end on a cursor, and return its result.

    The store does not wait long for a lock, as other threads wait for the connection: they have it
    between two calls. A person may also cancel the statement. So the function is called again for
    some seconds.
    """
    until = time.monotonic() + _LOCKED_SECONDS
    while True:
        try:
            with worker.raw_cursor() as cr:
                return function(cr)
        except CONCURRENCY_ERRORS:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def _ending(job: RunningJob, error: BaseException, message: str | LazyGettext) -> Ending:
    """Return what is kept of an attempt that an error has ended.

    That is the message in the language of the job, the name of the error, and its traceback. The
    name is None if the error is not the job's own, see :func:`_put_off`.
    """
    return Ending(_in_language_of(job, message), name_of(error), traceback_of(error), job.log_text, job.usage)


def _in_language_of(job: RunningJob, text: str | LazyGettext) -> str:
    return text._translate(job.lang) if isinstance(text, LazyGettext) else text
