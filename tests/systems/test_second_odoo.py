"""Connector to another Odoo, with real workers and two real other Odoos.

The other Odoos may be down, killed, or ask who we are.
"""

import importlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from psycopg2.errors import SerializationFailure

from odoo.modules.registry import Registry

from scripts import databases, servers

ERP, SHOPS = "connector_second_erp", ("connector_second_shop", "connector_second_other_shop")
IMPORTED = {
    "odoo.res.partner": ("res.partner", [("active", "=", True)]),
    "odoo.product.category": ("product.category", []),
    "odoo.product.product": ("product.product", [("active", "=", True)]),
}


@pytest.fixture(scope="module")
def erp(open_database):
    """Provide the database that has the connector."""
    databases.create_original(ERP, databases.installed(["connector_odoo_sale"], databases.template()))
    database = open_database(ERP)
    # prices without taxes are the same on both sides
    database.commit(lambda env: env.company.write({"account_sale_tax_id": False}))
    yield database
    Registry.delete(ERP)
    databases.drop(ERP)


class Shops:
    """The server of the other Odoos. It can be killed and started again, at the same address."""

    def __init__(self):
        self.port = servers.free_port()
        self.process = None

    def start(self):
        self.process = servers.Server("second_shops", SHOPS, "--max-cron-threads=0", port=self.port)
        self.process.wait_until_it_serves()

    def kill(self):
        self.process.kill()


@pytest.fixture(scope="module")
def server():
    """Provide the server of the other Odoos, started."""
    for name in SHOPS:
        databases.create(name, databases.template())
    server = Shops()
    server.start()
    yield server
    server.process.stop()
    for name in SHOPS:
        databases.drop(name)


@pytest.fixture(scope="module")
def shops(erp, server):
    """Return the other Odoos.

    They are copies of one database. So a message to the wrong one is not noticed there, but here.
    """
    remote_odoo = importlib.import_module("odoo.addons.connector_odoo.tests.other_odoo").RemoteOdoo
    return [remote_odoo(f"http://127.0.0.1:{server.port}", name) for name in SHOPS]


@pytest.fixture
def shop(shops, server):
    """Return the first of the other Odoos; start their server if it was killed."""
    if server.process.popen.poll() is not None:
        server.start()
    return shops[0]


@pytest.fixture(scope="module")
def start_worker(erp, server):
    """Provide a function that starts a worker and returns it.

    The worker has two processes with two threads each.
    """
    started = []

    def start():
        options = ("--database", ERP, "--processes", "2", "--threads", "2")
        started.append(servers.Process(f"second_worker_{len(started)}", "jobs_worker", *options))
        return started[-1]

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture(scope="module")
def module_worker(start_worker):
    return start_worker()


@pytest.fixture
def worker(module_worker, start_worker):
    """Return a running worker: that of the other tests, unless one of them has killed it."""
    return module_worker if module_worker.popen.poll() is None else start_worker()


