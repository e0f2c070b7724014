"""The cursor on which a job runs."""

import logging

from psycopg2.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from odoo.sql_db import Cursor
from odoo.tools.misc import Callbacks

from ...exception import LeaseLost
from ..connection import cursor_of

_logger = logging.getLogger(__name__)


class JobCursor(Cursor):
    """A cursor whose every commit is fenced by the lease of the job that runs on it.

    A job may commit, also deep inside of Odoo's code. Each commit first locks the job's row by its lease: a worker that was declared dead
    cannot commit anything for the job any more, however late it wakes up.
    """

    _job = None
    _worker_id = None

    @classmethod
    def open(cls, registry):
        """Return a new cursor of a registry's database."""
        cr = cursor_of(registry)
        # Odoo has no way to say which class of cursor its pool should hand out
        cr.__class__ = cls
        return cr

    def lease(self, job, worker_id):
        """Fence all that follows by the lease of a job."""
        self._job, self._worker_id = job, worker_id

    def execute(self, query, params=None, log_exceptions=True):
        """Execute a query; that another transaction was in the way is no error worth a log entry, as the worker runs the job again."""
        try:
            super().execute(query, params, log_exceptions=False)
        except (SerializationFailure, DeadlockDetected, LockNotAvailable):
            raise
        except Exception as error:
            if log_exceptions:
                _logger.error("%r: bad query: %s\nERROR: %s", self._job, self._obj.query or query, error)
            raise

    def commit(self):
        """Commit what the job did so far.

        :raise LeaseLost: the job is not this worker's any more
        """
        if self._job is not None:
            self.flush()
            if not self._job.lock_lease(self, self._worker_id):
                raise LeaseLost(
                    f"{self._job!r} was given to another worker: nothing that this one did for it since its last commit is kept"
                )
        super().commit()

    def complete(self, worker_name):
        """Commit the rest of the job's effects, which is flushed already, together with its *done*, and end the lease.

        What was to be called after the commit is left in ``postcommit``: what goes wrong there does not undo the job.

        :raise LeaseLost: the job is not this worker's any more
        """
        job = self._job
        if not job.complete(self, self._worker_id, worker_name):
            raise LeaseLost(
                f"{job!r} was given to another worker: nothing that this one did for it since its last commit is kept"
            )
        self._job = None
        hooks, self.postcommit = self.postcommit, Callbacks()
        try:
            self.commit()
        finally:
            self.postcommit = hooks

    def abandon(self):
        """Roll back what the job did since its last commit, and end the lease."""
        self._job = None
        if not self.connection.closed:
            self.rollback()
