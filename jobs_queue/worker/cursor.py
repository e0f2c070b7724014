"""The cursor on which a job runs."""

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
from ..jobs import JobGroup, RunningJob
from ..store.connection import OwnConnections
from ..store.ending import Holder
from ..texts import storable
from .errors import RowLocked

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

_own_connections = OwnConnections()

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"

# All that a session keeps beyond its transaction but what is prepared: RESET ALL leaves the role, DISCARD ALL would drop our plans. Of
# another session user, which a superuser can become, the server tells: then the cursor is not used again
_RESET = "RESET ROLE; RESET ALL; UNLISTEN *; CLOSE ALL; DISCARD TEMP;"
# PostgreSQL 14 and later take a job for idle that computes for long before its first statement
_NEVER_IDLE = "SET idle_session_timeout = 0;"
# All of this is behind the COMMIT: a job's own settings govern that, and a lock of its session may guard what is committed
_UNLOCK = "SELECT pg_advisory_unlock_all()"

# What PostgreSQL answers to a statement that has ended the transaction, also where another one has begun at once
_ENDS_TRANSACTION = ("COMMIT", "BEGIN", "START TRANSACTION")

# What a pooler keeps for each of its clients
_PARAMETERS = ("client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings")


class JobCursor(Cursor):
    """A cursor whose every commit is fenced by the lease of the job that runs on it.

    A job may commit, also deep inside of Odoo's code. Each commit first locks the job's row by its lease: a worker that was declared dead
    cannot commit anything for the job any more, however late it wakes up.

    The transaction begins with the first statement, in one message with it: a job that asks a shop first holds none meanwhile. Whoever
    takes psycopg2's own cursor or connection, as ``_obj`` or ``_cnx``, finds it begun.

    It is kept from job to job; :meth:`clean` makes it as new for the next one.

    :param is_pooled: whether a pooler stands between, behind which a session is not the cursor's alone
    :ivar own_connection: psycopg2's, without a look at the transaction
    :ivar is_clean: whether no job has used it since it was as new
    :ivar is_committing: whether a COMMIT with the job's *done* was sent, and its answer has not come, or was an error
    """

    _begins_late = False  # whether the first statement has to begin the transaction
    _own_cursor: Any = None  # psycopg2's, without a look at the transaction; None when it is closed
    _job: RunningJob | JobGroup | None
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
        self._ending = "; COMMIT;" + self._renewal
        if not is_pooled:
            self._reset_session()
        self._as_new = None
        self._as_new = self._state()

    def __del__(self) -> None:
        # what a forked child forgets is its parent's
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

        :raise psycopg2.Error: there is no connection left for that
        """
        if not self.own_connection.closed:
            self.own_connection.cancel()

    @property
    def is_usable(self) -> bool:
        """Whether a job can run on it: nobody has used it since it was as new, and the server has not closed its connection."""
        return self.is_clean and not self.closed and not self._has_news()

    def _has_news(self) -> bool:
        """Whether the server has said something unasked: that it ends the connection, as a rule."""
        return bool(self._news.poll(0))

    @property
    def is_closed_by_job(self) -> bool:
        """Whether the job itself has closed it."""
        return self._closed

    @property
    def _is_beyond_its_transaction(self) -> bool:
        """Whether the server has ended the transaction by a statement, of which psycopg2 does not know."""
        connection = self.own_connection
        return connection.status == STATUS_BEGIN and connection.get_transaction_status() == TRANSACTION_STATUS_IDLE

    def begin(self) -> None:
        """Have the first statement of a job begin its transaction; where psycopg2 knows that there is none, it does so itself."""
        # what was executed since then has begun one
        self._is_reset = False
        self._begins_late = self._is_beyond_its_transaction

    def _leave_transaction(self) -> None:
        """Have psycopg2 know that there is no transaction; of a ROLLBACK without one PostgreSQL's log would tell."""
        self._begins_late = False
        if self._is_beyond_its_transaction:
            self._own_cursor.execute(_BEGIN)
            self.own_connection.rollback()

    def lease(self, job: RunningJob | JobGroup, worker_id: int) -> None:
        """Fence all that follows by the lease of a job."""
        self.is_clean = self._is_reset = self._is_ended_by_sql = False
        self._job, self._worker_id = job, worker_id

    def execute(self, query: str | SQL, params: Any = None, log_exceptions: bool = True) -> None:
        """Execute a query; that another transaction was in the way is no error worth a log entry, as the worker runs the job again.

        :raise FailedJobError: the job has no transaction any more that its *done* could be a part of
        """
        if self._job is not None:
            self._check_transaction()
            self.is_committing = isinstance(query, str) and query.endswith(self._ending)
        elif self._is_beyond_its_transaction:
            # a hook after the commit needs one
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
        """Commit what the job did so far.

        :raise LeaseLost: the job is not this worker's any more
        :raise RowLocked: another transaction, for instance on another cursor of the job, keeps the job's row locked
        """
        if self._job is not None:
            self.flush()
            with _LastStatement(self.own_connection):
                is_mine = self._job.lock_lease(self, self._worker_id)
            self._check_lease(is_mine)
        super().commit()

    def complete(self, worker: Holder) -> None:
        """Commit the rest of the job's effects together with its *done*, end the lease, and make the session as new.

        All that is one message to the server: a message takes longer than what it asks for. What was to be called after the commit is left
        in ``postcommit``: what goes wrong there does not undo the job.

        :raise LeaseLost: the job is not this worker's any more
        :raise RowLocked: see :meth:`commit`
        """
        self.flush()
        if self.closed or self._has_news():
            # a connection that was lost before is not lost in the COMMIT
            self.execute("SELECT")
        with _LastStatement(self.own_connection):
            is_mine = self._job.complete(self, worker, self._ending)  # type: ignore[union-attr]  # a job runs on it
        self._check_lease(is_mine)
        self.has_completed()
        # where it fails clean() tries it again
        with contextlib.suppress(psycopg2.Error):
            if not self._is_pooled:
                self._after_renewal(self._own_cursor)
            # what is called after the commit may change the session again
            self._is_reset = not self.postcommit

    @property
    def is_leased(self) -> bool:
        """Whether a job runs on it that has not completed."""
        return self._job is not None

    @property
    def may_have_committed(self) -> bool:
        """Whether the COMMIT of :meth:`complete` may have been executed, although there was an error."""
        return (
            self.is_committing
            and not self.own_connection.closed
            and self.own_connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
        )

    def has_completed(self) -> None:
        """Forget the job, which is done; as after any commit, but for ``postcommit``."""
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
        """Roll back what the job did since its last commit, and end the lease; whatever its hooks do about it."""
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
        """Make the cursor as new; where that cannot be done it is of no more use, see :attr:`is_usable`.

        After a job that is done there is nothing left to ask of the server, after another one it is one message.
        """
        self._job = None
        self.is_committing = self._begins_late = False
        if self.closed:
            return
        self.transaction = None
        if self._state() != self._as_new:
            # an attribute of the connection or the cursor that a job has set: nobody knows which, and what hangs on it
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
            # with the one before goes what it holds of the last answer
            self._own_cursor = self.own_connection.cursor()
            self.is_clean = True
        except psycopg2.Error:
            self.is_clean = False

    def _state(self) -> tuple[object, ...]:
        """Return what a job may have set on this side of the connection, to be compared."""
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
        """Do what follows from the answer to a renewal of the session, outside of transactions."""
        if not self.own_connection.get_parameter_status("DateStyle").startswith("ISO"):
            # the server's own, while psycopg2 needs the one that it has asked for when it connected
            cr.execute("SET datestyle TO 'ISO'")
        self.own_connection.notices.clear()
        self.own_connection.notifies.clear()

    @contextlib.contextmanager
    def outside_transactions(self) -> Iterator[None]:
        """Have the statements of a block be transactions of their own."""
        self._leave_transaction()
        connection = self.own_connection
        # one that has no settings of its own goes to autocommit and back without a message to the server
        connection.set_session(isolation_level="DEFAULT", readonly="DEFAULT")
        connection.set_session(autocommit=True)
        yield
        connection.set_session(autocommit=False)
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=False)


def _is_single(query: str) -> bool:
    """Return whether a text has one statement for certain."""
    return ";" not in query.rstrip("; \n")


class _LastStatement:
    """Around the last statement before a COMMIT: say which row it waits for in vain, and run a job again that has dropped our plans."""

    __slots__ = ("_connection",)

    def __init__(self, connection: PsycoConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _class: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        # after an error of the COMMIT itself, such as one of a deferred constraint, there is no transaction
        if (
            isinstance(error, LockNotAvailable)
            and self._connection.get_transaction_status() == TRANSACTION_STATUS_INERROR
        ):
            raise RowLocked(error) from error
        if isinstance(error, InvalidSqlStatementName):
            raise ConcurrencyError(str(error)) from error