class Backend:
    """A backend of the ERP, as the tests see it.

    :param erp: the database
    :param shop: the other Odoo
    :param values: further values of the record
    """

    def __init__(self, erp, shop, wait_until, **values):
        self._erp, self.shop, self._wait_until = erp, shop, wait_until
        access = {"location": shop.location, "database": shop.database, "login": shop.login, "api_key": shop.api_key}
        values = {"name": "Shop", **access, **values}
        self.id, self.channels = erp.commit(lambda env: self._created(env, values))

    def _created(self, env, values):
        policies = {name: values.pop(name) for name in ("conflict", "missing") if name in values}
        backend = env["odoo.backend"].create(values)
        backend.flow_ids.write({"is_on": True})
        backend.flow("partners").write(policies)
        return backend.id, [*backend.channel_id.ids, *backend.flow_ids.channel_id.ids]

    def commit(self, function):
        """Call ``function(backend record)`` in a new transaction, commit, return its result."""
        return self._erp.commit(lambda env: function(env["odoo.backend"].browse(self.id)))

    def import_all(self):
        """Run the imports of partners and products, and wait."""
        self.run("partners", "categories", "products")
        return self.wait()

    def run(self, *codes):
        """Run flows."""
        for code in codes:
            self.commit(lambda backend, code=code: backend.flow(code).action_run() and None)

    def import_partner(self, **values):
        """Import a new partner by a job; return its id there and the id of the partner here."""
        external_id = self.shop.create("res.partner", **values)
        self.delay("importer.record", "import_record", "odoo.res.partner", self.id, external_id)
        assert self.wait() == {"done": 1}
        return external_id, self.bound("odoo.res.partner")[str(external_id)]

    def delay(self, module, function, *arguments, **options):
        """Delay one of the framework's jobs in a transaction of its own."""
        session = importlib.import_module("odoo.addons.jobs_queue.session").ConnectorSession
        function = getattr(importlib.import_module(f"odoo.addons.connector.unit.{module}"), function)
        self._erp.commit(lambda env: function.delay(session.from_env(env), *arguments, **options) and None)

    def wait(self, timeout=120):
        """Wait until no job of the database waits; return the states of the backend's jobs.

        It is a dict, state to number of jobs.
        """
        waiting = "SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'failed', 'cancelled')"
        self._wait_until(lambda: not self._erp.value(waiting), timeout)
        return self.states()

    def states(self):
        """Return the number of the backend's jobs in each state."""
        query = "SELECT state, count(*) FROM queue_job WHERE channel_id = ANY(%s) GROUP BY state"
        return dict(self._erp.rows(query, self.channels))

    def messages(self, state="done"):
        """Return the messages of the backend's jobs in a state, those of the last job first."""
        query = "SELECT message FROM queue_job WHERE channel_id = ANY(%s) AND state = %s ORDER BY id DESC"
        return [message for (message,) in self._erp.rows(query, self.channels, state)]

    def bound(self, model_name):
        """Return the records that are bound, as a dict: external id to id here."""
        table = model_name.replace(".", "_")
        query = f"SELECT external_id, odoo_id FROM {table} WHERE backend_id = %s AND external_id IS NOT NULL"
        return dict(self._erp.rows(query, self.id))

    @property
    def state(self):
        return self.commit(lambda backend: backend.state)


@pytest.fixture
def connect(erp, worker, wait_until):
    """Return a function that creates a backend for another Odoo."""
    return lambda shop, **values: Backend(erp, shop, wait_until, **values)


@pytest.fixture
def backend(connect, shop):
    """Return a backend for the first of the other Odoos."""
    return connect(shop)


def new_contacts(shop, companies, contacts):
    """Create companies and contacts there; return the ids of both.

    The contacts belong to the companies in turn.
    """
    parents = shop.call(
        "res.partner", "create", vals_list=[{"name": f"Company {n}", "is_company": True} for n in range(companies)]
    )
    children = [{"name": f"Contact {n}", "parent_id": parents[n % companies]} for n in range(contacts)]
    return parents, shop.call("res.partner", "create", vals_list=children)


def new_order(shop, customer, *product_ids):
    """Create and confirm an order there; return its id."""
    lines = [[0, 0, {"product_id": product_id, "product_uom_qty": 3}] for product_id in product_ids]
    order_id = shop.create("sale.order", partner_id=customer, order_line=lines)
    shop.call("sale.order", "action_confirm", [order_id])
    return order_id


def new_products(shop, *prices):
    """Create products of a new category there; return their ids and that of the category.

    They have no taxes.
    """
    category = shop.create("product.category", name="Chairs")
    products = [
        shop.create("product.product", name=f"Chair of {price}", list_price=price, categ_id=category, taxes_id=[[5]])
        for price in prices
    ]
    return products, category


def there(shop, model_name):
    """Return the ids there of all records that an import takes, as the ERP writes them."""
    name, domain = IMPORTED[model_name]
    return {str(id_) for id_ in shop.call(name, "search", domain=domain)}


def row_versions(erp):
    """Return the versions of the ERP's rows, of records and bindings.

    The version of a row changes with each write to it.
    """
    tables = ("res_partner", "product_category", "product_product", "product_template")
    tables += tuple(name.replace(".", "_") for name in IMPORTED)
    return {name: dict(erp.rows(f"SELECT id, xmin::text FROM {name}")) for name in tables}


def test_two_odoos_are_imported_at_the_same_time_each_over_its_own_protocol(connect, shop, shops):
    new_contacts(shop, 2, 5)
    new_products(shops[1], 10, 20)
    backends = [connect(shops[0]), connect(shops[1], version="legacy")]
    for code in ("partners", "categories", "products"):
        for backend in backends:
            backend.run(code)
    for backend in backends:
        assert backend.wait().keys() == {"done"}
        for model_name in IMPORTED:
            assert backend.bound(model_name).keys() == there(backend.shop, model_name)


