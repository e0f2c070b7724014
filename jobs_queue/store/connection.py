"""Connections to PostgreSQL outside of Odoo's pool."""

import weakref
from collections.abc import Mapping

import psycopg2

from odoo.sql_db import PsycoConnection, connection_info_for

# With these settings a lost peer is noticed within seconds
_KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}

#: Milliseconds that the statements that serve many jobs (claims and housekeeping) wait for a lock.
#: They can be repeated later.
LOCK_TIMEOUT = 300

#: The connections that this module has opened and that still exist.
opened: weakref.WeakSet[psycopg2.extensions.connection] = weakref.WeakSet()


def connect(dbname: str, lock_timeout: int = 0, connect_timeout: int = 0) -> psycopg2.extensions.connection:
    """Return a new autocommit connection to a database, in READ COMMITTED.

    A lost peer is noticed within seconds. An administrator may have set limits for the sessions of
    the role or the database; they do not hold for this connection.

    :param lock_timeout: milliseconds that each of its statements waits for a lock, 0 for ever.
        Behind a pooler no setting of a session lasts: there the statement has to set it itself, as
        with :data:`.sql.BRIEFLY`
    :param connect_timeout: seconds to wait for the server, 0 for as long as the system does
    """
    connection = _open(
        connection_info_for(dbname)[1], **({"connect_timeout": connect_timeout} if connect_timeout else {})
    )
    connection.autocommit = True
    if not is_pooled(connection):
        _set_limits(connection, lock_timeout)
    return connection


def _open(info: Mapping[str, object], **options: object) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(**{**info, **_KEEPALIVES, **options})
    opened.add(connection)
    return connection


def _set_limits(connection: psycopg2.extensions.connection, lock_timeout: int) -> None:
    # The settings are no options of the connection's start: these would break PgBouncer. They are
    # listed here: reading pg_settings may take longer than a limit
    timeouts = ["statement_timeout", "idle_in_transaction_session_timeout"]
    if connection.server_version >= 140000:
        timeouts.append("idle_session_timeout")
    if connection.server_version >= 170000:
        timeouts.append("transaction_timeout")
    settings: dict[str, object] = dict.fromkeys(timeouts, "0")
    settings.update(
        lock_timeout=lock_timeout, default_transaction_isolation="'read committed'", default_transaction_read_only="off"
    )
    with connection.cursor() as cr:
        cr.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()))


def notice_lost_peer(connection: psycopg2.extensions.connection) -> None:
    """Make the server notice within 3 seconds that this side of the connection is gone.

    It works on a direct TCP connection, also when this machine was switched off.
    """
    with connection.cursor() as cr:
        cr.execute("SET tcp_keepalives_idle = 1; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2")


def is_pooled(connection: psycopg2.extensions.connection) -> bool:
    """Tell whether a pooler such as PgBouncer stands between this process and the server.

    A pooler invents the pid that it names when a client connects. Behind a pooler there is no
    LISTEN and no setting of a session, and a connection does not show that its owner is alive.
    """
    with connection.cursor() as cr:
        cr.execute("SELECT pg_backend_pid()")
        return cr.fetchone()[0] != connection.info.backend_pid


class OwnConnections:
    """Replacement for Odoo's pool, for a cursor that has a connection of its own.

    The connection is opened with the cursor and closed with it. It takes no place in the pool
    (``db_maxconn``), which Odoo's requests need.
    """

    readonly = False

    def borrow(self, info: Mapping[str, object]) -> PsycoConnection:
        """Return a new connection, of the same class as those in Odoo's pool."""
        return _open(info, connection_factory=PsycoConnection)

    def give_back(self, connection: PsycoConnection, keep_in_pool: bool = False) -> None:
        """Close a connection."""
        connection.close()
