"""Observer of a database while it is under attack."""

import threading
from collections import Counter
from contextlib import suppress

import psycopg2

from scripts import databases


class Observer:
    """Observer of one database, also while its server comes and goes.

    :param dbname: name of the database
    """

    def __init__(self, dbname):
        self.dbname = dbname
        self.most_leases = Counter()  # of each channel and key, what was seen at once
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample)

    def __enter__(self):
        self._sampler.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._sampler.join()

    def rows(self, query, values=()):
        """Return the rows of a query, or None while the server is away."""
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError), databases.cursor(self.dbname) as cr:
            cr.execute(query, values)
            return cr.fetchall()

    def value(self, query, values=()):
        """Return the first column of the first row of a query, or None."""
        rows = self.rows(query, values)
        return rows[0][0] if rows else None

    def _sample(self):
        while not self._over.is_set():
            with suppress(psycopg2.OperationalError, psycopg2.InterfaceError), databases.cursor(self.dbname) as cr:
                cr.connection.autocommit = True
                while not self._over.wait(0.03):
                    cr.execute(_LEASES)
                    for name, leases in cr.fetchall():
                        self.most_leases[name] = max(self.most_leases[name], leases)
            self._over.wait(0.3)


# A batch is one lease
_LEASES = """
    WITH leased AS (SELECT * FROM queue_job WHERE state IN ('enqueued', 'started'))
    SELECT channel.complete_name, count(DISTINCT leased.lease_token)
    FROM leased JOIN queue_job_channel channel ON channel.id = leased.channel_id GROUP BY 1
    UNION ALL
    SELECT concurrency_key, count(*) FROM leased WHERE concurrency_key IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT identity_key, count(*) FROM leased WHERE identity_key IS NOT NULL GROUP BY 1
"""
