"""The transaction in which a job runs: what it does and its *done* are one commit."""

import contextlib
import logging
import threading
import time

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo.modules.registry import Registry
from odoo.tools.translate import LazyTranslate

from ...exception import RetryableJobError
from .. import store
from .cursor import JobCursor
from .errors import CONNECTION_LOST, LifeEnded, first_line

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds for which a registry is taken for fresh.
_REGISTRY_SECONDS = 1


class JobTransactions:
    """Runs the jobs of a worker, each in a transaction on the cursor of its thread.

    :param worker: the :class:`~.worker.Worker`
    """

    def __init__(self, worker):
        self._worker = worker
        self._threads = threading.local()
        self._backends = {}
        self._registry_fresh_until = 0

    def run(self, job):
        """Run a job, or a group of jobs, in one transaction that ends with its *done*.

        :raise LeaseLost: it was given to another worker; nothing that it did is kept
        :raise LifeEnded: whether it is done is not known
        """
        cr = self._cursor()
        cr.lease(job, self._worker.id)
        job.run.executes_on(cr)
        registry = self._registry()
        committing = False
        try:
            registry = self._fresh_registry(registry, cr)
            env = job.environment(cr)
            env.transaction.default_env = env
            job.perform(env)
            cr.flush()
            committing = True
            cr.complete(self._worker.name)
            committing = False
            self._after_commit(job, cr, registry)
        except BaseException as error:
            with contextlib.suppress(*CONNECTION_LOST):
                cr.abandon()
            registry.reset_changes()
            if cr.connection.closed:
                self.close_cursor()
                self._connection_lost(job, error, committing)
            raise
        finally:
            cr.transaction = None
            cr.cache.clear()

    def _after_commit(self, job, cr, registry):
        """Do what follows the commit of a job; as the job is done, what goes wrong is not its failure."""
        _logger.debug("%s of %s is done", job, self._worker.dbname)

        def attempt(step):
            try:
                step()
            except BaseException:
                _logger.exception("%s of %s is done, but not all that follows its commit", job, self._worker.dbname)

        while cr.postcommit:
            # a hook that raises is forgotten, the others are left
            attempt(cr.postcommit.run)
        cr.postcommit.clear()
        attempt(registry.signal_changes)

    def _connection_lost(self, job, error, committing):
        if committing:
            # Whether the job is done is not known here. The database knows: with this life ends the lease, if it is still there.
            self._worker.end(store.INTERRUPTED)
            raise LifeEnded(f"Worker {self._worker.name} has lost its connection while it committed {job!r}") from error
        if isinstance(error, CONNECTION_LOST):
            self._make_way()
            with self._worker.raw_cursor() as cr:
                # if all connections were terminated, this one was too, and the database is left alone
                cr.execute("SELECT 1")
            raise RetryableJobError(
                _lt("The connection to the database was lost: %s", first_line(error)), seconds=1
            ) from error

    def _make_way(self):
        """End this life if this process has no registry any more, as when Odoo is about to drop or rename the database.

        It has closed the connections of its pool then, and terminates the others next. A registry that is loaded in between would have
        connections of its own for seconds, and keep the database from being dropped.

        :raise LifeEnded: it is so
        """
        if self._worker.dbname not in Registry.registries:
            self._worker.is_cut_off = True
            self._worker.end(store.INTERRUPTED)
            raise LifeEnded(f"Worker {self._worker.name} leaves {self._worker.dbname}: Odoo has closed its connections")

    # The registry

    def _registry(self):
        """Return the registry, which the worker has loaded before its first job; one that is gone is not loaded again."""
        self._make_way()
        return Registry(self._worker.dbname)

    def expect_changes(self):
        """Have the next job ask whether code or caches have changed; without, it is asked once a second."""
        self._registry_fresh_until = 0

    def _fresh_registry(self, registry, cr):
        """Return a registry with the code and caches that the database asks for; it is asked before the job's transaction begins."""
        if time.monotonic() < self._registry_fresh_until:
            return registry
        self._registry_fresh_until = time.monotonic() + _REGISTRY_SECONDS
        cr.connection.autocommit = True
        try:
            return registry.check_signaling(cr)
        finally:
            cr.connection.autocommit = False

    # The cursors of the threads

    @property
    def backend_pids(self):
        """The pids of the server's processes that work for the threads."""
        return list(self._backends.values())

    def _cursor(self):
        """Return this thread's cursor, clean; it is kept from job to job, as opening one costs more than a small job."""
        cr = getattr(self._threads, "cr", None)
        if cr is None or cr.closed:
            cr = self._threads.cr = JobCursor.open(self._registry())
            self._backends[threading.get_ident()] = cr.connection.get_backend_pid()
            if not self._worker.is_pooled:
                store.keep_prepared(cr.connection)
            self._worker.note_backends()
        if cr.connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            # the job before was stopped in the midst of its rollback
            cr.abandon()
        return cr

    def close_cursor(self):
        """Close the cursor of the calling thread."""
        cr, self._threads.cr = getattr(self._threads, "cr", None), None
        self._backends.pop(threading.get_ident(), None)
        if cr is not None:
            with contextlib.suppress(*CONNECTION_LOST):
                # not back into Odoo's pool: it may be terminated with this life
                cr.connection.close()
                cr.close()
