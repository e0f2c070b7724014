"""Wake workers after a commit, by a NOTIFY and by Odoo's cron.

This only makes things faster: workers look at the database by themselves once a second.

A NOTIFY makes the commits of a whole PostgreSQL cluster follow one another. So it is sent once for
each transaction that delayed jobs, after its commit. It is sent from a tiny transaction on the
database ``postgres``, where Odoo's cron listens too.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import BaseCursor

from . import workers
from .connection import connect

_logger = logging.getLogger(__name__)

#: The channel on which workers listen; the payload is the database's name.
NOTIFY_CHANNEL = "connector_queue"
LISTEN = f"LISTEN {NOTIFY_CHANNEL}"

_KEY = "jobs_queue.wakeup"

# For so many seconds this process trusts that a worker other than the cron serves a database. If
# the last such worker dies, jobs delayed in that time wait for the cron's next minute
_TRUST_SECONDS = 1
_served_until: dict[str, float] = {}


def after_commit(cr: BaseCursor) -> None:
    """Wake the workers of the cursor's database once the transaction is committed."""
    if _KEY not in cr.postcommit.data:
        cr.postcommit.data[_KEY] = True
        dbname = cr.dbname
        cr.postcommit.add(lambda: wake(dbname))


def wake(dbname: str) -> None:
    """Wake the workers of a database, and Odoo's cron if no other worker serves it."""
    wake_workers(dbname)
    # if the database postgres cannot be reached, the cron is needed even more
    _attempt(_trigger_cron, dbname)


def wake_workers(dbname: str) -> None:
    """Wake the workers of a database.

    Unlike :func:`wake`, it reads no table: somebody may have locked it.
    """
    _attempt(_notifier.notify, dbname)


def _attempt(wake_up: Callable[[str], None], dbname: str) -> None:
    try:
        wake_up(dbname)
    except psycopg2.Error:
        _logger.info("Workers of the database %s were not woken; they will find the jobs", dbname, exc_info=True)


def _trigger_cron(dbname: str) -> None:
    if time.monotonic() <= _served_until.get(dbname, 0):
        return
    with Registry(dbname).cursor() as cr:
        if workers.other_hosts_alive(cr):
            _served_until[dbname] = time.monotonic() + _TRUST_SECONDS
            return
        env = api.Environment(cr, SUPERUSER_ID, {})
        crons = env["queue.worker"]._cron_slots()
        triggered = env["ir.cron.trigger"].search([("cron_id", "in", crons.ids), ("call_at", "<=", cr.now())]).cron_id
        for cron in crons - triggered:
            cron._trigger()


class _Notifier:
    """The connection of this process for NOTIFY.

    It is kept: to open one for each commit would take longer than a worker takes to start the job.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: psycopg2.extensions.connection | None = None
        self._pid: int | None = None
        self._inherited: list[psycopg2.extensions.connection | None] = []

    def notify(self, dbname: str) -> None:
        """Tell the workers that there may be jobs in a database."""
        with self._lock:
            try:
                self._send(dbname)
            except psycopg2.Error:
                # the server may have been restarted since the last time
                self._connection = None
                self._send(dbname)

    def _send(self, dbname: str) -> None:
        if self._pid != os.getpid():
            # the parent process still uses its connection; if it were forgotten here, it would be
            # closed there
            self._inherited.append(self._connection)
            self._connection, self._pid = None, os.getpid()
        if self._connection is None:
            self._connection = connect("postgres")
        with self._connection.cursor() as cr:
            cr.execute("SELECT pg_notify(%s, %s)", (NOTIFY_CHANNEL, dbname))


_notifier = _Notifier()
