"""Troubles: jobs whose rows PostgreSQL refuses to change are noted, left out, and failed.

A trigger, a constraint or an index raises an error for such a row. One such row must not stop the
others. If a statement for many rows raises, it is repeated for each row separately. If it raises
for a row again, this is noted beside the row, in a table of its own: the job's own row may accept
no change at all. For a while all workers leave such a row out, longer each time, and the job's form
shows the error.

The reason may be the row, or the database, for instance because its disk is full. The note itself
shows it. If the note cannot be written either, nothing is noted, and the worker waits. If it can be
written, the job fails:

- at once if the error is about data, a constraint or a limit of PostgreSQL (:data:`_OF_THE_ROW`),
  and other rows can be changed;
- after :data:`FAIL_SECONDS` in which each try was refused and noted, whatever the error is.
"""

import logging
import random
from collections.abc import Callable, Iterable

import psycopg2
from psycopg2.errors import LockNotAvailable, QueryCanceled

from odoo.sql_db import BaseCursor

from ..texts import ERROR, storable
from .sql import BRIEFLY, NOW, AnyCursor, transaction

_logger = logging.getLogger(__name__)

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection

#: Errors that pass: somebody keeps something locked, or the statement met a limit of time. The same
#: statement may succeed later. (Serialization failures do not happen where each statement sees what
#: was committed before it. A deadlock is over when each row is changed by itself.)
PASSING = (LockNotAvailable, QueryCanceled)

#: Seconds for which a row has to be refused until its job fails.
FAIL_SECONDS = 600
# Classes of SQLSTATE: data exception, integrity constraint violation, program limit exceeded
_OF_THE_ROW = ("22", "23", "54")
# Seconds until a refused row is tried again: as long as it has been refused by then, but not less
# than the first number and not more than the second
_FIRST_WAIT, _LONGEST_WAIT = 10, 120
# After so many seconds in which no try was noted, the next try begins a new series: perhaps nothing
# could be written
_GAP = 300

LEFT_OUT = f"ARRAY(SELECT job_id FROM queue_job_trouble WHERE date_next > {NOW})"


def is_left_out(alias: str) -> str:
    """Return the condition that a job's row was refused, and that nobody tries it again yet."""
    return f"EXISTS (SELECT FROM queue_job_trouble trouble WHERE trouble.job_id = {alias}.id AND trouble.date_next > {NOW})"


def _is_over(alias: str) -> str:
    """Return the condition that a trouble was not noted again for a while."""
    return f"({alias}.date_tried < {NOW} - make_interval(secs => {_GAP}))"


def is_refusal(cr: AnyCursor, error: BaseException) -> bool:
    """Tell whether a statement was refused, so that it may succeed without some of its rows.

    It is no refusal if the connection is lost or the error passes with time (:data:`PASSING`). It
    is none either if the transaction is the caller's: the caller cannot go on in it.
    """
    return not (isinstance(error, PASSING) or isinstance(cr, BaseCursor) or cr.connection.closed)


#: Rows that somebody has locked, in one round of changes.
_MOST_LOCKED = 3


def each(cr: AnyCursor, ids: Iterable[int], change: Callable[[int], int]) -> int:
    """Change rows one by one, after a statement for all of them was refused.

    The trouble of each row that is refused again is noted. After some rows that others have locked
    it ends: each of them takes the time of a lock, and the caller has more to do. So the ids are
    taken in any order, and none is left out round by round.

    :param change: given an id, it returns how many rows it has changed
    :return: the number of changed rows
    :raise psycopg2.Error: the note cannot be written either
    """
    changed = locked = 0
    ids = list(ids)
    for id_ in random.sample(ids, len(ids)):
        try:
            changed += change(id_)
        except psycopg2.Error as error:
            if isinstance(error, PASSING):
                locked += 1
                if locked == _MOST_LOCKED:
                    break
                continue
            if not is_refusal(cr, error):
                raise
            note(cr, id_, error)
    return changed


def note(cr: AnyCursor, job_id: int, error: psycopg2.Error) -> None:
    """Note that a job's row cannot be changed, and leave it out for a while.

    :param error: the one that PostgreSQL has raised
    """
    _logger.warning("The row of job %s cannot be changed: %s", job_id, error)
    cr.execute(
        f"""
        {BRIEFLY}
        INSERT INTO queue_job_trouble AS trouble (job_id, sqlstate, message, date_since, date_tried, date_next)
        VALUES (%(job)s, %(sqlstate)s, %(message)s, {NOW}, {NOW}, {NOW} + make_interval(secs => {_FIRST_WAIT}))
        ON CONFLICT (job_id) DO UPDATE SET
            sqlstate = excluded.sqlstate, message = excluded.message, date_tried = excluded.date_tried,
            date_since = CASE WHEN {_is_over("trouble")} THEN excluded.date_since ELSE trouble.date_since END,
            date_next = excluded.date_tried + LEAST(
                make_interval(secs => {_LONGEST_WAIT}),
                GREATEST(
                    make_interval(secs => {_FIRST_WAIT}),
                    CASE WHEN NOT {_is_over("trouble")} THEN excluded.date_tried - trouble.date_since END
                )
            )
        """,
        {"job": job_id, "sqlstate": error.pgcode, "message": storable(str(error).strip(), ERROR)},
    )