def test_a_second_import_writes_nothing(erp, backend):
    new_contacts(backend.shop, 1, 2)
    backend.import_all()
    before = row_versions(erp)
    assert backend.import_all().keys() == {"done"}
    assert row_versions(erp) == before
    assert any(message.endswith("up to date") for message in backend.messages())


def test_an_import_after_a_change_writes_that_record_alone(erp, backend):
    _companies, (contact, _other) = new_contacts(backend.shop, 1, 2)
    backend.import_all()
    before = row_versions(erp)
    backend.shop.call("res.partner", "write", [contact], vals={"function": "Carpenter"})
    backend.import_all()
    changed = set(row_versions(erp)["res_partner"].items()) - set(before["res_partner"].items())
    assert {id_ for id_, _version in changed} == {backend.bound("odoo.res.partner")[str(contact)]}


def test_an_order_brings_its_customer_and_products_and_is_confirmed_at_the_same_total(erp, backend):
    (company,), (customer,) = new_contacts(backend.shop, 1, 1)
    products, category = new_products(backend.shop, 19.99, 0.07)
    order = new_order(backend.shop, customer, *products)
    backend.delay("importer.record", "import_record", "odoo.sale.order", backend.id, order)
    assert backend.wait() == {"done": 1}
    assert backend.bound("odoo.res.partner").keys() == {str(company), str(customer)}
    assert backend.bound("odoo.product.product").keys() == set(map(str, products))
    assert str(category) in backend.bound("odoo.product.category")
    order_here = backend.bound("odoo.sale.order")[str(order)]
    ((state, total),) = erp.rows("SELECT state, amount_total FROM sale_order WHERE id = %s", order_here)
    assert (state, float(total)) == ("sale", 60.18)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("odoo_wins", ("ours", "ours")),
        ("external_wins", ("theirs", "theirs")),
        ("newest", ("ours", "ours")),
        ("ask", ("ours", "theirs")),
    ],
)
def test_a_conflict_is_decided_as_the_backend_says(erp, connect, shop, policy, expected):
    backend = connect(shop, conflict=policy)
    external_id, partner_id = backend.import_partner(name="Ada", phone="1")
    shop.call("res.partner", "write", [external_id], vals={"phone": "theirs"})
    erp.commit(lambda env: env["res.partner"].browse(partner_id).write({"phone": "ours"}))
    assert backend.wait().keys() == {"done"}
    here = erp.value("SELECT phone FROM res_partner WHERE id = %s", partner_id)
    assert (here, shop.read("res.partner", external_id, ["phone"])["phone"]) == expected


@pytest.mark.parametrize(("policy", "expected"), [("fail", "failed"), ("recreate", "done")])
def test_the_export_of_what_was_deleted_there_does_what_the_backend_says(erp, connect, shop, policy, expected):
    backend = connect(shop, missing=policy)
    external_id, partner_id = backend.import_partner(name=f"Ada {policy}", phone="1")
    shop.call("res.partner", "unlink", [external_id])
    erp.commit(lambda env: env["res.partner"].browse(partner_id).write({"phone": "2"}))
    backend.wait()
    job_state, sync_state = erp.rows(
        "SELECT j.state, b.sync_state FROM odoo_res_partner b JOIN queue_job j ON j.id = b.last_job_id WHERE b.odoo_id = %s",
        partner_id,
    )[0]
    assert (job_state, sync_state) == (expected, "missing" if expected == "failed" else "in_sync")
    assert shop.call("res.partner", "search_count", domain=[("name", "=", f"Ada {policy}")]) == (expected == "done")


def test_what_was_deleted_here_is_brought_back_by_a_comparison(erp, backend):
    external_id, partner_id = backend.import_partner(name="Deleted here")
    erp.commit(lambda env: env["res.partner"].browse(partner_id).unlink() and None)
    backend.delay("reconciler", "reconcile", "odoo.res.partner", backend.id, repair="import")
    assert backend.wait().keys() == {"done"}
    assert str(external_id) in backend.bound("odoo.res.partner")


