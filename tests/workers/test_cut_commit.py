"""Connection of a worker that is cut inside the COMMIT of a job: the job has one effect.

The worker does not know the outcome of the COMMIT.
"""

import threading

import pytest

from chaos.proxy import Proxy
from scripts import databases

MARK = "cut the line at my commit"


class CommitCutter(Proxy):
    """Proxy that cuts the line on which the mark was sent, at the COMMIT, once.

    :param reaches_server: whether the server executes the COMMIT; then its answer is lost
    """

    def __init__(self, folder, server, reaches_server):
        self.cuts = 0
        self._reaches_server = reaches_server
        self._marked = self._answering = None
        self._cut = ()
        self._lock = threading.Lock()
        super().__init__(folder, server)

    def _relay(self, data, source, target):
        with self._lock:
            # only a query counts: an answer may hold the mark, too
            if data.startswith(b"Q") and MARK.encode() in data:
                self._marked = source
            is_last = source is self._marked and b"COMMIT" in data and not self.cuts
            if is_last:
                self.cuts += 1
                if self._reaches_server:
                    self._answering = target
            if source is self._answering or (is_last and not self._reaches_server):
                self._cut = (source, target)
        if source in self._cut:
            raise ConnectionResetError
        super()._relay(data, source, target)


@pytest.mark.parametrize(
    ("reaches_server", "outcomes"),
    [(True, ["done"]), (False, ["interrupted", "done"])],
    ids=["after the server has it", "before the server has it"],
)
def test_a_job_whose_connection_is_cut_inside_its_commit_has_its_effect_once(
    reaches_server, outcomes, database, jobs, delay, worker, state, wait_until, tmp_path
):
    with databases.cursor() as cr:
        server = cr.connection.info.host
    if not server.startswith("/"):
        pytest.skip(f"PostgreSQL at {server} is not reached by a socket on which a line can be cut")
    cutter = CommitCutter(tmp_path, server, reaches_server)
    worker("--db_host", str(tmp_path))
    first = wait_until(lambda: database.value("SELECT uuid FROM queue_worker"))
    job = delay(jobs.leave_effect, MARK)
    wait_until(lambda: state(job) == "done")
    wait_until(lambda: database.value("SELECT count(*) FROM queue_worker WHERE uuid <> %s", first))
    assert cutter.cuts == 1
    assert database.rows("SELECT name FROM test_effect") == [(MARK,)]
    assert [outcome for (outcome,) in database.rows("SELECT outcome FROM queue_job_attempt ORDER BY id")] == outcomes
    assert database.value("SELECT retry FROM queue_job WHERE id = %s", job) == 0
