"""Buffer of the jobs that a transaction has delayed and not yet stored.

One INSERT stores them at the cursor's flush: at the end of the transaction, where a savepoint
begins or ends, and before ``queue.job`` is read. When very many jobs are delayed, they are stored
page by page, so the memory of one page is enough. A rollback forgets the jobs that were delayed
since; this holds for a rollback to a savepoint too.

Odoo's precommit hooks do this for all but one kind of savepoint. Savepoints that do not flush
(``cr.savepoint(flush=False)``) store nothing before they begin, and forget nothing when they are
rolled back. So the buffer follows all savepoints. Where no job was delayed, this costs two
dictionary look-ups for each savepoint.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from odoo.api import Environment
from odoo.sql_db import BaseCursor

from .. import store
from ..savepoint import follow_savepoints
from ..store import wakeup
from .parents import StoredParent
from .record_number import look_up_names
from .trap import trap

if TYPE_CHECKING:
    from .handle import Job

_KEY = "jobs_queue.buffer"

_SIZE = "jobs_queue.buffer.size"

#: The buffer is flushed when it holds this many jobs, or this many characters of arguments. The job
#: that reaches the second limit is stored with the others.
PAGE = 10_000
PAGE_SIZE = 16_000_000


def add(env: Environment, job: Job) -> None:
    """Keep a job until the next flush; the workers are woken after the commit."""
    cr = env.cr
    if trap(cr, job):
        job.is_delayed = True
        return
    jobs = cr.precommit.data.get(_KEY)
    if jobs is None:
        jobs = cr.precommit.data[_KEY] = []
        cr.precommit.add(functools.partial(flush, cr))
        wakeup.after_commit(cr)
    job.is_delayed = True
    jobs.append(job)
    size = cr.precommit.data[_SIZE] = cr.precommit.data.get(_SIZE, 0) + len(job.payload)
    if len(jobs) >= PAGE or size >= PAGE_SIZE:
        flush(cr)


def flush(cr: BaseCursor) -> None:
    """Store the jobs that the cursor's transaction has delayed so far."""
    data = cr.precommit.data
    # removed first: the flushes while they are stored must not find them again, and the next job
    # must register the hook again
    jobs, size = data.pop(_KEY, None), data.pop(_SIZE, 0)
    if not jobs:
        return
    try:
        _store(jobs)
    except BaseException:
        # for a caller that catches the error and goes on
        data[_KEY] = jobs + data.get(_KEY, [])
        data[_SIZE] = size + data.get(_SIZE, 0)
        cr.precommit.add(functools.partial(flush, cr))
        raise


def _store(jobs: list[Job]) -> None:
    cr = jobs[0].env.cr
    model = jobs[0].env["queue.job"]
    look_up_names(jobs)
    rows: list[dict[str, Any]] = []
    extra: dict[str, None] = {}
    for job in jobs:
        row = job.column_values()
        if values := model._prepare_job_values(job):
            extra.update(dict.fromkeys(values))
            row.update(values)
        rows.append(row)
    columns = [(name, model._fields[name].column_type[1]) for name in extra]
    for job, id_ in zip(jobs, store.insert.insert_jobs(cr, rows, columns), strict=True):
        job.stored_as(id_)
    edges = [
        store.dependencies.Edge(parent.id, job.id, on_failure, isinstance(parent, StoredParent))
        for job in jobs
        for parent, on_failure in job.parents.items()
    ]
    if edges:
        store.dependencies.insert(cr, edges)
        if unchecked := {edge.child_id for edge in edges if edge.is_unchecked}:
            store.dependencies.release_after_commit(jobs[0].env, unchecked)


def _forget(cr: BaseCursor, _begun: object) -> None:
    cr.precommit.data.pop(_KEY, None)
    cr.precommit.data.pop(_SIZE, None)


follow_savepoints(flush, _forget)