def test_a_wrong_key_stops_its_own_backend_until_a_valid_one_is_entered(connect, shop, wait_until):
    wrong, valid = connect(shop, api_key="wrong"), connect(shop)
    _companies, contacts = new_contacts(shop, 1, 6)
    for backend in (wrong, valid):
        for contact in contacts:
            backend.delay("importer.record", "import_record", "odoo.res.partner", backend.id, contact, max_retries=1)
    wait_until(lambda: valid.states() == {"done": 6}, timeout=120)
    wait_until(lambda: wrong.state == "needs_attention", timeout=120)
    # as many jobs have met the wrong key as ran at once
    wait_until(lambda: wrong.states().keys().isdisjoint({"enqueued", "started"}))
    assert 1 <= wrong.states()["failed"] <= 4
    assert all(
        "refuses our credentials" in message or "refuses access" in message for message in wrong.messages("failed")
    )
    wrong.commit(lambda backend: backend.write({"api_key": shop.api_key}))
    assert wrong.wait() == {"done": 6}


def test_workers_that_meet_the_same_new_company_create_it_once(erp, backend):
    companies, contacts = new_contacts(backend.shop, 3, 24)
    for number, contact in enumerate(contacts):
        page = contacts[number::8]
        backend.delay("importer.record", "import_record", "odoo.res.partner", backend.id, contact)
        if number < 8:
            backend.delay("importer.bulk", "import_page", "odoo.res.partner", backend.id, external_ids=page)
    assert backend.wait() == {"done": 32}
    bound = backend.bound("odoo.res.partner")
    assert bound.keys() == {str(id_) for id_ in companies + contacts}
    assert (
        erp.value("SELECT count(*) FROM res_partner WHERE parent_id = ANY(%s)", [bound[str(id_)] for id_ in companies])
        == 24
    )


def test_products_that_two_odoos_call_by_one_code_are_one_here(erp, connect, shop, shops):
    backends = [connect(shop) for shop in shops]
    codes = [f"CODE-{number}" for number in range(24)]
    products = [{"name": "Chair", "default_code": code} for code in codes]
    ids = [other.call("product.product", "create", vals_list=products) for other in shops]
    for number in range(16):
        for backend, its_ids in zip(backends, ids, strict=True):
            backend.delay("importer.record", "import_record", "odoo.product.product", backend.id, its_ids[number])
    for backend, its_ids in zip(backends, ids, strict=True):
        backend.delay("importer.bulk", "import_page", "odoo.product.product", backend.id, external_ids=its_ids[12:])
    for backend in backends:
        assert backend.wait() == {"done": 17}
    here = [backend.bound("odoo.product.product") for backend in backends]
    one, other = ([bound[str(id_)] for id_ in its_ids] for bound, its_ids in zip(here, ids, strict=True))
    assert one == other
    assert erp.value("SELECT count(*) FROM product_product WHERE default_code = ANY(%s)", codes) == len(codes)


def test_workers_that_import_orders_of_one_new_customer_create_what_they_share_once(backend):
    (company,), (customer,) = new_contacts(backend.shop, 1, 1)
    products, _category = new_products(backend.shop, 5, 6)
    orders = [new_order(backend.shop, customer, *products) for _number in range(8)]
    for order in orders:
        backend.delay("importer.record", "import_record", "odoo.sale.order", backend.id, order)
    assert backend.wait() == {"done": 8}
    assert backend.bound("odoo.sale.order").keys() == set(map(str, orders))
    assert backend.bound("odoo.res.partner").keys() == {str(company), str(customer)}
    assert backend.bound("odoo.product.product").keys() == set(map(str, products))


def test_two_transactions_that_export_a_new_record_create_it_once(erp, backend):
    from odoo.addons.connector.unit.exporter.record import RecordExporter
    from odoo.addons.jobs_queue.exception import RetryableJobError

    name = "Exported twice at once"
    binding_id = erp.commit(lambda env: env["odoo.res.partner"].create({"name": name, "backend_id": backend.id}).id)
    both = threading.Barrier(2, timeout=60)

    def export(record):
        with record.work_on("odoo.res.partner") as environment:
            both.wait()
            return environment.get_connector_unit(RecordExporter).run(binding_id)

    def export_or_give_way(_number):
        with suppress(RetryableJobError, SerializationFailure):
            return backend.commit(export)

    with ThreadPoolExecutor(2) as pool:
        assert any(pool.map(export_or_give_way, range(2)))
    assert backend.shop.call("res.partner", "search_count", domain=[("name", "=", name)]) == 1


