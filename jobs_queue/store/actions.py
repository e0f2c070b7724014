"""Actions on jobs: requeue, set to done, cancel, request a cancellation, delete old jobs."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from psycopg2.errors import LockNotAvailable

from odoo.sql_db import BaseCursor

from ..texts import NAME, storable
from . import keys
from .dependencies import hold_back, lock_with_parents, release_children
from .sql import BRIEFLY, NOW, RUNNABLE

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


# Edges and children are looked up one by one, as in dependencies.py
_IS_AWAITED_BY_NONE = """
    NOT EXISTS (
        SELECT FROM queue_job_dependency edge
        WHERE edge.parent_id = queue_job.id
          AND (SELECT state FROM queue_job child WHERE child.id = edge.child_id) NOT IN ('done', 'cancelled')
        OFFSET 0
    )
"""


class _Ended(NamedTuple):
    id: int
    graph_uuid: str | None
    identity_key: str | None
    concurrency_key: str | None


# Buttons call these functions on a cursor of their own. A function changes only jobs in the states
# that allow the change, and returns the number of changed jobs. A leased job is not touched, with
# one exception: a job that has not started may be cancelled. Its worker then finds the lease gone.


def count_by_state(cr: BaseCursor, ids: Iterable[int]) -> dict[str, int]:
    """Return ``{state: number}`` of some jobs, and limit how long the transaction waits for locks.

    It is the first statement of a change. After it, the transaction waits only briefly for a lock.

    :raise LockNotAvailable: raised by the statements that follow; see :func:`unlocked`
    """
    cr.execute(f"{BRIEFLY} SELECT state, count(*) FROM queue_job WHERE id = ANY(%s) GROUP BY state", (list(ids),))
    return dict(cr.fetchall())


def unlocked(cr: BaseCursor, ids: Iterable[int]) -> list[int]:
    """Return the ids of the given jobs that nobody has locked at the moment."""
    cr.execute(
        f"{BRIEFLY} SELECT id FROM queue_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED", (list(ids),)
    )
    return [id_ for (id_,) in cr.fetchall()]


def requeue(
    cr: BaseCursor, ids: Collection[int], states: Iterable[str] = ("failed", "cancelled", "done", "scheduled")
) -> int:
    """Make ended and scheduled jobs runnable now, with all their tries.

    A job that has parents waits for them first.
    """
    cr.execute(
        """
        DELETE FROM queue_job_cancellation USING queue_job job
        WHERE job_id = job.id AND job.id = ANY(%s) AND job.state <> 'started'
        """,
        (list(ids),),
    )
    lock_with_parents(cr, ids)
    forgotten = "message = NULL, result = NULL, done_by_id = NULL, waits_for = NULL, waits_since = NULL"
    changed = _change(cr, ids, states, f"{RUNNABLE}, retry = 0, {forgotten}")
    hold_back(cr, ids)
    return changed


def set_done(cr: BaseCursor, ids: Iterable[int], message: str) -> int:
    """Set jobs to done without running them."""
    states = ("failed", "cancelled", "pending", "scheduled", "wait_dependencies")
    return _change(
        cr,
        ids,
        states,
        f"state = 'done', date_done = {NOW}, ready_seq = NULL, children_released = NULL, message = %(message)s",
        message=storable(message),
    )


def cancel(
    cr: BaseCursor,
    ids: Iterable[int],
    message: str,
    states: Iterable[str] = ("failed", "pending", "enqueued", "scheduled", "wait_dependencies"),
) -> int:
    """Cancel jobs that have not started."""
    assignments = f"state = 'cancelled', date_done = {NOW}, worker_id = NULL, lease_token = NULL, ready_seq = NULL, message = %(message)s"
    return _change(cr, ids, states, assignments, message=storable(message))


def release_waiting(cr: BaseCursor, ids: Iterable[int], limit: int = 100) -> None:
    """Release the jobs that wait for the end of these jobs, after that end was committed.

    If more than ``limit`` jobs have ended, the housekeeping of the workers does the rest. Each
    release is a transaction of its own, for the reason given in
    :func:`.dependencies.release_forgotten`. So the cursor must be the caller's own: it is committed
    here. No release waits long for a lock. If somebody holds the lock, that release is left to the
    housekeeping, too.
    """
    cr.execute(
        """
        SELECT id, graph_uuid, identity_key, concurrency_key FROM queue_job
        WHERE id = ANY(%s) AND state IN ('done', 'cancelled') AND COALESCE(graph_uuid, identity_key, concurrency_key) IS NOT NULL
        ORDER BY id LIMIT %s
        """,
        (list(ids), limit),
    )
    for job in [_Ended._make(row) for row in cr.fetchall()]:
        if job.graph_uuid:
            _release(cr, release_children, [job.id])
        if job.identity_key or job.concurrency_key:
            _release(cr, keys.release, job)


def _release(cr: BaseCursor, release: Callable[[BaseCursor, Any], object], ended: object) -> None:
    try:
        cr.execute(BRIEFLY)
        release(cr, ended)
    except LockNotAvailable:
        cr.rollback()
    else:
        cr.commit()  # pylint: disable=invalid-commit


def request_cancellation(cr: BaseCursor, ids: Iterable[int], who: str) -> int:
    """Ask the workers that run these jobs to stop them; return the number of new requests.

    A request is a row beside the job's row: the job's own row belongs to the job while it runs. A
    request for a job that has just ended has no effect on it. When a job is requeued, the requests
    of its earlier run are deleted.
    """
    cr.execute(
        """
        INSERT INTO queue_job_cancellation (job_id, who)
        SELECT id, %s FROM queue_job WHERE id = ANY(%s) AND state = 'started'
        ON CONFLICT (job_id) DO NOTHING
        """,
        (storable(who, NAME), list(ids)),
    )
    return cr.rowcount


def _change(cr: BaseCursor, ids: Iterable[int], states: Iterable[str], assignments: str, **values: object) -> int:
    # The rows are locked in the order of their ids, so that two such calls cannot wait for each
    # other. The SELECT is not a subquery of the UPDATE: while PostgreSQL takes the table for empty,
    # it would join the subquery to the table job by job, 20,000 times 2,000 rows
    cr.execute(
        "SELECT id FROM queue_job WHERE id = ANY(%s) AND state = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        (list(ids), list(states)),
    )
    chosen = [id_ for (id_,) in cr.fetchall()]
    cr.execute(f"UPDATE queue_job SET {assignments} WHERE id = ANY(%(chosen)s)", {**values, "chosen": chosen})
    return cr.rowcount


def delete_ended(cr: BaseCursor, days: float, limit: int = 10000) -> tuple[int, bool]:
    """Delete done and cancelled jobs that ended more than ``days`` days ago, with their attempts.

    Jobs for which other jobs wait are kept. They are looked for once the old jobs are locked: a job
    that was delayed meanwhile to wait for one of them is seen, or it finds the old job gone, see
    :mod:`.dependencies`.

    :return: ``(number of deleted jobs, whether there may be more)``
    """
    cr.execute(
        f"""
        SELECT id FROM queue_job
        WHERE state IN ('done', 'cancelled') AND date_done < {NOW} - %s * interval '1 day' AND {_IS_AWAITED_BY_NONE}
        ORDER BY id LIMIT %s
        FOR UPDATE SKIP LOCKED
        """,
        (days, limit),
    )
    ids = [id_ for (id_,) in cr.fetchall()]
    cr.execute(
        f"""
        WITH old AS (SELECT id FROM queue_job WHERE id = ANY(%s) AND {_IS_AWAITED_BY_NONE}),
        attempts AS (DELETE FROM queue_job_attempt USING old WHERE job_id = old.id),
        labels AS (DELETE FROM queue_job_label label USING old WHERE label.id = old.id),
        troubles AS (DELETE FROM queue_job_trouble USING old WHERE job_id = old.id),
        progress AS (DELETE FROM queue_job_progress USING old WHERE job_id = old.id),
        cancellations AS (DELETE FROM queue_job_cancellation USING old WHERE job_id = old.id),
        edges AS (DELETE FROM queue_job_dependency USING old WHERE child_id = old.id)
        DELETE FROM queue_job USING old WHERE queue_job.id = old.id
        """,
        (ids,),
    )
    return cr.rowcount, len(ids) == limit
