"""Connection of a worker that is cut inside the COMMIT of a job: the job has one effect.

The worker does not know the outcome of the COMMIT.
"""

import threading

import pytest

from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.session import ConnectorSession

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


@pytest.mark.parametrize("names", [[MARK], [MARK, "its companion"]], ids=["one job", "jobs that run together"])
@pytest.mark.parametrize(
    ("reaches_server", "outcomes"),
    [(True, ["done"]), (False, ["interrupted", "done"])],
    ids=["after the server has it", "before the server has it"],
)
def test_jobs_whose_connection_is_cut_inside_their_commit_have_their_effects_once(
    names, reaches_server, outcomes, database, jobs, worker, wait_until, tmp_path, effects, attempts
):
    with databases.cursor() as cr:
        server = cr.connection.info.host
    if not server.startswith("/"):
        pytest.skip(f"PostgreSQL at {server} is not reached by a socket on which a line can be cut")
    cutter = CommitCutter(tmp_path, server, reaches_server)
    worker("--db_host", str(tmp_path))
    first = wait_until(lambda: database.value("SELECT uuid FROM queue_worker"))
    calls = [("key", name) for name in names]
    database.commit(lambda env: delay_many(ConnectorSession.from_env(env), jobs.leave_effects, "test.effect", calls))
    ids = [id_ for (id_,) in database.rows("SELECT id FROM queue_job")]
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'"))
    wait_until(lambda: database.value("SELECT count(*) FROM queue_worker WHERE uuid <> %s", first))
    assert cutter.cuts == 1
    assert effects() == names
    assert [attempts(id_) for id_ in ids] == [outcomes] * len(names)
    assert database.value("SELECT max(retry) FROM queue_job") == 0
