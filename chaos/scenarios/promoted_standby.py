"""Scenario: the primary dies while jobs run, and its standby is promoted.

Each worker finds the standby by itself.
"""

import shutil
import tempfile
from contextlib import contextmanager

from scripts import cluster, databases, postgres, servers
from scripts.cluster import Cluster

from ..load import delay_lines
from ..scenario import (
    Scenario,
    environment_variables,
    not_done,
    rows,
    wait_for,
    wait_for_all,
    wrong_effects,
)

DATABASE = "connector_chaos_standby"
WORKERS = 3  # those that are not the first to come back see those that have not come back yet
STARTED = "SELECT id FROM queue_job WHERE state = 'started'"


class PromotedStandby(Scenario):
    name = "a standby that is promoted"

    def _run(self):
        with copy_of(self.cluster) as primary, environment_variables(postgres.variables(primary)):
            databases.create_original(DATABASE, self.template)
            delay_lines(DATABASE, self.log, short=60, slow=3 * WORKERS, max_retries=1)
            with copy_of(primary, "--write-recovery-conf") as standby:
                either = f"{primary.socket_folder},{standby.socket_folder}"
                with environment_variables({"PGHOST": either, "PGTARGETSESSIONATTRS": "read-write"}):
                    return self._fail_over(primary, standby)

    def _fail_over(self, primary, standby):
        workers = [
            servers.Process(f"chaos_standby_{number}", "jobs_worker", "-d", DATABASE) for number in range(WORKERS)
        ]
        try:
            wait_for(lambda: len(rows(DATABASE, STARTED)) == WORKERS)
            primary.stop("immediate")
            standby.promote()
            wait_for_all(DATABASE)
        finally:
            for worker in workers:
                worker.stop()
        found = {
            "jobs that are not done": not_done(DATABASE),
            "jobs that count a try": rows(DATABASE, "SELECT id, retry FROM queue_job WHERE retry > 0"),
            **wrong_effects(DATABASE),
        }
        databases.drop(DATABASE)
        return found


@contextmanager
def copy_of(server, *options):
    """Run a copy of a running cluster, during the block."""
    folder = tempfile.mkdtemp(prefix="chaos")
    shutil.chown(folder, *cluster.owner())
    copy = Cluster(folder, fsync="off")
    copy.copy(server, *options)
    try:
        copy.start()
        yield copy
    finally:
        copy.remove()
