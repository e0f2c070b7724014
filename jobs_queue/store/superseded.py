"""Jobs whose work another job has done since: they have failed, or wait for something outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from odoo.sql_db import BaseCursor

from ..texts import storable
from .sql import NOW

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


class Ended(NamedTuple):
    """What :func:`end` has done.

    :ivar ended: ids of the jobs that it has ended
    :ivar busy: ids of those that somebody has locked: perhaps they are just requeued
    """

    ended: list[int]
    busy: list[int]


def end(
    cr: BaseCursor,
    jobs: Mapping[int, datetime],
    by_id: int | None,
    message: str,
    state: Literal["done", "cancelled"] = "done",
) -> Ended:
    """End superseded jobs. What they said before is kept below the message.

    It is called after the commit of the job that has done their work, on a READ COMMITTED cursor.
    That job itself must not write their rows: it is REPEATABLE READ, and if somebody has just
    requeued one of them, PostgreSQL would refuse the write and undo its work. The rows are locked
    before they are looked at, and nobody is waited for:

    - *Somebody requeues one.* If he has the lock, the job is busy, and a later call finds how that
      has ended. If he had it before, the job is neither failed nor waiting any more, or it has run
      since: it is left. If he comes later, he waits, and then requeues a job that is done.
    - *A worker runs one.* Such a job has neither state. If it fails once more, it has run since.
    - *There is no deadlock*, as nothing is waited for.

    The jobs that wait for such a job go on as if it had done its work itself, as its work is done.
    If they stayed, nobody would ever release them: nobody requeues a job that is done. The caller
    releases them after the commit, see :func:`.actions.release_waiting`.

    :param jobs: id to a time: a job that has begun a run after it is left
    :param by_id: the job that has done their work, None if it was none
    :param message: for people
    :param state: in which they end
    """
    cr.execute(
        """
        SELECT id, date_started, state = 'failed' OR (state = 'scheduled' AND waits_for IS NOT NULL)
        FROM queue_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
        """,
        (list(jobs),),
    )
    locked = {id_: is_open and (began is None or began <= jobs[id_]) for id_, began, is_open in cr.fetchall()}
    ended = [id_ for id_, is_open in locked.items() if is_open]
    cr.execute(
        f"""
        UPDATE queue_job
        SET state = %(state)s, date_done = {NOW}, ready_seq = NULL, children_released = NULL, done_by_id = %(by)s,
            message = %(message)s || COALESCE(E'\\n' || message, '')
        WHERE id = ANY(%(ids)s)
        """,
        {"state": state, "by": by_id, "message": storable(message), "ids": ended},
    )
    cr.execute("SELECT id FROM queue_job WHERE id = ANY(%s)", ([id_ for id_ in jobs if id_ not in locked],))
    return Ended(ended, [id_ for (id_,) in cr.fetchall()])
