"""SQL statements that change the state of jobs and workers.

Each function takes a cursor, or a connection. The functions that a worker calls run on its raw
connection, in autocommit and READ COMMITTED. There, each statement sees what was committed before
it began. If another transaction has just changed a row, the statement checks the new version of the
row and raises no serialization failure. The actions of users, the schedules and the grouping of
failures run on a READ COMMITTED cursor of their own, see :func:`.sql.own_cursor`. Some functions
run on a cursor of Odoo or of a job, which is REPEATABLE READ: those that insert jobs, and those
that lock and complete running jobs, such as :func:`.insert.insert_jobs`, :func:`.leases.lock` and
:func:`.leases.complete`.

A *lease* is the pair (worker_id, lease_token) on a job's row. The token comes from a sequence. It
is new with each claim and is cleared when the lease ends. Each statement that writes for a job
names the token. If the lease was taken away, the statement finds no row.
"""

from . import (
    actions,
    batches,
    channels,
    claiming,
    connection,
    database,
    dependencies,
    ending,
    failures,
    insert,
    keys,
    leases,
    prepared,
    schedules,
    sql,
    superseded,
    trouble,
    upkeep,
    wakeup,
    workers,
)

__all__ = [
    "actions",
    "batches",
    "channels",
    "claiming",
    "connection",
    "database",
    "dependencies",
    "ending",
    "failures",
    "insert",
    "keys",
    "leases",
    "prepared",
    "schedules",
    "sql",
    "superseded",
    "trouble",
    "upkeep",
    "wakeup",
    "workers",
]
