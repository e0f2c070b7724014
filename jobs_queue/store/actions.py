"""The actions of people on jobs: requeue, set to done, cancel."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from psycopg2.errors import LockNotAvailable

from odoo.sql_db import BaseCursor

from ..texts import NAME, storable
from .dependencies import hold_back, lock_with_parents, release_children
from .keys import release_keys
from .sql import BRIEFLY, NOW, RUNNABLE

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection


class _Ended(NamedTuple):
    id: int
    graph_uuid: str | None
    identity_key: str | None
    concurrency_key: str | None


# Buttons: on a cursor of their own, guarded by the states from which the change is possible; they return how many jobs changed. A job that
# is leased is not touched, except that one that has not started may be cancelled: its worker then finds the lease gone.


def count_by_state(cr: BaseCursor, ids: Iterable[int]) -> dict[str, int]:
    """Return ``{state: number}`` of jobs; the first statement of a change, which from here on waits for no lock for long.

    :raise LockNotAvailable: by what follows; see :func:`unlocked`
    """
    cr.execute(f"{BRIEFLY} SELECT state, count(*) FROM queue_job WHERE id = ANY(%s) GROUP BY state", (list(ids),))
    return dict(cr.fetchall())


def unlocked(cr: BaseCursor, ids: Iterable[int]) -> list[int]:
    """Return which of these jobs nobody has locked just now."""
    cr.execute(
        f"{BRIEFLY} SELECT id FROM queue_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED", (list(ids),)
    )
    return [id_ for (id_,) in cr.fetchall()]


def requeue(
    cr: BaseCursor, ids: Collection[int], states: Iterable[str] = ("failed", "cancelled", "done", "scheduled")
) -> int:
    """Make ended and scheduled jobs runnable now, with all their tries; those that have parents wait for them first."""
    cr.execute(
        """
        DELETE FROM queue_job_cancellation USING queue_job job
        WHERE job_id = job.id AND job.id = ANY(%s) AND job.state <> 'started'
        """,
        (list(ids),),
    )
    lock_with_parents(cr, ids)
    changed = _change(cr, ids, states, f"{RUNNABLE}, retry = 0, message = NULL, result = NULL")
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
    """Let the jobs run that wait for the end of these, after that end was committed; of more than ``limit`` jobs the sweep does the rest.

    A transaction for each release, for the reason of :func:`release_forgotten_children`; so the cursor is the caller's own. None waits long
    for a lock: what somebody holds locked is left to the sweep, too.
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
            _release(cr, release_keys, job)


def _release(cr: BaseCursor, release: Callable[[BaseCursor, Any], object], ended: object) -> None:
    try:
        cr.execute(BRIEFLY)
        release(cr, ended)
    except LockNotAvailable:
        cr.rollback()
    else:
        cr.commit()  # pylint: disable=invalid-commit


def request_cancellation(cr: BaseCursor, ids: Iterable[int], who: str) -> int:
    """Ask the workers that run these jobs to stop them; return how many are asked.

    A row beside the job: its own row belongs to the job while it runs. A request for a job that has just ended has no effect on it; the
    requests of an earlier run are forgotten when a job is requeued.
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
    # locked in the order of their ids, so that two such calls cannot wait for each other; and not in a subquery of the update: while
    # PostgreSQL takes the table for empty it would join it to that job by job, 20,000 times 2,000 rows
    cr.execute(
        "SELECT id FROM queue_job WHERE id = ANY(%s) AND state = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        (list(ids), list(states)),
    )
    chosen = [id_ for (id_,) in cr.fetchall()]
    cr.execute(f"UPDATE queue_job SET {assignments} WHERE id = ANY(%(chosen)s)", {**values, "chosen": chosen})
    return cr.rowcount


def delete_ended(cr: BaseCursor, days: float, limit: int = 10000) -> tuple[int, bool]:
    """Delete done and cancelled jobs that ended more than so many days ago, with their attempts; not those for which other jobs wait.

    :return: ``(number of deleted jobs, whether there may be more)``
    """
    cr.execute(
        f"""
        WITH old AS (
            SELECT id FROM queue_job
            WHERE state IN ('done', 'cancelled') AND date_done < {NOW} - %(days)s * interval '1 day'
              AND NOT EXISTS (
                    -- looked up edge by edge, as in graph.py
                    SELECT FROM queue_job_dependency edge
                    WHERE edge.parent_id = queue_job.id
                      AND (SELECT state FROM queue_job child WHERE child.id = edge.child_id) NOT IN ('done', 'cancelled')
                    OFFSET 0
              )
            ORDER BY id LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED
        ),
        attempts AS (DELETE FROM queue_job_attempt USING old WHERE job_id = old.id),
        labels AS (DELETE FROM queue_job_label label USING old WHERE label.id = old.id),
        troubles AS (DELETE FROM queue_job_trouble USING old WHERE job_id = old.id),
        progress AS (DELETE FROM queue_job_progress USING old WHERE job_id = old.id),
        cancellations AS (DELETE FROM queue_job_cancellation USING old WHERE job_id = old.id),
        edges AS (DELETE FROM queue_job_dependency USING old WHERE child_id = old.id)
        DELETE FROM queue_job USING old WHERE queue_job.id = old.id
        """,
        {"days": days, "limit": limit},
    )
    return cr.rowcount, cr.rowcount == limit
