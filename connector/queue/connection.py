"""Raw connections to PostgreSQL, beside those of Odoo's pool, and cursors of that pool."""

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tools import config


def connect(dbname):
    """Return a new autocommit connection to a database, READ COMMITTED, on which a lost peer is noticed within seconds."""
    _name, info = connection_info_for(dbname)
    connection = psycopg2.connect(**info, keepalives_idle=5, keepalives_interval=2, keepalives_count=3)
    connection.autocommit = True
    return connection


def notice_lost_peer(connection):
    """Have the server notice within 3 seconds that this side of a direct TCP connection is gone, also when the machine was switched off."""
    with connection.cursor() as cr:
        cr.execute("SET tcp_keepalives_idle = 1; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2")


def is_pooled(connection):
    """Tell whether a pooler such as PgBouncer stands between: it invents the process that it names when one connects.

    Behind it there is no LISTEN and no setting of a session, and a connection says nothing about who lives.
    """
    with connection.cursor() as cr:
        cr.execute("SELECT pg_backend_pid()")
        return cr.fetchone()[0] != connection.info.backend_pid


def cursor_of(registry):
    """Return a new cursor of a registry's database, also after a restart of PostgreSQL.

    Odoo's pool passes over an idle connection that the server has closed when psycopg2 raises OperationalError. Sometimes that is a plain
    DatabaseError at first; then the pool raises it, once for each such connection.
    """
    for _stale in range(config["db_maxconn"]):
        try:
            return registry.cursor()
        except psycopg2.DatabaseError as error:
            if type(error) is not psycopg2.DatabaseError:
                raise
    return registry.cursor()
