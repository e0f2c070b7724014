"""Jobs that wait for other jobs: storing who waits for whom, and letting those run whose parents have ended.

A job with parents is stored as ``wait_dependencies``, outside the ready index. Its edges say for whom it waits. A parent that ends
lets its children go (:func:`release_children`), in a statement of its own that begins after the commit of that end:

- *No child is forgotten.* Of two parents that end at the same time, the statement that begins last sees both ends, and frees the child.
- *No child is freed twice.* The row is locked and its state looked at again; the second of two statements finds it running already.
- *A worker may die in between.* ``children_released`` of the parent is then still empty. A partial index holds exactly the ended parents
  of which that is true, and any worker repeats the release (:func:`release_forgotten_children`). The mark and the release are one
  transaction: lost together or kept together, so it need not wait for the disk. Whatever makes an ended job run again, or sets it to
  done, empties the mark.
- *Nobody waits for each other in a circle.* All lock rows in the order of their ids, and a parent has a smaller id than its child.
"""

from collections.abc import Collection, Iterable

from odoo.sql_db import BaseCursor

from .sql import NOW, UNHURRIED, AnyCursor
from .trouble import IS_LEFT_OUT, each

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection

_ENDED = "('done', 'failed', 'cancelled')"

# Whether a job still waits for one of its parents. An edge is satisfied by a parent that is done, or by any end of it where the edge says
# "continue". Looked up job by job (OFFSET 0) and edge by edge, each by an index: of a join, PostgreSQL makes one that reads the whole table
# of jobs for each of them, while it takes that for empty, as after a drain.
_WAITS = """
    EXISTS (
        SELECT FROM queue_job_dependency edge
        WHERE edge.child_id = job.id AND (SELECT state FROM queue_job parent WHERE parent.id = edge.parent_id) <> ALL (
            CASE edge.on_failure WHEN 'continue' THEN ARRAY['done', 'failed', 'cancelled'] ELSE ARRAY['done'] END
        )
        OFFSET 0
    )
"""


def insert_edges(cr: BaseCursor, edges: Iterable[tuple[int, int, str]]) -> None:
    """Store who waits for whom, in the transaction that has just inserted these jobs, where nobody else sees them yet.

    :param edges: ``(parent id, child id, on_failure)`` of each; at least one
    """
    parents, children, policies = zip(*edges, strict=True)
    cr.execute(
        """
        INSERT INTO queue_job_dependency (parent_id, child_id, on_failure)
        SELECT * FROM unnest(%s::int[], %s::int[], %s::varchar[])
        """,
        (list(parents), list(children), list(policies)),
    )


def release_children(cr: AnyCursor, ids: Iterable[int]) -> int:
    """Let the children of ended jobs run that wait for nothing else; return how many. Called after those ends were committed.

    The parents are locked before their children are looked at: a requeue of them (:func:`lock_with_parents`) comes before, and then they
    have not ended any more, or after, and then it finds the children released.
    """
    cr.execute(
        f"""
        WITH {UNHURRIED},
        ended AS (
            SELECT job.id FROM unhurried, queue_job job
            WHERE job.id = ANY(%(ids)s) AND job.state IN {_ENDED} AND job.children_released IS NULL
            ORDER BY job.id
            FOR NO KEY UPDATE OF job
        ),
        marked AS (
            UPDATE queue_job job SET children_released = true FROM ended WHERE job.id = ended.id
        ),
        free AS (
            SELECT job.id FROM queue_job job
            WHERE job.id IN (SELECT edge.child_id FROM queue_job_dependency edge JOIN ended ON ended.id = edge.parent_id)
              AND job.state = 'wait_dependencies' AND job.is_parked IS NOT TRUE AND NOT {_WAITS}
            ORDER BY job.id
            FOR NO KEY UPDATE OF job
        )
        UPDATE queue_job job SET
            state = CASE WHEN eta > {NOW} THEN 'scheduled' ELSE 'pending' END,
            ready_seq = CASE WHEN eta > {NOW} THEN NULL ELSE nextval('queue_job_ready_seq') END
        FROM free WHERE job.id = free.id
        """,
        {"ids": list(ids)},
    )
    return cr.rowcount


def release_forgotten_children(cr: AnyCursor) -> int:
    """Release the children of ended jobs where that was not done: their worker died before, or it was no worker that ended them.

    One parent a statement: of several, the second could have to wait for somebody who waits for a child of the first.
    """
    cr.execute(
        f"""
        SELECT id FROM queue_job job
        WHERE graph_uuid IS NOT NULL AND children_released IS NULL AND state IN {_ENDED} AND NOT {IS_LEFT_OUT}
        ORDER BY id LIMIT 100
        """
    )
    return each(cr, [id_ for (id_,) in cr.fetchall()], lambda id_: release_children(cr, [id_]))


def lock_with_parents(cr: BaseCursor, ids: Collection[int]) -> None:
    """Lock jobs and their parents until the end of the transaction.

    The next statement then sees in which states the parents are and stay: one that runs cannot end before, as its completion needs the
    lock; and when it has ended, its release finds these jobs as this transaction left them.

    One list of ids and not an OR, for which PostgreSQL would read the whole table; nor a subquery, to which it would join the whole table
    job by job while it takes it for empty, as after a drain.
    """
    cr.execute("SELECT DISTINCT parent_id FROM queue_job_dependency WHERE child_id = ANY(%s)", (list(ids),))
    parents = [parent_id for (parent_id,) in cr.fetchall()]
    cr.execute("SELECT FROM queue_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", ([*ids, *parents],))


def hold_back(cr: BaseCursor, ids: Iterable[int]) -> None:
    """Let those of these runnable jobs wait whose parents have not ended; they are locked, with their parents."""
    cr.execute(
        f"UPDATE queue_job job SET state = 'wait_dependencies', ready_seq = NULL WHERE id = ANY(%s) AND state = 'pending' AND {_WAITS}",
        (list(ids),),
    )


def parent_results(cr: BaseCursor, job_id: int) -> list[tuple[str, str | None]]:
    """Return ``[(function, result)]`` of a job's parents in the order in which they were named; the result as JSON or None."""
    cr.execute(
        """
        SELECT parent.function, CASE WHEN parent.state = 'done' THEN parent.result END
        FROM queue_job_dependency edge JOIN queue_job parent ON parent.id = edge.parent_id
        WHERE edge.child_id = %s
        ORDER BY edge.id
        """,
        (job_id,),
    )
    return cr.fetchall()
