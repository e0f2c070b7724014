"""The cursor on which a job runs."""

from odoo.sql_db import Cursor

from ..exception import LeaseLost
from . import store


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
        cr = registry.cursor()
        # Odoo has no way to say which class of cursor its pool should hand out
        cr.__class__ = cls
        return cr

    def lease(self, job, worker_id):
        """Fence all that follows by the lease of a job."""
        self._job, self._worker_id = job, worker_id

    def commit(self):
        """Commit what the job did so far.

        :raise LeaseLost: the job is not this worker's any more
        """
        if self._job is not None:
            self.flush()
            if not store.lock_lease(self, self._job, self._worker_id):
                raise LeaseLost(f"{self._job!r} was given to another worker: nothing that this one did for it since its last commit is kept")
        super().commit()

    def complete(self, worker_name):
        """Commit the rest of the job's effects together with its *done*, and end the lease.

        :raise LeaseLost: the job is not this worker's any more
        """
        job = self._job
        self.flush()
        if not store.complete(self, job, self._worker_id, worker_name, job.message, job.result):
            raise LeaseLost(f"{job!r} was given to another worker: nothing that this one did for it since its last commit is kept")
        self._job = None
        super().commit()

    def abandon(self):
        """Roll back what the job did since its last commit, and end the lease."""
        self._job = None
        if not self.connection.closed:
            self.rollback()
