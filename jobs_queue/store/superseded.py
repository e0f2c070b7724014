"""Jobs whose work another job has done since: find them, and end them.

They have failed, or they wait for something outside (``waits_for``) that has come meanwhile. The
job that has done their work only finds them, in its own transaction. It must not write their rows:
it is REPEATABLE READ, and if somebody has just requeued one of them, PostgreSQL would refuse the
write and undo the work. They are ended after its commit, on a cursor of its own (:func:`end`).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from odoo.sql_db import BaseCursor

from ..texts import storable
from .sql import NOW, AnyCursor

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


class Superseded(NamedTuple):
    """A job whose work another one has done, as it was seen.

    :ivar kind: ``"job"``; another word for the rows of a further query, see :func:`find`
    :ivar key: by which it was found
    :ivar stamp: when it failed, or its eta: so one sees if it was run again meanwhile
    """

    kind: str
    id: int
    key: str
    stamp: datetime | None


def find(
    cr: AnyCursor,
    concurrency: tuple[Collection[str], Collection[str]],
    identity: tuple[Collection[str], Collection[str]],
    job_id: int | None,
    read_at: datetime | None = None,
    further: str = "",
    **values: Any,
) -> list[Superseded]:
    """Return the jobs that a running job supersedes.

    A job that failed after the running one began is left: it may have seen a newer state. So is one
    that failed after the data were read. It locks nothing, and sees what its transaction sees.

    Each state is compared by itself, as for a list of states PostgreSQL before version 17 may read
    all jobs of a key.

    :param concurrency: names of job functions, and concurrency keys as they are stored
    :param identity: names of job functions, and identity keys as they are stored
    :param job_id: the running job; None where no row stands for it
    :param read_at: when its data were read; None: after it began
    :param further: a further query, with the columns of :class:`Superseded`; it may use ``since``
    :param values: for it
    """
    columns = "SELECT 'job', id, {key}, {stamp} FROM since, queue_job job"
    failed = "job.state = 'failed' AND (since.time IS NULL OR job.date_done < since.time)"
    waits = "job.state = 'scheduled' AND job.waits_for IS NOT NULL AND job.id IS DISTINCT FROM %(job)s"
    of_function = "job.{key} = ANY(%({key}s)s) AND job.function = ANY(%({key}_functions)s)"
    parts = [
        f"{columns.format(key=key, stamp=stamp)} WHERE {of_function.format(key=key)} AND {condition}"
        for key, (_functions, keys) in (("concurrency_key", concurrency), ("identity_key", identity))
        if keys
        for stamp, condition in (("date_done", failed), ("eta", waits))
    ]
    cr.execute(
        f"""
        WITH since AS MATERIALIZED (
            SELECT LEAST((SELECT date_started FROM queue_job WHERE id = %(job)s), %(read_at)s::timestamp) AS time
        )
        {" UNION ALL ".join([*parts, *([further] if further else [])])}
        """,
        {
            "concurrency_keys": list(concurrency[1]),
            "concurrency_key_functions": list(concurrency[0]),
            "identity_keys": list(identity[1]),
            "identity_key_functions": list(identity[0]),
            "job": job_id,
            "read_at": read_at,
            **values,
        },
    )
    return [Superseded._make(row) for row in cr.fetchall()]


def payloads(cr: AnyCursor, ids: Iterable[int]) -> dict[int, str]:
    """Return the stored arguments of some jobs, by their ids."""
    cr.execute("SELECT id, payload FROM queue_job WHERE id = ANY(%s)", (list(ids),))
    return dict(cr.fetchall())


class Ended(NamedTuple):
    """What :func:`end` has done.

    :ivar ended: ids of the jobs that it has ended
    :ivar busy: ids of those that somebody has locked: perhaps they are just requeued
    """

    ended: list[int]
    busy: list[int]


def end(
    cr: BaseCursor,
    jobs: Mapping[int, datetime | None],
    by_id: int | None,
    message: str,
    state: Literal["done", "cancelled"] = "done",
) -> Ended:
    """End superseded jobs. What they said before is kept below the message.

    It is called after the commit of the job that supersedes them, on a READ COMMITTED cursor. The
    rows are locked before they are looked at, and nobody is waited for:

    - *Somebody requeues one, or has just done so.* If he has the lock, the job is busy, and a later
      call finds how that ended. If he had it before, the job is not failed any more, or has failed
      once more at another time: its stamp differs, and it is left.
    - *A worker runs one.* A job that runs has neither state. When it has failed again, its stamp
      differs.
    - *There is no deadlock*, as nothing is waited for.

    A job that is done lets those go on that wait for it, as if it had done its work itself: its
    work is done. See :func:`.actions.release_waiting`, which the caller calls after the commit.

    :param jobs: id to its stamp, see :class:`Superseded`; None: whenever it failed
    :param by_id: the job that has done their work, None if it was none
    :param message: for people
    """
    cr.execute(
        """
        SELECT id, CASE state WHEN 'failed' THEN date_done WHEN 'scheduled' THEN eta END, state, waits_for IS NOT NULL
        FROM queue_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
        """,
        (list(jobs),),
    )
    locked = {id_: (stamp, state_, waits) for id_, stamp, state_, waits in cr.fetchall()}
    same = [
        id_
        for id_, (stamp, its_state, waits) in locked.items()
        if (its_state == "failed" or (its_state == "scheduled" and waits)) and jobs[id_] in (None, stamp)
    ]
    cr.execute(
        f"""
        UPDATE queue_job
        SET state = %(state)s, date_done = {NOW}, ready_seq = NULL, children_released = NULL, done_by_id = %(by)s,
            message = %(message)s || COALESCE(E'\\n' || message, '')
        WHERE id = ANY(%(ids)s)
        """,
        {"state": state, "by": by_id, "message": storable(message), "ids": same},
    )
    cr.execute("SELECT id FROM queue_job WHERE id = ANY(%s)", ([id_ for id_ in jobs if id_ not in locked],))
    return Ended(same, [id_ for (id_,) in cr.fetchall()])
