"""Class ``JobCursor``: the database cursor of a job, with commits that check the job's lease."""

import contextlib
import logging
import os
import select
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import psycopg2
from psycopg2.errors import DeadlockDetected, InvalidSqlStatementName, LockNotAvailable, SerializationFailure
from psycopg2.extensions import (
    ISOLATION_LEVEL_REPEATABLE_READ,
    STATUS_BEGIN,
    TRANSACTION_STATUS_IDLE,
    TRANSACTION_STATUS_INERROR,
)

from odoo.exceptions import ConcurrencyError
from odoo.sql_db import Cursor, PsycoConnection, connection_info_for
from odoo.tools import SQL
from odoo.tools.translate import LazyTranslate

from ..exception import FailedJobError, LeaseLost
from ..jobs import JobBatch, RunningJob
from ..store.connection import OwnConnections
from ..store.ending import Holder
from ..texts import storable
from .errors import RowLocked

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

_own_connections = OwnConnections()

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"

# All that a session keeps beyond its transaction, except prepared statements. RESET ALL leaves the
# role, and DISCARD ALL would drop our plans. A superuser can become another session user; the
# server reports that, and then the cursor is not used again
_RESET = "RESET ROLE; RESET ALL; UNLISTEN *; CLOSE ALL; DISCARD TEMP;"
# For PostgreSQL 14 and later, a job that computes for long before its first statement is idle
_NEVER_IDLE = "SET idle_session_timeout = 0;"
# This and the two above come after the COMMIT: a job's own settings are valid for the COMMIT, and a
# lock of its session may protect what is committed
_UNLOCK = "SELECT pg_advisory_unlock_all()"
_COMMIT = "; COMMIT;"

# PostgreSQL's answers to a statement that has ended the transaction, even if another one has begun
# at once
_ENDS_TRANSACTION = ("COMMIT", "BEGIN", "START TRANSACTION")

# Parameters that a pooler keeps for each of its clients
_PARAMETERS = ("client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings")