def test_a_change_comes_to_rest_on_both_sides(erp, backend):
    external_id, partner_id = backend.import_partner(name="Ada", phone="1")
    erp.commit(lambda env: env["res.partner"].browse(partner_id).write({"phone": "ours"}))
    assert backend.wait() == {"done": 2}
    for function in ("theirs", "theirs again"):
        backend.shop.call("res.partner", "write", [external_id], vals={"function": function})
        backend.run("partners")
        backend.wait()
    exports = "SELECT count(*) FROM queue_job WHERE function LIKE '%%export_record' AND channel_id = ANY(%s)"
    assert erp.value(exports, backend.channels) == 1
    assert erp.rows("SELECT phone, function FROM res_partner WHERE id = %s", partner_id) == [("ours", "theirs again")]


def test_what_is_changed_there_during_imports_arrives_with_the_next_one(erp, backend):
    contacts = new_contacts(backend.shop, 1, 10)[1]

    def change_there():
        for number in range(100):
            vals = {"function": f"Function {number}"}
            backend.shop.call("res.partner", "write", [contacts[number % 10]], vals=vals)

    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(change_there)
        while not changes.done():
            backend.run("partners")
            backend.wait()
        changes.result()
    backend.run("partners")
    assert backend.wait().keys() == {"done"}
    here = erp.rows(
        "SELECT b.external_id::int, p.function FROM odoo_res_partner b JOIN res_partner p ON p.id = b.odoo_id WHERE b.backend_id = %s",
        backend.id,
    )
    functions = {contact: f"Function {90 + number}" for number, contact in enumerate(contacts)}
    assert functions.items() <= dict(here).items()


def test_500_exports_wait_while_the_other_odoo_is_down_and_arrive_when_it_is_up_again(erp, backend, server, wait_until):
    contacts = new_contacts(backend.shop, 1, 500)[1]
    backend.delay("importer.bulk", "import_page", "odoo.res.partner", backend.id, external_ids=contacts)
    backend.wait()
    ids = [backend.bound("odoo.res.partner")[str(contact)] for contact in contacts]
    server.kill()
    erp.commit(
        lambda env: [partner.write({"phone": str(partner.id)}) for partner in env["res.partner"].browse(ids)] and None
    )
    wait_until(lambda: backend.state == "paused", timeout=120)
    server.start()
    assert backend.wait(timeout=300) == {"done": 501}
    probes = "SELECT count(*) FROM queue_job WHERE identity_key = %s"
    assert erp.value(probes, f"probe,odoo.backend,{backend.id}") == 1
    assert backend.state == "ready"
    phones = {
        record["id"]: record["phone"] for record in backend.shop.call("res.partner", "read", contacts, fields=["phone"])
    }
    assert phones == {contact: str(id_) for contact, id_ in zip(contacts, ids, strict=True)}


def test_an_import_goes_on_after_the_other_odoo_and_a_worker_were_killed_in_its_midst(
    backend, server, worker, start_worker, wait_until
):
    companies, contacts = new_contacts(backend.shop, 20, 2500)
    backend.run("partners")
    wait_until(lambda: backend.bound("odoo.res.partner"), timeout=120)
    server.kill()
    os.killpg(worker.pid, signal.SIGKILL)
    assert backend.states().keys() != {"done"}, "they were killed too late to interrupt anything"
    start_worker()
    server.start()
    assert backend.wait(timeout=300).keys() == {"done"}
    assert backend.bound("odoo.res.partner").keys() == there(backend.shop, "odoo.res.partner")
    assert {str(id_) for id_ in companies + contacts} <= backend.bound("odoo.res.partner").keys()


@pytest.mark.parametrize("version", ["19.0", "legacy"])
def test_what_is_created_there_while_the_other_odoo_is_killed_is_there_once(
    erp, connect, shop, server, wait_until, version
):
    backend = connect(shop, version=version)
    names = [f"New in {version} {number}" for number in range(100)]

    def bind(env):
        return env["odoo.res.partner"].create([{"name": name, "backend_id": backend.id} for name in names]).ids

    for binding_id in erp.commit(bind):
        backend.delay("exporter.record", "export_record", "odoo.res.partner", binding_id)
    for bound in (10, 40):
        wait_until(lambda bound=bound: len(backend.bound("odoo.res.partner")) >= bound, timeout=120)
        server.kill()
        server.start()
    assert backend.wait(timeout=300) == {"done": len(names)}
    found = shop.call("res.partner", "search_read", domain=[("name", "in", names)], fields=["name"])
    assert sorted(record["name"] for record in found) == sorted(names)
    assert backend.bound("odoo.res.partner").keys() == {str(record["id"]) for record in found}
