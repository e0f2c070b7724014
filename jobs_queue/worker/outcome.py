"""How a job ends that is not done: another try, failed or cancelled.

All of it is written on the worker's raw connection, after the job's own transaction was rolled back. Writing it fails with that connection
only, and then the worker's life ends: what the job has left, however strange, is replaced by something that can be written. It takes
nothing but that connection: Odoo's pool may be full, and is not asked.
"""

import logging
import time
import traceback

from odoo.tools.translate import LazyGettext, LazyTranslate

from .. import store
from ..exception import CONCURRENCY_ERRORS, GroupResultError, JobCancelled, UnknownJobError
from ..jobs.retry import RetryPolicy
from ..store.connection import pids_of_thread
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

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

#: How often a job is run again at once, on a fresh transaction, when PostgreSQL says that another transaction was in the way.
IMMEDIATE_RETRIES = 3

#: Seconds until a job is tried again whose code has met a lack of means, each time in a row; these tries do not count, the next ones do.
NO_MEANS_WAITS = (10, 60, 600)

_NO_MEANS = "no_resources"

# Of jobs that have ended before it was known what their function's policy is
_USUAL_POLICY = RetryPolicy()

#: Seconds for which an end is written again and again while somebody has the job's row locked, or the table.
_LOCKED_SECONDS = 10


def end(worker, job, error):
    """Write how a job, or all of a group, was ended by an exception; return the parts of the group that have to be run for themselves.

    Where that itself goes wrong the jobs fail for this reason: in *started* they would stay with this worker as long as it lives.

    :raise LifeEnded: the worker may not write for any job any more
    """
    try:
        if not job.run.stopped:
            return _end_without_success(worker, job, error)
        end_stopped(worker, job, error)
    except LifeEnded:
        raise
    except BaseException as problem:
        for member in job.members:
            _end_anyhow(worker, member, problem)
    return []


def _end_anyhow(worker, job, problem):
    """Let a job fail because its end could not be written; where that is not its fault its lease stays, and the worker frees it later, as
    an interruption."""
    if not (is_concurrency_error(problem) or lacks_means(problem)):
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


def _fail_without_words(worker, job, _problem):
    """Let a job fail without anything that comes from its code."""
    message = _in_language_of(
        job, _lt("The job has ended with what cannot be written: the log of its worker says more.")
    )
    write(worker, lambda cr: store.fail(cr, job, worker.id, worker.name, message, None, None))


def end_stopped(worker, job, error):
    """Write how a job, or all of a group, has ended that was told to stop.

    :param error: the exception that ended its code, whichever it was; None if the code still runs
    """
    reason = job.run.stopped
    reason.__cause__ = error if error is not reason else None
    if isinstance(reason, JobCancelled):
        _logger.info("%s of %s was cancelled while it ran", job, worker.dbname)
        _cancel(worker, job, message_of(reason))
    else:
        _decide(worker, job, reason)


def _end_without_success(worker, job, error):
    """Let the jobs be tried again or fail; return the halves of a group that is to be run in parts instead."""
    # what the code itself meets, of another job for instance, is an error as any other
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


def _decide(worker, job, error):
    """Let the retry policy of the jobs' function decide; return the halves of a group that is to be run in parts instead."""
    retry = job.retry_policy or _USUAL_POLICY
    if is_concurrency_error(error):
        message = _lt(
            "Another transaction was in the way, %(times)s times in a row: %(error)s",
            times=IMMEDIATE_RETRIES + 1,
            error=first_line(error),
        )
    elif retry.is_retryable(error) or is_over_limit(error) or (job.run.stopped and len(job.members) > 1):
        # of a group that was stopped nobody knows which job took so long: it counts a try of each
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


def _end_unknown(worker, job, error):
    """Leave a job to other workers that this one's code does not know; return the halves of a group, whose other jobs it may know."""
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
        lambda cr: store.give_back_unknown(cr, member, worker.id, worker.name, unknown.AGAIN_SECONDS, message),
    )
    return []


def _put_off(worker, job, error):
    """Give back jobs whose code was not called, as the worker or the server had not what it takes, and take no others for a time."""
    seconds = worker.take_no_jobs(error)
    message = _lt("It could not begin, for want of means of its worker or the server: %s", first_line(error))
    for member in job.members:
        # the error is none of the job's
        _give_back(worker, member, (_in_language_of(member, message), None, traceback_of(error)), seconds)


def _unlock(worker, job, error):
    """End what keeps the rows of jobs locked that have ended, and is of this thread: the cursors that the jobs have left open."""
    traceback.clear_frames(error.__traceback__)
    with worker.raw_cursor() as cr:
        for member in job.members:
            store.end_locker(cr, member, pids_of_thread())


def _end_without_means(worker, job, error):
    """Let jobs be tried again whose code has met a lack of means; return the halves of a group that is to be run in parts instead.

    Only if that goes on do the tries count. As one job of a group may be the reason, the others are not to pay for it.
    """
    times = [
        write(worker, lambda cr, id_=member.id: store.count_in_a_row(cr, id_, _NO_MEANS)) for member in job.members
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
        _give_back(worker, member, _told(member, error, message), NO_MEANS_WAITS[before])
    return []


def _give_back(worker, job, told, seconds):
    _write_for(
        worker,
        job,
        lambda cr: store.give_back(cr, job, worker.id, worker.name, _NO_MEANS, seconds, *told, job.log_text, job.usage),
    )


def _retry(worker, job, error, message, seconds, outcome="retry"):
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
    told = _told(job, error, message)
    _write_for(
        worker,
        job,
        lambda cr: store.retry(
            cr, job, worker.id, worker.name, seconds, counts, *told, job.log_text, job.usage, outcome
        ),
    )


def _fail(worker, job, error, message=None):
    message = message or message_of(error)
    told = _told(job, error, message)
    if is_for_people(error):
        _logger.info("%s of %s failed: %s", job, worker.dbname, message)
    else:
        # the traceback as it is kept: that of the logging would be as long as the error
        _logger.error("%s of %s failed: %s\n%s", job, worker.dbname, message, told[-1])
    _write_for(worker, job, lambda cr: store.fail(cr, job, worker.id, worker.name, *told, job.log_text, job.usage))


def _cancel(worker, job, message):
    """Cancel the members that somebody wants to be stopped; the others of a group run without them."""

    def cancel(cr):
        cancelled = store.cancel_requests(cr, [member.id for member in job.members])
        for member in job.members:
            if member.id in cancelled:
                text = _in_language_of(member, message)
                store.end_cancelled(cr, member, worker.id, worker.name, text, member.log_text, member.usage)
        store.release(cr, [member for member in job.members if member.id not in cancelled])

    write(worker, cancel)


def _write_for(worker, job, function):
    if not write(worker, function):
        _logger.warning("%s of %s was given to another worker meanwhile", job, worker.dbname)


def write(worker, function):
    """Call a function that writes an end on a cursor, and return what it returns.

    The store does not wait for long for a lock, as others wait for the connection: between two attempts they have it. Somebody may also
    cancel the statement.
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


def _told(job, error, message):
    """Return what is kept of an error: the message in the language of the job, the error's name and its traceback."""
    return _in_language_of(job, message), name_of(error), traceback_of(error)


def _in_language_of(job, text):
    return text._translate(job.lang) if isinstance(text, LazyGettext) else text
