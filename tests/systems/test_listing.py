"""Real workers import a long list that changes; they are killed, and the import continues."""

import importlib
import os
import signal
import threading
import time

import pytest

PAGE = 100
PAGES_OF_A_SEGMENT = 10
#: The process whose job lists
LISTS = "SELECT pid FROM queue_worker WHERE id IN (SELECT worker_id FROM queue_job WHERE state = 'started' AND function ~ %s)"


class Shop:
    """A shop with a list of partners.

    :param number: how many there are
    :ivar asked: the offsets that were asked for
    :ivar before_answer: function of the number of requests so far, called before each answer
    :param seconds: how long an answer takes
    """

    def __init__(self, number, seconds=0):
        self.ids = list(range(1, number + 1))
        self.asked = []
        self.before_answer = lambda number: None
        self._seconds = seconds
        self._lock = threading.Lock()
        self._answer = importlib.import_module("odoo.addons.connector.testing").Answer

    def answer(self, request):
        with self._lock:
            offset = int(request.params["offset"])
            self.asked.append(offset)
            self.before_answer(len(self.asked))
            page, total = self.ids[offset : offset + PAGE], len(self.ids)
        time.sleep(self._seconds)
        return self._answer({"items": [{"id": id_, "name": f"Partner {id_}"} for id_ in page], "total": total})


@pytest.fixture
def begin(database):
    """Return a function that begins the import from a shop, and returns the shop."""
    testing = importlib.import_module("odoo.addons.connector.testing")
    servers = []

    def begin_with(shop):
        servers.append(testing.local_server(shop.answer))
        url = servers[-1].__enter__().url
        connector = importlib.import_module("odoo.addons.connector")

        def delay(env):
            env["connector.watermark"].search([]).unlink()
            backend = env["test.shop.backend"].create({"name": "Shop", "location": url, "version": "listed"})
            session = connector.ConnectorSession.from_env(env)
            connector.import_batch.delay(session, "test.shop.partner", backend.id)
            return backend.id

        shop.backend_id = database.commit(delay)
        return shop

    yield begin_with
    for server in servers:
        server.__exit__(None, None, None)


def waiting(database):
    return database.value("SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'cancelled')")


def imported(database, shop):
    rows = database.rows("SELECT external_id FROM test_shop_partner WHERE backend_id = %s", shop.backend_id)
    return sorted(int(external_id) for (external_id,) in rows)


def watermark(database, shop):
    return database.value("SELECT value FROM connector_watermark WHERE backend_id = %s", shop.backend_id)


def results(database):
    return " ".join(result for (result,) in database.rows("SELECT result FROM queue_job WHERE result IS NOT NULL"))


def test_a_list_is_read_to_its_end_whichever_segment_is_killed(database, begin, worker, wait_until):
    shop = Shop(3550)
    killed = set()

    def kill(number):
        """Kill the process that lists, in the midst of each segment, once."""
        offset = shop.asked[-1]
        if offset % (PAGE * PAGES_OF_A_SEGMENT) == 500 and offset not in killed:
            killed.add(offset)
            os.kill(database.value(LISTS, "import_(batch|segment)$"), signal.SIGKILL)

    shop.before_answer = kill
    worker("--processes", "2")
    begin(shop)
    wait_until(lambda: not waiting(database), timeout=120)
    assert killed == {500, 1500, 2500, 3500}
    assert imported(database, shop) == shop.ids
    assert "up to date" not in results(database)
    pages = len(shop.ids) // PAGE + 2
    segments = pages // PAGES_OF_A_SEGMENT
    assert len(shop.asked) <= pages + segments + len(killed) * (PAGES_OF_A_SEGMENT + 1)
    assert watermark(database, shop)
    assert database.value("SELECT count(*) FROM connector_listing") == 0


def test_records_that_were_there_from_beginning_to_end_are_imported_from_a_list_that_shrinks(
    database, begin, worker, wait_until
):
    shop = Shop(3000)
    gone = set()

    def shrink(number):
        if shop.asked[-1] % (PAGE * PAGES_OF_A_SEGMENT) == 0 and shop.asked[-1]:
            gone.update(shop.ids[:150])
            del shop.ids[:150]

    shop.before_answer = shrink
    worker("--processes", "2")
    begin(shop)
    wait_until(lambda: not waiting(database), timeout=120)
    assert gone
    assert set(range(1, 3001)) - gone <= set(imported(database, shop))
    assert "up to date" not in results(database)


def test_the_first_page_is_imported_while_the_list_is_read(database, begin, worker, wait_until):
    shop = Shop(5000, seconds=0.02)
    worker("--processes", "2")
    begin(shop)
    wait_until(lambda: imported(database, shop), timeout=30)
    assert len(shop.asked) < len(shop.ids) // PAGE
    wait_until(lambda: not waiting(database), timeout=120)
    assert imported(database, shop) == shop.ids
