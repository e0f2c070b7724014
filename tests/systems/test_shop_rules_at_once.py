"""Two orders at once that bring the same new code or the same new customer, with real workers."""

import importlib

import psycopg2
import pytest

from scripts import databases, servers

SHOP = "test_connector_ecommerce"


@pytest.fixture(scope="module")
def database_of_shop(open_database):
    """Provide a database with the corner shop."""
    name = "connector_shop_rules"
    databases.create_original(name, databases.installed([SHOP], databases.template()))
    database = open_database(name)
    yield database
    database.close()
    databases.drop(name)


@pytest.fixture
def corner(database_of_shop):
    """Provide a corner shop, and the id of a backend for it."""
    corner_shop = importlib.import_module(f"odoo.addons.{SHOP}.tests.corner_shop")
    shop = corner_shop.CornerShop()
    shop.add_good("g-1", "CHAIR", "Chair", 1999)
    testing = importlib.import_module("odoo.addons.connector.testing")
    with testing.local_server(shop.answer) as server:
        values = {"name": "Corner", "location": server.url, "key": corner_shop.KEY}
        yield shop, database_of_shop.commit(lambda env: env["corner.backend"].create(values).id)


@pytest.mark.parametrize("table", ["connector_payment_rule", "connector_delivery_method", "res_partner"])
def test_two_orders_that_come_at_once_make_what_is_new_once(database_of_shop, corner, wait_until, table):
    """Both workers have begun, and found nothing, before one of them can create it."""
    database, (shop, backend_id) = database_of_shop, corner
    database.commit(lambda env: know_all_but(env, backend_id, table))
    place = {"road": "Main Street 1", "post_code": "10115", "town": "Berlin", "land": "DE"}
    mail = f"{table}@example.com"
    for ref in ("P-1", "P-2"):
        shop.place(ref, {"full_name": "Grace Hopper", "mail": mail, "place": place}, [("g-1", 1)])
    lock = psycopg2.connect(dbname=database.name)
    lock.cursor().execute(f"LOCK TABLE {table} IN SHARE MODE")
    database.commit(lambda env: delay_imports(env, backend_id))
    with worker(database, "one_worker"), worker(database, "other_worker"):
        wait_until(lambda: database.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == 2)
        lock.close()
        wait_until(lambda: not database.value("SELECT 1 FROM queue_job WHERE state NOT IN ('done', 'failed')"))
    assert database.rows("SELECT message FROM queue_job WHERE state <> 'done'") == []
    backend = f"corner.backend,{backend_id}"
    of_backend = "WHERE backend_id = %s"
    assert database.value(f"SELECT count(*) FROM connector_payment_rule {of_backend}", backend) == 1
    assert database.value(f"SELECT count(*) FROM connector_delivery_method {of_backend}", backend) == 1
    guests = "SELECT count(*) FROM res_partner WHERE email = %s AND parent_id IS NULL"
    assert database.value(guests, mail) == 1
    assert database.value(f"SELECT count(*) FROM corner_sale_order {of_backend}", backend_id) == 2
    new = {"connector_payment_rule": 2, "connector_delivery_method": 1, "res_partner": 0}[table]
    assert database.value(f"SELECT count(*) FROM connector_checkpoint {of_backend}", backend) == new


def know_all_but(env, backend_id, table):
    """Let the shop be known, so that the orders meet at the rows of one table."""
    values = {"backend_id": f"corner.backend,{backend_id}"}
    if table != "connector_payment_rule":
        env["connector.payment.rule"].create({**values, "code": "card", "name": "Card"})
    if table == "res_partner":
        carrier = env.ref("delivery.free_delivery_carrier")
        env["connector.delivery.method"].create({**values, "code": "post", "name": "Post", "carrier_id": carrier.id})
    binding = {"backend_id": backend_id, "external_id": "g-1", "name": "Chair", "type": "consu"}
    env["corner.product.product"].create(binding)


def delay_imports(env, backend_id):
    import_record = importlib.import_module("odoo.addons.connector.unit.importer.record").import_record
    session = importlib.import_module("odoo.addons.connector").ConnectorSession.from_env(env)
    for ref in ("P-1", "P-2"):
        import_record.delay(session, "corner.sale.order", backend_id, ref)


def worker(database, name):
    return servers.Process(name, "jobs_worker", "--database", database.name)
