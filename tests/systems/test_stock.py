"""Real workers tell a shop the stock that people change at once."""

import contextlib
import importlib
import json
import os
import random
import signal
import threading

import pytest
from psycopg2 import OperationalError

from scripts import databases

PRODUCTS = 60
CHANGES = 40  # of each person


class Shop:
    """A shop that takes the levels of many articles by one call, and keeps the last ones."""

    def __init__(self):
        self.levels, self.calls = {}, 0
        self.before_answer = lambda: None
        self._lock = threading.Lock()
        self._answer = importlib.import_module("odoo.addons.connector.testing").Answer

    def answer(self, request):
        levels = json.loads(request.body)
        with self._lock:
            self.calls += 1
            self.levels.update({level["article"]: level["pieces"] for level in levels})
        self.before_answer()
        return self._answer({"refused": {}})


@pytest.fixture(scope="module")
def installed():
    """Return the name of a database with the small shop of the tests, to be copied."""
    return databases.installed(["test_connector_ecommerce"], databases.template())


@pytest.fixture
def shop(database):
    """Provide a shop that has a backend with bound products; the flow of the stock is on."""
    testing = importlib.import_module("odoo.addons.connector.testing")
    shop = Shop()

    def create(env, url):
        warehouse = env["stock.warehouse"].search([], limit=1)
        values = {"name": "Shop", "version": "levels", "location": url, "stock_warehouse_id": warehouse.id}
        backend = env["corner.backend"].create(values)
        backend.flow("stock").is_on = True
        products = env["product.product"].create([{"name": f"Tea {n}", "is_storable": True} for n in range(PRODUCTS)])
        values = [{"backend_id": backend.id, "odoo_id": p.id, "external_id": f"{backend.id}-{p.id}"} for p in products]
        env["corner.product.product"].create(values)
        return backend.id, products.ids, warehouse.lot_stock_id.id

    with testing.local_server(shop.answer) as server:
        shop.backend_id, shop.product_ids, shop.location_id = database.commit(lambda env: create(env, server.url))
        yield shop
        database.commit(lambda env: env["corner.backend"].browse(shop.backend_id).write({"active": False}) and None)


def receive(database, shop, numbers):
    """Receive products: for each number a transaction of its own."""
    for number in numbers:

        def change(env, number=number):
            quants, location = env["stock.quant"], env["stock.location"].browse(shop.location_id)
            for product_id in sorted(random.Random(number).sample(shop.product_ids, 3)):
                quants._update_available_quantity(env["product.product"].browse(product_id), location, 1)

        while True:
            with contextlib.suppress(OperationalError):  # two people at once: Odoo tries again
                database.commit(change)
                break


def on_hand(database, shop):
    rows = database.rows(
        "SELECT product_id, sum(quantity) FROM stock_quant WHERE location_id = %s AND product_id = ANY(%s) GROUP BY 1",
        shop.location_id,
        shop.product_ids,
    )
    return {f"{shop.backend_id}-{product_id}": int(quantity) for product_id, quantity in rows}


def is_over(database):
    return not database.value("SELECT 1 FROM queue_job WHERE state NOT IN ('done', 'failed', 'cancelled') LIMIT 1")


def test_what_several_people_change_at_once_is_told_as_it_is_in_the_end(database, shop, worker, wait_until):
    worker("--processes", "4")
    people = [
        threading.Thread(target=receive, args=(database, shop, range(n * CHANGES, (n + 1) * CHANGES))) for n in range(4)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    wait_until(lambda: is_over(database), timeout=120)
    assert shop.levels == on_hand(database, shop)
    assert database.value("SELECT count(*) FROM queue_job WHERE state = 'failed'") == 0
    assert shop.calls <= 4 * CHANGES, "There is more than one call for each transaction"
    assert dict(
        database.rows("SELECT external_id, told_quantity FROM corner_product_product WHERE told_quantity > 0")
    ) == (shop.levels)


def test_what_a_killed_worker_was_telling_is_told_by_the_next_one(database, shop, worker, wait_until):
    first = worker()
    called = threading.Event()
    shop.before_answer = lambda: (called.set(), threading.Event().wait(2))
    receive(database, shop, range(5))
    assert called.wait(60)
    os.killpg(first.pid, signal.SIGKILL)
    shop.before_answer = lambda: None
    receive(database, shop, range(5, 10))
    worker()
    wait_until(lambda: is_over(database), timeout=120)
    assert shop.levels == on_hand(database, shop)
