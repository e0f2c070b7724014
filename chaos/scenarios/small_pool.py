"""Scenario: the pool of a process has fewer connections than the process has databases.

The process is a worker, then Odoo's own server, which also answers requests.
"""

import requests

from scripts import databases, servers

from ..load import delay_lines
from ..scenario import Scenario, not_done, rows, wait_for, wait_for_all

DATABASES = [f"connector_chaos_pool_{number}" for number in range(6)]
JOBS = 12
POOL = ("--db_maxconn", "4")


class SmallPool(Scenario):
    name = "several databases, a small pool"

    def _run(self):
        try:
            for dbname in DATABASES:
                databases.create_original(dbname, self.template)
            return self._by_a_worker() | self._by_a_server()
        finally:
            for dbname in DATABASES:
                databases.drop(dbname)

    def _by_a_worker(self):
        self._delay()
        with servers.Process("chaos_pool", "jobs_worker", "-d", ",".join(DATABASES), "--threads", "4", *POOL):
            wait_for_all(*DATABASES)
        return {"jobs that a worker has not done": self._not_done()}

    def _by_a_server(self):
        self._delay()
        refused = []
        with servers.Server("chaos_pool_server", DATABASES, "--max-cron-threads", "1", *POOL) as server:

            def all_have_ended():
                for dbname in DATABASES:
                    answer = requests.get(f"{server.url}/web/login", params={"db": dbname}, timeout=60)
                    if answer.status_code != 200:
                        refused.append((dbname, answer.status_code))
                return not any(rows(dbname, WAITING) for dbname in DATABASES)

            wait_for(all_have_ended)
        return {"jobs that a server has not done": self._not_done(), "requests that it did not answer": refused}

    def _delay(self):
        for dbname in DATABASES:
            delay_lines(dbname, self.log, short=JOBS)

    def _not_done(self):
        return [(dbname, *row) for dbname in DATABASES for row in not_done(dbname)]


WAITING = "SELECT FROM queue_job WHERE state NOT IN ('done', 'cancelled', 'failed') LIMIT 1"