class JobCursor(Cursor):
    """A cursor whose commits are all fenced by the lease of the job that runs on it.

    A job may commit, also deep inside of Odoo's code. Each commit first locks the job's row by its
    lease. So a worker that was declared dead cannot commit anything for the job any more, however
    late it wakes up.

    The transaction begins with the first statement, in one message with it. So a job that first
    asks a shop holds no transaction meanwhile. Code that takes psycopg2's own cursor or connection,
    as ``_obj`` or ``_cnx``, finds the transaction begun.

    The cursor is kept from job to job; :meth:`clean` resets it for the next one.

    :param is_pooled: whether there is a pooler in between; behind a pooler a session is not the
        cursor's alone
    :ivar own_connection: psycopg2's connection; to read it does not begin the transaction
    :ivar is_clean: whether no job has used the cursor since it was new or was reset
    :ivar is_committing: whether a COMMIT with the job's *done* was sent, and its answer has not
        come or was an error
    """

    _begins_late = False  # whether the first statement has to begin the transaction
    _own_cursor: Any = None  # psycopg2's, without a look at the transaction; None when it is closed
    _job: RunningJob | JobBatch | None
    _worker_id: int
    _as_new: tuple[object, ...] | None

    def __init__(self, dbname: str, is_pooled: bool = False) -> None:
        super().__init__(_own_connections, *connection_info_for(dbname))
        self._pid = os.getpid()
        self._is_pooled = is_pooled
        self._job = self._worker_id = None  # type: ignore[assignment]  # the worker's comes with the job
        self._begins_late = False
        self._news = select.poll()
        self._news.register(self.own_connection.fileno(), select.POLLIN)
        self.is_clean, self.is_committing, self._is_reset, self._is_ended_by_sql = True, False, False, False
        never_idle = _NEVER_IDLE if self.own_connection.server_version >= 140000 else ""
        self._renewal = "" if is_pooled else _RESET + never_idle + _UNLOCK
        self._ending: str | None = None  # of the message with the COMMIT; None before complete()
        if not is_pooled:
            self._reset_session()
        self._as_new = None
        self._as_new = self._state()

    def __del__(self) -> None:
        # in a forked child, the connection is the parent's
        if os.getpid() == self.__dict__.get("_pid"):
            super().__del__()

    @property
    def _cnx(self) -> PsycoConnection:
        self._begin_now()
        return self.own_connection

    @_cnx.setter
    def _cnx(self, connection: PsycoConnection) -> None:
        self.own_connection = connection

    @property
    def _obj(self) -> psycopg2.extensions.cursor:
        self._begin_now()
        if self._own_cursor is None:
            raise psycopg2.InterfaceError("Cursor already closed")
        return self._own_cursor

    @_obj.setter
    def _obj(self, cursor: psycopg2.extensions.cursor) -> None:
        self._own_cursor = cursor

    @_obj.deleter
    def _obj(self) -> None:
        del self._own_cursor

    def _begin_now(self) -> None:
        if self._begins_late:
            self._own_cursor.execute(_BEGIN)
            self._begins_late = False

    @property
    def closed(self) -> bool:
        return self._closed or bool(self.own_connection.closed)

    def cancel(self) -> None:
        """Cancel the statement that is executed; called by another thread.

        :raise psycopg2.Error: no connection is left for that
        """
        if not self.own_connection.closed:
            self.own_connection.cancel()

    @property
    def is_usable(self) -> bool:
        """Whether a job can run on it: it is clean, and its connection was not closed."""
        return self.is_clean and not self.closed and not self._has_news()

    def _has_news(self) -> bool:
        """Whether the server has sent something unasked: as a rule, that it ends the connection."""
        return bool(self._news.poll(0))

    @property
    def is_closed_by_job(self) -> bool:
        """Whether the job itself has closed it."""
        return self._closed

    @property
    def _is_beyond_its_transaction(self) -> bool:
        """Whether a statement has ended the transaction on the server, unknown to psycopg2."""
        connection = self.own_connection
        return connection.status == STATUS_BEGIN and connection.get_transaction_status() == TRANSACTION_STATUS_IDLE

    def begin(self) -> None:
        """Let the first statement of a job begin the job's transaction.

        If psycopg2 knows that there is no transaction, psycopg2 begins one itself.
        """
        # a statement that was executed since the reset has begun a transaction
        self._is_reset = False
        self._begins_late = self._is_beyond_its_transaction

    def _leave_transaction(self) -> None:
        """Let psycopg2 know that there is no transaction.

        PostgreSQL would log a warning about a ROLLBACK without a transaction, so a BEGIN comes
        first.
        """
        self._begins_late = False
        if self._is_beyond_its_transaction:
            self._own_cursor.execute(_BEGIN)
            self.own_connection.rollback()

    def lease(self, job: RunningJob | JobBatch, worker_id: int) -> None:
        """Fence all commits from now on by the lease of a job."""
        self.is_clean = self._is_reset = self._is_ended_by_sql = False
        self._job, self._worker_id, self._ending = job, worker_id, None

    def execute(self, query: str | SQL, params: Any = None, log_exceptions: bool = True) -> None:
        """Execute a query; a conflict with another transaction is not logged as an error.

        The worker runs the job again after such a conflict.

        :raise FailedJobError: the job has no transaction any more that its *done* could be a part
            of
        """
        if self._job is not None:
            self._check_transaction()
            self.is_committing = self._ending is not None and isinstance(query, str) and query.endswith(self._ending)
        elif self._is_beyond_its_transaction:
            # a hook after the commit needs a transaction
            self._leave_transaction()
        if isinstance(query, SQL) and params is None:
            query, params = query.code, query.params
        own = query
        if begins := self._begins_late and isinstance(query, str) and bool(query.strip()):
            query, self._begins_late = f"{_BEGIN}; {query}", False
        try:
            super().execute(query, params, log_exceptions=False)
        except (SerializationFailure, DeadlockDetected, LockNotAvailable):
            raise
        except BaseException as error:
            # of a single statement nothing was executed then, not even the BEGIN before it
            self._begins_late = begins and self._is_beyond_its_transaction and _is_single(own)
            if isinstance(error, Exception) and log_exceptions and not self.is_committing:
                told = storable(getattr(self._own_cursor, "query", None) or query), storable(error)
                _logger.error("%r: bad query: %s\nERROR: %s", self._job, *told)
            raise
        if self._job is not None and not self.is_committing and self._own_cursor.statusmessage in _ENDS_TRANSACTION:
            # before the first statement there was nothing that it could have committed
            if not (begins and _is_single(own)):
                self._is_ended_by_sql = True
            self._check_transaction()

    def _check_transaction(self) -> None:
        is_begun = not self._begins_late
        if self._is_ended_by_sql or self.own_connection.autocommit or (is_begun and self._is_beyond_its_transaction):
            raise FailedJobError(
                _lt(
                    "The job has switched its cursor to autocommit, or has committed by SQL: what it wrote since then would be kept even "
                    "if it failed. Call session.commit(), or do what cannot be in a transaction on a cursor of its own."
                )
            )

    def commit(self) -> None:
        """Commit the work of the job up to now.

        :raise LeaseLost: the job is not this worker's any more
        :raise RowLocked: another transaction, for instance on another cursor of the job, keeps the
            job's row locked
        """
        if self._job is not None:
            self.flush()
            with _LastStatement(self.own_connection):
                is_mine = self._job.lock_lease(self, self._worker_id)
            self._check_lease(is_mine)
        super().commit()

    def complete(self, worker: Holder) -> None:
        """Commit the rest of the job's effects and its *done*, end the lease, reset the session.

        All that is one message to the server: the message takes longer than the work that it asks
        for. If the job has executed nothing, the session is as it was, and is not reset. The hooks
        for after the commit are left in ``postcommit``: an error in one of them does not undo the
        job.

        :raise LeaseLost: the job is not this worker's any more
        :raise RowLocked: see :meth:`commit`
        """
        self.flush()
        if self.closed or self._has_news():
            # so that a connection lost earlier does not look like one lost in the COMMIT
            self.execute("SELECT")
        renewal = "" if self._begins_late else self._renewal
        self._ending = _COMMIT + renewal
        with _LastStatement(self.own_connection):
            is_mine = self._job.complete(self, worker, self._ending)  # type: ignore[union-attr]  # a job runs on it
        self._check_lease(is_mine)
        self.has_completed()
        # if this fails, clean() tries it again
        with contextlib.suppress(psycopg2.Error):
            if renewal:
                self._after_renewal(self._own_cursor)
            # the hooks after the commit may change the session again
            self._is_reset = not self.postcommit

    @property
    def is_leased(self) -> bool:
        """Whether a job runs on it and is not completed."""
        return self._job is not None

    @property
    def may_have_committed(self) -> bool:
        """Whether the COMMIT of :meth:`complete` may have been executed in spite of an error."""
        return (
            self.is_committing
            and not self.own_connection.closed
            and self.own_connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
        )

    def has_completed(self) -> None:
        """Forget the job, as it is done: as after any commit, but ``postcommit`` is kept."""
        self.prerollback.clear()
        self.postrollback.clear()
        self.clear()
        self._now = None
        self._job, self.is_committing = None, False

    def _check_lease(self, is_mine: bool) -> None:
        if not is_mine:
            raise LeaseLost(
                f"{self._job!r} was given to another worker: nothing that this one did for it since its last commit is kept"
            )

    def abandon(self) -> None:
        """Roll back the job's work since its last commit; forget its lease even if a hook fails."""
        self._job = None
        try:
            self._leave_transaction()
            self.rollback()
        except BaseException as error:
            if not self.own_connection.closed:
                if not isinstance(error, psycopg2.Error):
                    _logger.warning("A hook that was to be called at the rollback of a job has failed", exc_info=error)
                self.own_connection.rollback()

    # Between two jobs

    def clean(self) -> None:
        """Reset the cursor; if that is not possible it cannot be used again, see :attr:`is_usable`.

        After a job that is done and has left no hooks, nothing is sent to the server. After another
        job, the reset is one message.
        """
        self._job = None
        self.is_committing = self._begins_late = False
        if self.closed:
            return
        self.transaction = None
        if self._state() != self._as_new:
            # the job has set some attribute of the connection or the cursor; its effects are not
            # known
            return
        try:
            if not self._is_reset:
                for hooks in (self.precommit, self.postcommit, self.prerollback, self.postrollback):
                    hooks.clear()
                if not self._is_beyond_its_transaction:
                    self.own_connection.rollback()
                if not (self._is_pooled or self.is_clean):
                    self._reset_session()
            self.cache.clear()
            self._now = None
            # the old cursor goes, with what it holds of the last answer
            self._own_cursor = self.own_connection.cursor()
            self.is_clean = True
        except psycopg2.Error:
            self.is_clean = False

    def _state(self) -> tuple[object, ...]:
        """Return the settings that a job may have changed in this process, for a comparison."""
        connection = self.own_connection
        return (
            connection.autocommit,
            connection.isolation_level,
            connection.readonly,
            connection.deferrable,
            connection.encoding,
            connection.cursor_factory,
            len(connection.string_types),
            len(connection.binary_types),
            connection.get_parameter_status("session_authorization"),
            self._is_pooled and [connection.get_parameter_status(name) for name in _PARAMETERS],
            tuple(self.__dict__),
        )

    def _reset_session(self) -> None:
        if self._is_beyond_its_transaction:
            self._renew(self._own_cursor)
            return
        with self.outside_transactions(), self.own_connection.cursor() as cr:
            self._renew(cr)

    def _renew(self, cr: psycopg2.extensions.cursor) -> None:
        cr.execute(self._renewal)
        self._after_renewal(cr)

    def _after_renewal(self, cr: psycopg2.extensions.cursor) -> None:
        """Do what follows the answer to a reset of the session, outside of transactions."""
        if not self.own_connection.get_parameter_status("DateStyle").startswith("ISO"):
            # that is the server's own style; psycopg2 needs the one that it has set when it
            # connected
            cr.execute("SET datestyle TO 'ISO'")
        self.own_connection.notices.clear()
        self.own_connection.notifies.clear()

    @contextlib.contextmanager
    def outside_transactions(self) -> Iterator[None]:
        """Execute each statement of a block in a transaction of its own."""
        self._leave_transaction()
        connection = self.own_connection
        # without settings of its own, a connection goes to autocommit and back without a message
        connection.set_session(isolation_level="DEFAULT", readonly="DEFAULT")
        connection.set_session(autocommit=True)
        yield
        connection.set_session(autocommit=False)
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=False)


def _is_single(query: str) -> bool:
    """Return whether a text is certainly one statement."""
    return ";" not in query.rstrip("; \n")


class _LastStatement:
    """Context manager around the last statement before a COMMIT: it translates two errors.

    The statement has waited in vain for a lock: that is the lock of the job's row, so it raises
    :class:`RowLocked`. A prepared statement is gone, as the job has dropped it: it raises
    :class:`ConcurrencyError`, so the job is run again.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: PsycoConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _class: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        # after an error of the COMMIT itself, such as one of a deferred constraint, there is no
        # transaction
        if (
            isinstance(error, LockNotAvailable)
            and self._connection.get_transaction_status() == TRANSACTION_STATUS_INERROR
        ):
            raise RowLocked(error) from error
        if isinstance(error, InvalidSqlStatementName):
            raise ConcurrencyError(str(error)) from error
