"""Dependencies between jobs: store which job waits for which, and release the children.

A job with parents is stored as ``wait_dependencies``, outside the ready index. Its edges say for
which jobs it waits. The end of a parent releases its children (:func:`release_children`), in a
statement of its own that begins after the commit of that end:

- *No child is forgotten.* If two parents end at the same time, the statement that begins last sees
  both ends, and releases the child.
- *No child is released twice.* The row is locked and its state is checked again. The second of two
  statements finds the child released already.
- *A worker may die in between.* Then ``children_released`` of the parent is still empty. A partial
  index contains exactly the ended parents where this is so, and any worker repeats the release
  (:func:`release_forgotten`). The mark and the release are one transaction. They are lost
  together or kept together, so the commit need not wait for the disk. Whatever makes an ended job
  run again, or sets it to done, clears the mark.
- *There is no deadlock.* All statements lock rows in the order of their ids, and a parent has a
  smaller id than its child.

A new job may wait for one that was stored before. The transaction that delays it locks no parent:
it is REPEATABLE READ, and to lock the row of a job that has ended meanwhile would raise an error
and undo its work. So a parent may end, and release its children, before anybody can see the edge.
Such an edge is stored with a mark, ``is_unchecked``. After its commit it is checked
(:func:`release_unchecked`). One transaction locks the child and its parents, then releases the
child if it waits for nothing, then clears the mark.

- *No child is forgotten.* Take the last of these commits: that of the edges, and the ends of the
  parents. If it is that of the edges, the check begins later and sees all ends. If it is the end of
  a parent, the release of that parent begins later, and sees the edges and the other ends.
- *The process may die before the check.* Then the mark is still there. A partial index contains
  exactly these edges, and any worker does the check (:func:`release_all_unchecked`). The mark and
  the release are one transaction here, too.
- *No child is released too early, or twice.* All rows are locked before their states are read. So a
  requeue of the child or of a parent comes before or after: if before, the check sees it; if after,
  it finds the child released.
- *A parent may be deleted.* Then nobody waits for it. The clean-up of old jobs locks a job before
  it looks for children (:func:`.actions.delete_ended`). If the check had the lock first, the
  clean-up sees the edge and keeps the parent. If the clean-up had it first, the check waits for the
  lock and finds the parent gone.
- *There is no deadlock.* One statement locks all jobs in the order of their ids. After it, the
  check changes only edges of the children that it has locked, so nobody else changes these. A job
  that was stored before another one has the smaller id.
"""

import logging
from collections.abc import Collection, Iterable
from typing import NamedTuple

import psycopg2

from odoo.api import Environment
from odoo.sql_db import BaseCursor

from . import wakeup
from .sql import BRIEFLY, NOW, UNHURRIED, AnyCursor, own_cursor, transaction
from .trouble import LEFT_OUT, each, is_left_out

_logger = logging.getLogger(__name__)

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection

_ENDED = "('done', 'failed', 'cancelled')"

_RELEASED = f"""
    state = CASE WHEN eta > {NOW} THEN 'scheduled' ELSE 'pending' END,
    ready_seq = CASE WHEN eta > {NOW} THEN NULL ELSE nextval('queue_job_ready_seq') END
"""

_KEY = "jobs_queue.unchecked"


class Edge(NamedTuple):
    """A job waits for another one.

    :param on_failure: ``stop`` or ``continue``
    :param is_unchecked: whether the parent may end before the edge is committed
    """

    parent_id: int
    child_id: int
    on_failure: str
    is_unchecked: bool


def _waits(alias: str) -> str:
    """Return the condition that a job still waits for one of its parents.

    An edge is satisfied by a parent that is done. If the edge says "continue", any end of the
    parent satisfies it. Jobs (OFFSET 0) and edges are looked up one by one, each by an index. While
    PostgreSQL takes the table of jobs for empty, as after a drain, it would carry out a join by
    reading the whole table for each job.
    """
    return f"""
    EXISTS (
        SELECT FROM queue_job_dependency edge
        WHERE edge.child_id = {alias}.id AND (SELECT state FROM queue_job parent WHERE parent.id = edge.parent_id) <> ALL (
            CASE edge.on_failure WHEN 'continue' THEN ARRAY['done', 'failed', 'cancelled'] ELSE ARRAY['done'] END
        )
        OFFSET 0
    )
"""


def graphs_of(cr: BaseCursor, ids: Iterable[int]) -> dict[int, str | None]:
    """Return ``{id: uuid of its graph, or None}`` of the jobs that exist."""
    cr.execute("SELECT id, graph_uuid FROM queue_job WHERE id = ANY(%s)", (list(ids),))
    return dict(cr.fetchall())


def insert(cr: BaseCursor, edges: Iterable[Edge]) -> None:
    """Store which job waits for which, in the transaction that has just inserted the jobs.

    Nobody else sees the children yet.

    :param edges: at least one
    """
    cr.execute(
        """
        INSERT INTO queue_job_dependency (parent_id, child_id, on_failure, is_unchecked)
        SELECT * FROM unnest(%s::int[], %s::int[], %s::varchar[], %s::boolean[])
        """,
        [list(column) for column in zip(*edges, strict=True)],
    )


