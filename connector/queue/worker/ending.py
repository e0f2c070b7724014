"""How a job ends that is not done: another try, failed or cancelled.

All of it is written on the worker's raw connection, after the job's own transaction was rolled back.
"""

import logging

from odoo.tools.translate import LazyGettext, LazyTranslate

from ...exception import CONCURRENCY_ERRORS, GroupResultError, JobCancelled, UnknownJobError
from .. import store
from . import unknown
from .errors import LifeEnded, first_line, is_for_people, message_of, name_of, traceback_of

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

#: How often a job is run again at once, on a fresh transaction, when PostgreSQL says that another transaction was in the way.
IMMEDIATE_RETRIES = 3


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
    except Exception as problem:
        for member in job.members:
            _fail(worker, member, problem)
    return []


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
        _end_without_success(worker, job, reason)


def _end_without_success(worker, job, error):
    """Let the jobs be tried again or fail; return the halves of a group that is to be run in parts instead."""
    if isinstance(error, UnknownJobError):
        return _end_unknown(worker, job, error)
    retry = worker.options_of(job).retry
    if isinstance(error, CONCURRENCY_ERRORS):
        message = _lt(
            "Another transaction was in the way, %(times)s times in a row: %(error)s",
            times=IMMEDIATE_RETRIES + 1,
            error=first_line(error),
        )
    elif retry.is_retryable(error):
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
    with worker.raw_cursor() as cr:
        if not store.give_back_unknown(cr, member, worker.id, worker.name, unknown.AGAIN_SECONDS, message):
            _logger.warning("%s of %s was given to another worker meanwhile", member, worker.dbname)
    return []


def _retry(worker, job, error, message, seconds):
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
    with worker.raw_cursor() as cr:
        is_mine = store.retry(
            cr, job, worker.id, worker.name, seconds, counts, *_told(job, error, message), job.log_text, job.usage
        )
    if not is_mine:
        _logger.warning("%s of %s was given to another worker meanwhile", job, worker.dbname)


def _fail(worker, job, error, message=None):
    message = message or message_of(error)
    told = _told(job, error, message)
    if is_for_people(error):
        _logger.info("%s of %s failed: %s", job, worker.dbname, message)
    else:
        # the traceback as it is kept: that of the logging would be as long as the error
        _logger.error("%s of %s failed: %s\n%s", job, worker.dbname, message, told[-1])
    with worker.raw_cursor() as cr:
        is_mine = store.fail(cr, job, worker.id, worker.name, *told, job.log_text, job.usage)
    if not is_mine:
        _logger.warning("%s of %s was given to another worker meanwhile", job, worker.dbname)


def _cancel(worker, job, message):
    """Cancel the members that somebody wants to be stopped; the others of a group run without them."""
    with worker.raw_cursor() as cr:
        cancelled = store.cancel_requests(cr, [member.id for member in job.members])
        for member in job.members:
            if member.id in cancelled:
                text = _in_language_of(member, message)
                store.end_cancelled(cr, member, worker.id, worker.name, text, member.log_text, member.usage)
        store.release(cr, [member for member in job.members if member.id not in cancelled])


def _told(job, error, message):
    """Return what is kept of an error: the message in the language of the job, the error's name and its traceback."""
    return _in_language_of(job, message), name_of(error), traceback_of(error)


def _in_language_of(job, text):
    return text._translate(job.lang) if isinstance(text, LazyGettext) else text
