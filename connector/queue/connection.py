"""Raw connections to PostgreSQL, beside those of Odoo's pool."""

import psycopg2

from odoo.sql_db import connection_info_for


def connect(dbname):
    """Return a new autocommit connection to a database, READ COMMITTED, on which a lost peer is noticed within seconds."""
    _name, info = connection_info_for(dbname)
    connection = psycopg2.connect(**info, keepalives_idle=5, keepalives_interval=2, keepalives_count=3)
    connection.autocommit = True
    return connection
