"""Scenario: a busy database is copied, and the copy is declared a production database, too.

The copy is on the same server.
"""

from scripts import cluster, databases, servers

from ..load import delay_lines
from ..scenario import Scenario, not_done, rows, wait_for, wait_for_all, wrong_effects

ORIGINAL, COPY = "connector_chaos_original", "connector_chaos_copy"
OPTIONS = ("--processes", "2", "--threads", "2")
LIVES = "SELECT uuid FROM queue_worker ORDER BY uuid"


class AdoptedCopy(Scenario):
    name = "a copy that is adopted"

    def _run(self):
        try:
            databases.create_original(ORIGINAL, self.template)
            delay_lines(ORIGINAL, self.log, short=60, slow=12, max_retries=1)
            with servers.Process("chaos_original", "jobs_worker", "-d", ORIGINAL, *OPTIONS):
                wait_for(lambda: rows(ORIGINAL, "SELECT FROM queue_job WHERE state = 'started' LIMIT 1"))
                lives = rows(ORIGINAL, LIVES)
                self._copy()
                with servers.Process("chaos_copy", "jobs_worker", "-d", COPY, *OPTIONS):
                    wait_for_all(ORIGINAL, COPY)
                    ended = [uuid for uuid in lives if uuid not in rows(ORIGINAL, LIVES)]
            return {
                "workers of the original that were ended": ended,
                "jobs of the original that were disturbed": rows(
                    ORIGINAL, "SELECT job_id, outcome FROM queue_job_attempt WHERE outcome <> 'done'"
                ),
                "jobs that are not done": not_done(ORIGINAL) + not_done(COPY),
                "jobs of the copy that count a try": rows(COPY, "SELECT id, retry FROM queue_job WHERE retry > 0"),
            } | {what: found + wrong_effects(COPY)[what] for what, found in wrong_effects(ORIGINAL).items()}
        finally:
            databases.drop(COPY)
            databases.drop(ORIGINAL)

    def _copy(self):
        """Dump and restore the database; the original does not notice it."""
        dump = self.folder / "dump"
        cluster.client("pg_dump", "--format=custom", "--compress=none", f"--file={dump}", ORIGINAL)
        databases.drop(COPY)
        databases.execute("CREATE DATABASE {}", COPY)
        databases.mark(COPY)
        cluster.client("pg_restore", "--no-owner", "--no-comments", f"--dbname={COPY}", dump)
        databases.adopt(COPY)