def fail_troubled(cr: AnyCursor, others_changed: bool = False) -> int:
    """Set jobs to failed whose rows are refused for good; return their number.

    :param others_changed: whether another row could just be changed
    """
    cr.execute(
        f"""
        SELECT trouble.job_id, trouble.message FROM queue_job_trouble trouble JOIN queue_job job ON job.id = trouble.job_id
        WHERE trouble.date_next > {NOW} AND job.state NOT IN ('done', 'failed', 'cancelled') AND (
            trouble.date_tried - trouble.date_since >= make_interval(secs => {FAIL_SECONDS})
            OR %(others_changed)s AND left(trouble.sqlstate, 2) IN {_OF_THE_ROW} AND job.state IN ('pending', 'scheduled')
        )
        ORDER BY trouble.job_id LIMIT 100
        """,
        {"others_changed": others_changed},
    )
    failed = 0
    for job_id, message in cr.fetchall():
        try:
            failed += _fail(cr, job_id, message)
        except psycopg2.Error as error:
            if isinstance(error, PASSING):
                continue
            if not is_refusal(cr, error):
                raise
            _begin_again(cr, job_id, f"{message}\nNor can the job be set to failed: {error}")
    return failed


def _stored_key(column: str) -> str:
    """Return the expression for a key that an index can hold, as ``jobs/keys.py`` shortens it."""
    return (
        f"CASE WHEN length({column}) > 250 THEN left({column}, 186) || '#' || "
        f"encode(sha256(convert_to({column}, 'UTF8')), 'hex') ELSE {column} END"
    )


def _fail(cr: AnyCursor, job_id: int, message: str) -> int:
    """Set a job that nobody runs to failed, and record that.

    The condition that its trouble still holds is checked again under the lock of its row. Keys that
    are too long for an index may have been the reason. They are shortened.
    """
    with transaction(cr, BRIEFLY):
        cr.execute(
            f"""
            WITH failed AS (
                UPDATE queue_job job SET
                    state = 'failed', date_done = {NOW}, ready_seq = NULL, eta = NULL, worker_id = NULL, lease_token = NULL,
                    message = %(message)s, identity_key = {_stored_key("identity_key")},
                    concurrency_key = {_stored_key("concurrency_key")}, group_key = {_stored_key("group_key")}
                WHERE id = %(job)s AND state NOT IN ('done', 'failed', 'cancelled') AND {is_left_out("job")}
                RETURNING id, retry, date_started
            )
            INSERT INTO queue_job_attempt (job_id, number, date_started, date_ended, outcome, message)
            SELECT id, retry + 1, date_started, {NOW}, 'failed', %(message)s FROM failed
            """,
            {"job": job_id, "message": storable(f"PostgreSQL refuses to change the job's row: {message}")},
        )
        failed = cr.rowcount
        cr.execute("DELETE FROM queue_job_trouble WHERE job_id = %s", (job_id,))
    return failed


def _begin_again(cr: AnyCursor, job_id: int, message: str) -> None:
    cr.execute(
        f"""
        UPDATE queue_job_trouble SET message = %s, date_since = {NOW}, date_tried = {NOW},
            date_next = {NOW} + make_interval(secs => {_LONGEST_WAIT}), sqlstate = NULL
        WHERE job_id = %s
        """,
        (storable(message), job_id),
    )


def forget(cr: AnyCursor) -> None:
    """Delete the troubles that were not noted again for a while.

    These rows can be changed, or nobody tries.
    """
    cr.execute(f"DELETE FROM queue_job_trouble trouble WHERE {_is_over('trouble')} AND date_next < {NOW}")


def claim(cr: AnyCursor, job_id: int) -> str | None:
    """Return the error of PostgreSQL because of which a job cannot be claimed, or None."""
    cr.execute(
        f"SELECT message FROM queue_job_trouble WHERE job_id = %s AND date_next > {NOW} - make_interval(secs => {_FIRST_WAIT})",
        (job_id,),
    )
    row = cr.fetchone()
    return row and row[0]