def release_children(cr: AnyCursor, ids: Iterable[int]) -> int:
    """Release the children of ended jobs that wait for nothing else; return their number.

    It is called after the ends were committed. The parents are locked before their children are
    read. So a requeue of the parents (:func:`lock_with_parents`) comes before or after. If before,
    the parents are no longer ended. If after, it finds the children released.
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
              AND job.state = 'wait_dependencies' AND job.is_parked IS NOT TRUE AND NOT {_waits("job")}
            ORDER BY job.id
            FOR NO KEY UPDATE OF job
        )
        UPDATE queue_job job SET {_RELEASED} FROM free WHERE job.id = free.id
        """,
        {"ids": list(ids)},
    )
    return cr.rowcount


def release_after_commit(env: Environment, ids: Iterable[int]) -> None:
    """Check jobs with unchecked edges once the transaction is committed.

    This only makes things faster: workers look for such edges by themselves.
    """
    cr = env.cr
    if _KEY not in cr.postcommit.data:
        cr.postcommit.data[_KEY] = set()
        cr.postcommit.add(lambda: _release_apart(env, cr.postcommit.data.pop(_KEY)))
    cr.postcommit.data[_KEY].update(ids)


def _release_apart(env: Environment, ids: Iterable[int]) -> None:
    try:
        with own_cursor(env) as cr:
            release_unchecked(cr, ids)
    except psycopg2.Error:
        _logger.info("Jobs of %s that wait for stored ones are checked later", env.cr.dbname, exc_info=True)
    # even if none was released: claims have passed over the parents while these were locked
    wakeup.wake(env.cr.dbname)


def release_unchecked(cr: AnyCursor, ids: Iterable[int]) -> int:
    """Check jobs with unchecked edges: release those that wait for nothing; return their number.

    It is called after the commit of the edges, on a READ COMMITTED cursor. The mark and the release
    are lost together or kept together, so the commit need not wait for the disk.
    """
    ids = list(ids)
    with transaction(cr):
        cr.execute(f"{BRIEFLY} SET LOCAL synchronous_commit = off")
        lock_with_parents(cr, ids)
        cr.execute(
            f"""
            UPDATE queue_job job SET {_RELEASED}
            WHERE id = ANY(%s) AND state = 'wait_dependencies' AND is_parked IS NOT TRUE AND NOT {_waits("job")}
            """,
            (ids,),
        )
        released = cr.rowcount
        cr.execute(
            "UPDATE queue_job_dependency SET is_unchecked = NULL WHERE child_id = ANY(%s) AND is_unchecked", (ids,)
        )
    return released


def release_all_unchecked(cr: AnyCursor) -> int:
    """Check the edges that nobody has checked yet; return the number of released jobs.

    The process that delayed the jobs died before it did this.
    """
    cr.execute(
        f"""
        SELECT child_id FROM (
            SELECT DISTINCT child_id FROM queue_job_dependency WHERE is_unchecked AND child_id <> ALL ({LEFT_OUT})
        ) AS unchecked
        ORDER BY random() LIMIT 100
        """
    )
    return each(cr, [id_ for (id_,) in cr.fetchall()], lambda id_: release_unchecked(cr, [id_]))


def release_forgotten(cr: AnyCursor) -> int:
    """Release the children of ended jobs where that was not done; return their number.

    The worker died before the release, or it was no worker that ended the jobs. Each parent has a
    statement of its own. With several parents in one statement, the second could have to wait for
    somebody who waits for a child of the first.
    """
    cr.execute(
        f"""
        SELECT id FROM queue_job job
        WHERE graph_uuid IS NOT NULL AND children_released IS NULL AND state IN {_ENDED} AND NOT {is_left_out("job")}
        ORDER BY id LIMIT 100
        """
    )
    return each(cr, [id_ for (id_,) in cr.fetchall()], lambda id_: release_children(cr, [id_]))


def lock_with_parents(cr: BaseCursor, ids: Collection[int]) -> None:
    """Lock jobs and their parents until the end of the transaction.

    The next statement then sees the states of the parents, and these states stay. A running parent
    cannot end before this transaction, as its completion needs the lock. When it has ended, its
    release finds these jobs as this transaction left them.

    The last statement has one list of ids and no OR: for an OR PostgreSQL would read the whole
    table. It has no subquery either: while PostgreSQL takes the table for empty, as after a drain,
    it would join the whole table to the subquery job by job.
    """
    cr.execute("SELECT DISTINCT parent_id FROM queue_job_dependency WHERE child_id = ANY(%s)", (list(ids),))
    parents = [parent_id for (parent_id,) in cr.fetchall()]
    cr.execute("SELECT FROM queue_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", ([*ids, *parents],))


def hold_back(cr: BaseCursor, ids: Iterable[int]) -> None:
    """Let the runnable jobs wait whose parents have not ended.

    The jobs and their parents are locked.
    """
    cr.execute(
        f"""
        UPDATE queue_job job SET state = 'wait_dependencies', ready_seq = NULL
        WHERE id = ANY(%s) AND state = 'pending' AND {_waits("job")}
        """,
        (list(ids),),
    )


def parent_results(cr: BaseCursor, job_id: int) -> list[tuple[str | None, str | None]]:
    """Return ``[(function, result)]`` of a job's parents, in the order in which they were named.

    The result is JSON or None. Both are None if the parent was deleted.
    """
    cr.execute(
        """
        SELECT parent.function, CASE WHEN parent.state = 'done' THEN parent.result END
        FROM queue_job_dependency edge LEFT JOIN queue_job parent ON parent.id = edge.parent_id
        WHERE edge.child_id = %s
        ORDER BY edge.id
        """,
        (job_id,),
    )
    return cr.fetchall()
