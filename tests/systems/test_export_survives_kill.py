"""Kill of a worker during an export that creates a record in a shop.

It happens between the creation of the record and the commit of the record's id.
"""

import json
import os
import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest


class Shop:
    """A shop over HTTP that creates a record at once, and answers when the test lets it."""

    def __init__(self):
        self.records = []
        self.created = threading.Event()
        self.may_answer = threading.Event()

    def create(self, record):
        self.records.append(record)
        self.created.set()
        self.may_answer.wait()
        return len(self.records)

    def find(self, key):
        return next((id_ for id_, record in enumerate(self.records, start=1) if record["key"] == key), None)

    @contextmanager
    def serving(self):
        """Serve on a free port during the block; the value is the address."""
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.answer(shop.create(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

            def do_GET(self):
                self.answer(shop.find(parse_qs(urlsplit(self.path).query)["key"][0]))

            def answer(self, record_id):
                self.send_response_only(200)
                self.end_headers()
                self.wfile.write(json.dumps({"id": record_id}).encode())

            def log_message(self, *args):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/partners"
            finally:
                self.may_answer.set()
                server.shutdown()


@pytest.fixture
def binding(database, jobs):
    """Return a function that creates a partner's binding to a shop at an address.

    It returns the id of the binding.
    """

    def create(location):
        def create(env):
            backend = env["test.shop.backend"].create({"name": "Shop", "version": "http", "location": location})
            return env["test.shop.partner"].create({"name": "Ada", "backend_id": backend.id}).id

        return database.commit(create)

    return create


def test_a_record_is_created_once_though_its_worker_is_killed_before_it_stores_the_id(
    database, worker, binding, state, wait_until
):
    from odoo.addons.connector.unit.exporter.record import export_record
    from odoo.addons.jobs_queue.session import ConnectorSession

    shop = Shop()
    with shop.serving() as location:
        binding_id = binding(location)
        job_id = database.commit(
            lambda env: export_record.delay(ConnectorSession.from_env(env), "test.shop.partner", binding_id).id
        )
        killed = worker()
        assert shop.created.wait(120)
        os.killpg(killed.pid, signal.SIGKILL)
        shop.may_answer.set()
        worker()
        wait_until(lambda: state(job_id) == "done", timeout=120)

    assert len(shop.records) == 1
    assert database.value("SELECT external_id FROM test_shop_partner WHERE id = %s", binding_id) == "1"
    assert database.value("SELECT count(*) FROM connector_export_intent") == 0
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE job_id = %s", job_id) == 2
