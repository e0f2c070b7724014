"""Tokens of OAuth 2 and real worker processes: one renewal for all, and none that is lost."""

import importlib
import os
import signal
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
import requests

from scripts import servers

WORKERS = 8


class Shop:
    """A shop with pages for who has the valid token.

    It accepts each refresh token once, as systems do that take who sends one again for a thief.

    :ivar valid: the access token that is valid
    :ivar asked: how many times it was asked for a token
    :ivar before_answer: function that is called before a token is given
    """

    def __init__(self):
        self.valid, self.asked = None, 0
        self.before_answer = lambda: None
        self._refresh = "r0"
        self._answer = importlib.import_module("odoo.addons.connector.testing").Answer

    def answer(self, request):
        if request.path == "/oauth/token":
            form = parse_qs(request.body.decode())
            return self._token(form.get("refresh_token", ["r0"])[0])
        if request.headers.get("Authorization") == f"Bearer {self.valid}":
            return self._answer({"title": "Home"})
        return self._answer({"message": "The token has expired"}, 401)

    def _token(self, refresh):
        self.asked += 1
        self.before_answer()
        if refresh != self._refresh:
            return self._answer({"error": "invalid_grant", "error_description": f"{refresh} was used before"}, 400)
        self.valid, self._refresh = f"t{self.asked}", f"r{self.asked}"
        return self._answer({"access_token": self.valid, "refresh_token": self._refresh, "expires_in": 3600})


@pytest.fixture
def shop():
    shop = Shop()
    with importlib.import_module("odoo.addons.connector.testing").local_server(shop.answer) as server:
        shop.url = server.url
        yield shop


@pytest.fixture
def read_pages(database, jobs, shop, tmp_path):
    """Return a function that delays jobs which read a page and then wait for a gate.

    It returns the gate, which is a path.
    """

    def create(env):
        values = {"name": "Shop", "location": shop.url, "version": "oauth", "stored_webhook_secret": "r0"}
        return env["test.shop.backend"].create(values).id

    backend_id = database.commit(create)

    def delay(count, name):
        gate = tmp_path / name

        def delay_in(env):
            session = importlib.import_module("odoo.addons.jobs_queue.session").ConnectorSession.from_env(env)
            for number in range(count):
                jobs.read_page_and_wait.delay(session, "test.shop.page", backend_id, number, str(gate))

        database.commit(delay_in)
        return gate

    return delay


def reached(gate):
    return len(list(gate.parent.glob(f"{gate.name}.reached.*")))


def token(database):
    return database.rows("SELECT access_token, refresh_token, number FROM connector_token")


def waiting(open_database, database):
    """Return how many workers wait for the one that renews the token."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%connector_token%%'"
    return open_database(database.name).value(query)


def test_eight_workers_with_one_expired_token_renew_it_once(
    database, open_database, shop, read_pages, worker, wait_until
):
    worker("--processes", str(WORKERS))
    gate = read_pages(WORKERS, "first")
    wait_until(lambda: reached(gate) == WORKERS)  # each process knows the token now
    gate.touch()
    assert shop.asked == 1
    shop.valid = None
    shop.before_answer = lambda: wait_until(lambda: waiting(open_database, database) == WORKERS - 1 or shop.asked > 2)
    gate = read_pages(WORKERS, "second")
    wait_until(lambda: reached(gate) == WORKERS)
    gate.touch()
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'"))
    assert shop.asked == 2
    assert token(database) == [("t2", "r2", 2)]
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE outcome <> 'done'") == 0


def test_a_token_that_was_renewed_is_there_after_the_kill_of_the_job_that_renewed_it(
    database, shop, read_pages, worker, wait_until
):
    database.commit(lambda env: env["connector.token"].sudo().search([]).unlink())
    worker()
    gate = read_pages(1, "killed")
    wait_until(lambda: reached(gate))
    os.kill(database.value("SELECT pid FROM queue_worker"), signal.SIGKILL)
    assert token(database) == [("t1", "r1", 1)]
    gate.touch()
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'"))
    assert shop.asked == 1


def test_a_job_that_waits_too_long_for_the_renewal_is_tried_again(database, shop, read_pages, monkeypatch):
    monkeypatch.setattr(importlib.import_module("odoo.addons.connector.models.connector_token"), "_PATIENCE", 0.2)
    read_pages(0, "none")
    backend = database.value("SELECT max(id) FROM test_shop_backend")
    database.rows(
        "INSERT INTO connector_token (backend_model, backend_id, purpose, number) VALUES ('test.shop.backend', %s, 'p', 0)"
        " RETURNING id",
        backend,
    )
    retryable = importlib.import_module("odoo.addons.jobs_queue.exception").RetryableJobError
    with psycopg2.connect(dbname=database.name) as holder, holder.cursor() as cr:
        cr.execute("SELECT FROM connector_token WHERE purpose = 'p' FOR UPDATE")

        def ask_for(env):
            record = env["test.shop.backend"].browse(backend)
            env["connector.token"]._current(record, "p", None, lambda refresh: pytest.fail("two ask at once"))

        with pytest.raises(retryable, match="Another job has been renewing the token of Shop"):
            database.commit(ask_for)


def test_a_person_authorises_us_and_the_job_that_has_failed_is_done(database, jobs, shop, worker, wait_until):
    def create(env):
        values = {"name": "Shop", "location": shop.url, "version": "person", "rate_limit": 100}
        return env["test.shop.backend"].create(values).id

    backend = database.commit(create)

    def delay(env):
        session = importlib.import_module("odoo.addons.jobs_queue.session").ConnectorSession.from_env(env)
        jobs.read_page.delay(session, "test.shop.page", backend, 1)

    state = "SELECT state FROM connector_backend_status WHERE backend_id = %s"
    database.commit(delay)
    worker()
    wait_until(lambda: database.value("SELECT state FROM queue_job") == "failed")
    assert database.value(state, backend) == "needs_attention"
    with (
        servers.Server("authorising_server", [database.name], "--max-cron-threads=0") as server,
        requests.Session() as browser,
    ):
        login = {"db": database.name, "login": "admin", "password": "admin"}
        call(browser, server, "/web/session/authenticate", login)
        button = {"model": "test.shop.backend", "method": "action_authorize", "args": [[backend]], "kwargs": {}}
        page = call(browser, server, "/web/dataset/call_button", button)["url"]
        sent = parse_qs(urlsplit(page).query)
        answer = browser.get(
            server.url + urlsplit(sent["redirect_uri"][0]).path,
            params={"state": sent["state"][0], "code": "c0de"},
            allow_redirects=False,
            timeout=60,
        )
        assert (answer.status_code, answer.headers.get("Location", answer.text)) == (
            303,
            f"/odoo/test.shop.backend/{backend}",
        )
        wait_until(lambda: database.value("SELECT state FROM queue_job") == "done")
    assert database.value(state, backend) == "ready"


def call(browser, server, path, params):
    """Call a JSON route of Odoo, and return its result."""
    body = {"jsonrpc": "2.0", "method": "call", "params": params}
    answer = browser.post(server.url + path, json=body, timeout=60).json()
    assert "error" not in answer, answer["error"]["data"]["debug"]
    return answer["result"]
