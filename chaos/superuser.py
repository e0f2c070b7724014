"""Statements that only an administrator of PostgreSQL may execute."""

import time
from contextlib import closing

import psycopg2

PATIENCE = 30  # seconds


def execute(statement, dbname="postgres"):
    """Execute a statement as the superuser, also while the server is just coming back."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with closing(psycopg2.connect(dbname=dbname, user="postgres")) as connection:
                connection.autocommit = True
                with connection.cursor() as cr:
                    cr.execute(statement)
                    return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
