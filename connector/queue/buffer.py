"""The jobs that a transaction has delayed and not yet stored.

They become rows by one INSERT with the cursor's flush: at the end of the transaction, at the borders of a savepoint, before ``queue.job``
is read. A rollback, also one to a flushing savepoint, forgets what was delayed since; both are what Odoo does with its precommit hooks.
A savepoint without flush forgets nothing, so inside of one a job is stored at once and goes with the savepoint.
"""

import functools

from odoo.sql_db import BaseCursor, Savepoint

from . import store, wakeup

_KEY = "connector.queue.buffer"


def add(env, job):
    """Keep a job until the next flush, and wake the workers after the commit."""
    cr = env.cr
    jobs = cr.precommit.data.get(_KEY)
    if jobs is None:
        jobs = cr.precommit.data[_KEY] = []
        cr.precommit.add(functools.partial(_flush, env))
    jobs.append(job)
    wakeup.after_commit(cr)
    if getattr(cr, "_connector_plain_savepoints", 0):
        flush(env)


def flush(env):
    """Store the jobs that were delayed so far."""
    if _KEY in env.cr.precommit.data:
        _flush(env)


def _flush(env):
    jobs = env.cr.precommit.data.pop(_KEY, None)
    if not jobs:
        return
    model = env["queue.job"]
    rows, extra = [], {}
    for job in jobs:
        row = job.column_values()
        if values := model._prepare_job_values(job):
            extra.update(dict.fromkeys(values))
            row.update(values)
        rows.append(row)
    columns = [(name, model._fields[name].column_type[1]) for name in extra]
    for job, id_ in zip(jobs, store.insert(env.cr, rows, columns), strict=True):
        job._id = id_


def _count_plain_savepoints():
    """Let a cursor know how many savepoints without flush are open on it; Odoo itself does not keep count."""
    init, close = Savepoint.__init__, Savepoint._close

    def __init__(self, cr):
        init(self, cr)
        if type(self) is Savepoint and isinstance(cr, BaseCursor):
            cr._connector_plain_savepoints = getattr(cr, "_connector_plain_savepoints", 0) + 1

    def _close(self, rollback):
        try:
            close(self, rollback)
        finally:
            if type(self) is Savepoint and isinstance(self._cr, BaseCursor):
                self._cr._connector_plain_savepoints -= 1

    Savepoint.__init__, Savepoint._close = __init__, _close


_count_plain_savepoints()
