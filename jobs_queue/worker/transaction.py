"""Class ``JobTransactions``: runs a job and marks it as done in the same transaction."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg2

from odoo.api import Environment
from odoo.modules.registry import Registry
from odoo.tools.translate import LazyTranslate

from .. import store
from ..exception import CONCURRENCY_ERRORS, JobError
from ..jobs import JobBatch, RunningJob, function_options
from ..jobs.options import JobOptions
from ..store.claiming import LeasedJob
from . import outcome
from .cursor import JobCursor
from .errors import CONNECTION_LOST, ConnectionLost, LifeEnded, NotReady, comes_from, first_line, is_of, lacks_means
from .fork import watched
from .kept import close, kept

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds for which a registry is assumed to be fresh.
_REGISTRY_SECONDS = 1
#: Seconds that the server has to end connections that were closed, so that their places are free.
_PLACE_SECONDS = 0.5


class JobTransactions:
    """Runs the jobs of a worker, each in a transaction on the cursor of its thread."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._server_pids: dict[int, int] = {}
        self._registry_fresh_until: float = 0

    def run(self, job: RunningJob | JobBatch) -> None:
        """Run a job, or a batch of jobs, in one transaction that ends with its *done*.

        :raise NotReady: the worker or the server lacks the resources; the job's code was not called
        :raise LeaseLost: the job was given to another worker; nothing that it did since its last
            commit is kept
        :raise ConnectionLost: the job's connection was lost while its code ran
        :raise LifeEnded: it is not known whether the job is done
        """
        cr, registry = self._ready()
        cr.lease(job, self._worker.id)
        job.run.executes_on(cr)
        try:
            try:
                self._perform(job, self._environment(job, cr))
                self._complete(job, cr)
            except BaseException as error:
                with contextlib.suppress(*CONNECTION_LOST):
                    cr.abandon()
                registry.reset_changes()
                if cr.own_connection.closed:
                    self._connection_lost(job, cr, error)
                raise
            self._after_commit(job, cr, registry)
        finally:
            cr.clean()
            self._keep(cr)

    def options_of(self, job: LeasedJob) -> JobOptions:
        """Return the options of a job's function in the database.

        They are read on the cursor of the thread, as Odoo's pool may be full.

        :raise NotReady: as :meth:`run`
        """
        cr, _registry = self._ready()
        try:
            return function_options(Environment(cr, job.user_id, {}), job.function)
        finally:
            cr.clean()
            self._keep(cr)

    def _environment(self, job: RunningJob | JobBatch, cr: JobCursor) -> Environment:
        try:
            env = job.environment(cr)
        except Exception as error:
            if is_of(error, psycopg2.Error) or lacks_means(error):
                raise NotReady(first_line(error)) from error
            raise
        env.transaction.default_env = env
        self._worker.backoff.end()
        return env

    def _perform(self, job: RunningJob | JobBatch, env: Environment) -> None:
        with watched(job):
            # in a context of its own: what a job sets in it, such as the precision of decimals, is
            # gone for the next job
            contextvars.Context().run(job.perform, env)
            env.cr.flush()

    def _complete(self, job: RunningJob | JobBatch, cr: JobCursor) -> None:
        try:
            cr.complete(self._worker)
        except BaseException:
            # a cancellation for instance may have come when the job was already done
            if cr.is_leased:
                if not cr.may_have_committed or not self._is_done(job):
                    raise
                cr.has_completed()

    def _is_done(self, job: RunningJob | JobBatch) -> bool:
        try:
            return outcome.write(self._worker, lambda raw: store.leases.are_done(raw, job.members))
        except CONCURRENCY_ERRORS as error:
            self._worker.end(store.workers.INTERRUPTED)
            raise LifeEnded(f"Worker {self._worker.name} cannot learn whether {job!r} is done") from error

    def _after_commit(self, job: RunningJob | JobBatch, cr: JobCursor, registry: Registry) -> None:
        """Do the steps after a job's commit: it is done, so their errors are not its failure."""
        _logger.debug("%s of %s is done", job, self._worker.dbname)

        def attempt(step: Callable[[], object]) -> None:
            try:
                with watched(job):
                    step()
            except BaseException:
                _logger.exception("%s of %s is done, but not all that follows its commit", job, self._worker.dbname)

        while cr.postcommit:
            # a hook that raises is removed, the others are left
            attempt(cr.postcommit.run)
        cr.postcommit.clear()
        attempt(registry.signal_changes)

    def _connection_lost(self, job: RunningJob | JobBatch, cr: JobCursor, error: BaseException) -> None:
        if cr.is_committing:
            # It is not known here whether the job is done. The database knows it: the lease ends
            # with this life, if it is still there.
            self._worker.end(store.workers.INTERRUPTED)
            raise LifeEnded(f"Worker {self._worker.name} has lost its connection while it committed {job!r}") from error
        if comes_from(error, CONNECTION_LOST) and not cr.is_closed_by_job:
            self._make_way()
            with self._worker.raw_cursor() as raw:
                # if all connections were terminated, this one was too, and the worker leaves the
                # database alone
                raw.execute("SELECT 1")
            raise ConnectionLost(
                _lt(
                    "The connection of the job was closed while it ran, perhaps by a limit of the server "
                    "(idle_in_transaction_session_timeout, transaction_timeout): %s",
                    first_line(error),
                ),
                seconds=1,
            ) from error

    def _make_way(self) -> None:
        """End this life if the process has no registry any more, so that a database can be dropped.

        Odoo removes the registry when it is about to drop or rename the database. Then it has
        closed the connections of its pool, and it terminates the others next. A registry that is
        loaded in between would have connections of its own for seconds, and keep the database from
        being dropped.

        :raise LifeEnded: there is no registry
        """
        if self._worker.dbname not in Registry.registries:
            self._worker.is_cut_off = True
            self._worker.end(store.workers.INTERRUPTED)
            raise LifeEnded(f"Worker {self._worker.name} leaves {self._worker.dbname}: Odoo has closed its connections")

    # Resources that are needed before a job begins

    def _ready(self) -> tuple[JobCursor, Registry]:
        """Return the cursor of the calling thread and the registry.

        :raise NotReady: they are not available
        """
        try:
            while True:
                cr, is_new = self._cursor()
                try:
                    registry = self._fresh_registry(cr)
                    cr.begin()
                    return cr, registry
                except BaseException:
                    is_lost = bool(cr.own_connection.closed)
                    close(cr)
                    if is_new or not is_lost:
                        raise
                    # it was closed while it was kept: the job need not know
        except (LifeEnded, JobError):
            raise
        except Exception as error:
            raise NotReady(first_line(error)) from error

    def _registry(self) -> Registry:
        """Return the registry.

        The worker has loaded it before its first job. If it is gone, it is not loaded again.
        """
        self._make_way()
        return Registry(self._worker.dbname)

    def expect_changes(self) -> None:
        """Let the next job check for changes of code and caches, else checked once a second."""
        self._registry_fresh_until = 0

    def _fresh_registry(self, cr: JobCursor) -> Registry:
        """Return a registry with the code and caches that the database asks for.

        The database is asked before the job's transaction begins.
        """
        registry = self._registry()
        if time.monotonic() < self._registry_fresh_until:
            return registry
        self._registry_fresh_until = time.monotonic() + _REGISTRY_SECONDS
        try:
            with cr.outside_transactions():
                return registry.check_signaling(cr)
        except BaseException:
            self.expect_changes()
            raise

    # The cursors of the threads

    @property
    def server_pids(self) -> list[int]:
        """The pids of the server's processes behind the threads' cursors."""
        return list(self._server_pids.values())

    def forget_server_process(self) -> None:
        """Remove the calling thread's cursor from :attr:`server_pids`."""
        self._server_pids.pop(threading.get_ident(), None)

    def _cursor(self) -> tuple[JobCursor, bool]:
        """Return the calling thread's cursor, kept from job to job, and whether it is new."""
        cr = kept.take(self)
        if cr is not None:
            if cr.is_usable:
                return cr, False
            close(cr)
        kept.make_room(self._worker.capacity)
        cr = self._open()
        self._server_pids[threading.get_ident()] = cr.own_connection.get_backend_pid()
        if not self._worker.is_pooled:
            store.prepared.keep(cr.own_connection)
        self._worker.note_server_processes()
        return cr, True

    def _keep(self, cr: JobCursor) -> None:
        """Keep a cursor for the next job, unless its state after a job cannot be repaired."""
        if cr.is_clean:
            kept.keep(self, cr)
        else:
            self.forget_server_process()
            close(cr)

    def _open(self) -> JobCursor:
        self._make_way()
        try:
            return JobCursor(self._worker.dbname, self._worker.is_pooled)
        except psycopg2.OperationalError:
            # perhaps no connection is left: this thread itself holds some that it does not use
            if not kept.close_idle(0):
                raise
        until = time.monotonic() + _PLACE_SECONDS
        while True:
            try:
                return JobCursor(self._worker.dbname, self._worker.is_pooled)
            except psycopg2.OperationalError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.02)

    def close_cursor(self) -> None:
        """Close the cursor of the calling thread."""
        self.forget_server_process()
        close(kept.take(self))
