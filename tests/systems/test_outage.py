"""Outage of an external system, with real workers.

The jobs of that system wait and end by themselves, the jobs of others go on.
"""

import importlib
import random
import socket
import time

import pytest

JOBS = 500


@pytest.fixture
def site():
    """Return a function that starts a site, and the address of the site.

    The port stays the same when the site is stopped and started.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = importlib.import_module("odoo.addons.connector.testing.server")
    return lambda answer: server.local_server(answer, port), f"http://127.0.0.1:{port}"


@pytest.fixture
def backend_id(database, site):
    def create(env):
        values = {"name": "Shop", "location": site[1], "breaker_threshold": 5}
        return env["test.shop.backend"].create(values).id

    return database.commit(create)


def page(request):
    return importlib.import_module("odoo.addons.connector.testing.server").Answer({"title": "Home"})


def delay_reading(database, jobs, backend_id, count, max_retries=1):
    def delay(env):
        session = importlib.import_module("odoo.addons.jobs_queue.session").ConnectorSession.from_env(env)
        for number in range(count):
            jobs.read_page.delay(session, "test.shop.page", backend_id, number, max_retries=max_retries)

    database.commit(delay)


def state_of(database, backend_id):
    return database.value("SELECT state FROM connector_backend_status WHERE backend_id = %s", backend_id)


def test_a_shop_that_is_down_for_the_length_of_500_jobs_stops_no_other_and_fails_none(
    database, jobs, delay, worker, state, site, backend_id, wait_until
):
    serve, _url = site
    delay_reading(database, jobs, backend_id, JOBS)
    worker("--processes", "2")
    wait_until(lambda: state_of(database, backend_id) == "paused")
    other = delay(jobs.do_nothing)
    wait_until(lambda: state(other) == "done")
    assert database.value("SELECT count(*) FROM queue_job WHERE function LIKE '%%read_page' AND state = 'done'") == 0
    with serve(page) as server:
        wait_until(
            lambda: database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == JOBS + 2, timeout=120
        )
        asked = len([request for request in server.requests if request.path.startswith("/pages")])
    assert asked == JOBS
    assert database.rows("SELECT state, sum(retry) FROM queue_job WHERE function LIKE '%%read_page' GROUP BY 1") == [
        ("done", 0)
    ]
    assert state_of(database, backend_id) == "ready"


def test_refused_credentials_fail_one_job_and_the_others_wait_until_somebody_enters_new_ones(
    database, jobs, worker, site, backend_id, wait_until
):
    serve, _url = site
    is_accepted = []
    server_module = importlib.import_module("odoo.addons.connector.testing.server")
    with serve(lambda request: page(request) if is_accepted else server_module.Answer(status=401)):
        delay_reading(database, jobs, backend_id, 20)
        worker()
        wait_until(lambda: state_of(database, backend_id) == "needs_attention")
        is_accepted.append(True)
        database.commit(lambda env: env["test.shop.backend"].browse(backend_id).action_resume())
        wait_until(
            lambda: not database.value("SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'failed')"),
            timeout=120,
        )
    states = dict(database.rows("SELECT state, count(*) FROM queue_job GROUP BY 1"))
    assert states == {"failed": 1, "done": 19}


def test_a_refusal_of_credentials_that_were_replaced_meanwhile_stops_nothing(database, backend_id):
    def refused(env):
        backend = env["test.shop.backend"].browse(backend_id)
        assert backend.name == "Shop"
        database.commit(lambda env: env["test.shop.backend"].browse(backend_id).write({"name": "Attended to"}))
        backend.note_refused("wrong key")

    database.commit(refused)
    assert state_of(database, backend_id) == "ready"


def wait_until_all_are_done(database, wait_until):
    """Wait until all jobs have ended; fail unless each is done by its first try."""
    wait_until(
        lambda: not database.value("SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'failed', 'cancelled')"),
        timeout=240,
    )
    assert database.rows("SELECT DISTINCT state, retry FROM queue_job WHERE function LIKE '%%read_page'") == [
        ("done", 0)
    ]


def test_the_workers_share_the_rate_limit_of_a_shop(database, jobs, worker, site, backend_id, wait_until):
    rate, threads = 20, 4
    database.commit(lambda env: env["test.shop.backend"].browse(backend_id).write({"rate_limit": rate}))
    asked_at = []

    def answer(request):
        asked_at.append(time.monotonic())
        return page(request)

    with site[0](answer):
        delay_reading(database, jobs, backend_id, 120)
        worker("--processes", "2", "--threads", "2")
        wait_until_all_are_done(database, wait_until)
    assert len(asked_at) == 120
    # a bucket that is full at first, and a request of each thread that was late
    most = {(i, j): rate + rate * (asked_at[j] - asked_at[i]) + threads for j in range(120) for i in range(j)}
    assert not [(i, j) for (i, j), allowed in most.items() if j - i + 1 > allowed]


def test_no_job_fails_in_a_shop_that_asks_to_wait_when_it_is_asked_too_often(
    database, jobs, worker, site, backend_id, wait_until
):
    answer_module = importlib.import_module("odoo.addons.connector.testing.server").Answer
    taken_at = []

    def answer(request):
        now = time.monotonic()
        if len([then for then in taken_at if now - then < 1]) >= 50:
            return answer_module(status=429, headers={"Retry-After": "1"})
        taken_at.append(now)
        return page(request)

    with site[0](answer) as server:
        delay_reading(database, jobs, backend_id, JOBS)
        worker("--processes", "2", "--threads", "2")
        wait_until_all_are_done(database, wait_until)
    assert len(taken_at) == JOBS
    assert len(server.requests) < 1.5 * JOBS


def test_no_job_fails_in_a_shop_that_is_unavailable_for_one_request_in_three(
    database, jobs, worker, site, backend_id, wait_until
):
    answer_module = importlib.import_module("odoo.addons.connector.testing.server").Answer
    chance = random.Random(1)
    with site[0](lambda request: answer_module(status=503) if chance.random() < 0.33 else page(request)):
        delay_reading(database, jobs, backend_id, 200)
        worker("--processes", "2", "--threads", "2")
        wait_until_all_are_done(database, wait_until)


def test_a_system_that_only_a_job_can_probe_goes_on_when_it_is_back(database, jobs, worker, wait_until, tmp_path):
    folder = tmp_path / "shop"
    values = {"name": "Files", "version": "file", "location": str(folder), "breaker_threshold": 2}
    backend_id = database.commit(lambda env: env["test.shop.backend"].create(values).id)
    delay_reading(database, jobs, backend_id, 20, max_retries=5)
    worker()
    wait_until(lambda: state_of(database, backend_id) == "paused")
    folder.mkdir()
    for number in range(20):
        (folder / str(number)).write_text(f"Page {number}")
    states = "SELECT state, count(*) FROM queue_job WHERE function LIKE '%%read_page' GROUP BY 1"
    wait_until(lambda: database.rows(states) == [("done", 20)], timeout=120)
    assert state_of(database, backend_id) == "ready"
