"""Real workers run the flows of a backend, while people switch them off and on."""

import importlib
import os
import signal
import threading

import pytest

FLOWS = [f"part_{number}" for number in range(10)]
PAGE = 100


class Shop:
    """A shop whose partners are in ten parts, one for each flow.

    :param number: of the partners of a part
    :ivar asked: how often a page was asked for
    :ivar before_answer: function without arguments, called before each answer
    """

    def __init__(self, number):
        self.ids = {code: [1000 * n + id_ for id_ in range(1, number + 1)] for n, code in enumerate(FLOWS, 1)}
        self.asked = 0
        self.before_answer = lambda: None
        self._lock = threading.Lock()
        self._answer = importlib.import_module("odoo.addons.connector.testing").Answer

    def answer(self, request):
        with self._lock:
            self.asked += 1
            self.before_answer()
        offset, ids = int(request.params["offset"]), self.ids[request.params["part"]]
        page = [{"id": id_, "name": f"Partner {id_}"} for id_ in ids[offset : offset + PAGE]]
        return self._answer({"items": page, "total": len(ids)})


@pytest.fixture
def backend(database):
    """Return a function that creates the backend of a shop, and returns a function to call it."""
    testing = importlib.import_module("odoo.addons.connector.testing")
    servers = []

    def create(shop):
        servers.append(testing.local_server(shop.answer))
        url = servers[-1].__enter__().url
        values = {"name": "Shop", "location": url, "version": "flows"}
        backend_id = database.commit(lambda env: env["test.shop.backend"].create(values).id)
        shop.backend_id = backend_id

        def call(function):
            return database.commit(lambda env: function(env["test.shop.backend"].browse(backend_id)) and None)

        return call

    yield create
    for server in servers:
        server.__exit__(None, None, None)


def waiting(database):
    return database.value("SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'failed', 'cancelled')")


def imported(database, shop):
    rows = database.rows("SELECT external_id FROM test_shop_partner WHERE backend_id = %s", shop.backend_id)
    return sorted(int(external_id) for (external_id,) in rows)


def all_of(shop):
    return sorted(id_ for ids in shop.ids.values() for id_ in ids)


def test_ten_flows_that_run_at_once_are_not_serialized_by_their_backend_or_rows(database, backend, worker, wait_until):
    shop = Shop(300)
    call = backend(shop)
    versions = "SELECT xmin::text FROM connector_flow UNION ALL SELECT xmin::text FROM test_shop_backend"
    worker("--processes", "4")
    call(lambda record: record.flow_ids.action_run())
    before = sorted(database.rows(versions))
    wait_until(lambda: not waiting(database), timeout=120)
    assert imported(database, shop) == all_of(shop)
    assert sorted(database.rows(versions)) == before
    # two listings of one model that end together note its fields one after the other
    elsewhere = "strpos(exc_info, 'connector_external_field.py') = 0"
    refused = "SELECT exc_info FROM queue_job_attempt WHERE exc_name ~ 'Serialization|LockNotAvailable' AND "
    assert database.rows(refused + elsewhere) == []


def test_an_import_that_is_switched_off_and_on_in_its_midst_loses_no_record(database, backend, worker, wait_until):
    shop = Shop(900)
    call = backend(shop)
    switched = threading.Event()

    def switch():
        if shop.asked == 3:
            call(lambda record: record.flow("part_0").action_switch_off())
            switched.set()

    shop.before_answer = switch
    call(lambda record: record.flow("part_0").action_run())
    worker("--processes", "2")
    wait_until(lambda: switched.is_set() and not waiting(database), timeout=120)
    assert not database.value("SELECT count(*) FROM connector_watermark WHERE backend_id = %s", shop.backend_id)
    call(lambda record: record.flow("part_0").action_switch_on())
    wait_until(lambda: not waiting(database), timeout=120)
    assert imported(database, shop) == shop.ids["part_0"]
    assert database.value("SELECT flow FROM connector_watermark WHERE backend_id = %s", shop.backend_id) == ""


def test_a_flow_whose_worker_is_killed_in_its_midst_is_run_to_its_end(database, backend, worker, wait_until):
    shop = Shop(900)
    call = backend(shop)
    killed = threading.Event()
    pid = "SELECT pid FROM queue_worker WHERE id IN (SELECT worker_id FROM queue_job WHERE state = 'started')"

    def kill():
        if shop.asked == 3 and not killed.is_set():
            killed.set()
            os.kill(database.value(pid), signal.SIGKILL)

    shop.before_answer = kill
    worker("--processes", "2")
    call(lambda record: record.flow("part_3").action_run())
    wait_until(lambda: killed.is_set() and not waiting(database), timeout=120)
    assert imported(database, shop) == shop.ids["part_3"]
    assert database.value("SELECT flow FROM connector_watermark WHERE backend_id = %s", shop.backend_id) == "part_3"
