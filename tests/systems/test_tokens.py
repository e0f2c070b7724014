"""Tokens of OAuth 2 and real worker processes: one renewal for all, and none that is lost."""

import importlib
import os
import signal
import threading
from urllib.parse import parse_qs

import pytest

WORKERS = 8


class Shop:
    """A shop with pages for who has the valid token.

    It accepts each refresh token once, as systems do that take who sends one again for a thief.

    :ivar valid: the access token that is valid
    :ivar renewals: how many were given
    """

    def __init__(self):
        self.valid, self.renewals = None, 0
        self.refused = threading.Semaphore(0)
        self.refusals_before_renewal = 0
        self._refresh = "r0"
        self._answer = importlib.import_module("odoo.addons.connector.testing").Answer

    def answer(self, request):
        if request.path == "/oauth/token":
            return self._token(parse_qs(request.body.decode())["refresh_token"][0])
        if request.headers.get("Authorization") == f"Bearer {self.valid}":
            return self._answer({"title": "Home"})
        self.refused.release()
        return self._answer({"message": "The token has expired"}, 401)

    def _token(self, refresh):
        if refresh != self._refresh:
            return self._answer({"error": "invalid_grant", "error_description": f"{refresh} was used before"}, 400)
        for _refusal in range(self.refusals_before_renewal):
            assert self.refused.acquire(timeout=30), "not all workers were refused"
        self.renewals += 1
        self.valid, self._refresh = f"t{self.renewals}", f"r{self.renewals}"
        return self._answer({"access_token": self.valid, "refresh_token": self._refresh, "expires_in": 3600})

    def expire(self):
        """Accept the present token no more, and give another one when all workers were refused."""
        self.valid, self.refusals_before_renewal = None, WORKERS


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


def test_eight_workers_with_one_expired_token_renew_it_once(database, shop, read_pages, worker, wait_until):
    worker("--processes", str(WORKERS))
    gate = read_pages(WORKERS, "first")
    wait_until(lambda: reached(gate) == WORKERS)  # each process knows the token now
    gate.touch()
    assert shop.renewals == 1
    shop.expire()
    gate = read_pages(WORKERS, "second")
    wait_until(lambda: reached(gate) == WORKERS)
    gate.touch()
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'"))
    assert shop.renewals == 2
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
    assert shop.renewals == 1
