"""Kill of a worker in the midst of the steps of shop orders; another worker takes over."""

import os
import signal
from datetime import datetime

import psycopg2
import pytest

from scripts import databases, servers

ORDERS = 60


@pytest.fixture(scope="module")
def shop(open_database):
    """Provide a database with a shop whose orders go through all steps."""
    installed = databases.installed(["test_connector_ecommerce"], databases.template())
    name = "connector_order_workflow"
    databases.create_original(name, installed)
    database = open_database(name)
    database.commit(create_shop)
    yield database
    database.close()
    databases.drop(name)


def create_shop(env):
    company = env.company
    env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
    backend = env["corner.backend"].create(
        {"name": "Corner", "company_id": company.id, "confirm_since": datetime(2026, 1, 1)}
    )
    journal = env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", company.id)], limit=1)
    env["connector.payment.rule"].create(
        {
            "backend_id": f"corner.backend,{backend.id}",
            "company_id": company.id,
            "code": "card",
            "name": "Card",
            "confirm": True,
            "invoice": "confirmation",
            "post_invoice": True,
            "register_payment": True,
            "journal_id": journal.id,
        }
    )


def import_orders(env, first=0, count=ORDERS):
    """Create orders of the shop as an import does, and let their steps go on."""
    product = env["product.product"].create({"name": "Chair", "type": "consu", "invoice_policy": "order"})
    customer = env["res.partner"].create({"name": "Ada", "country_id": env.ref("base.be").id})
    line = {"product_id": product.id, "product_uom_qty": 2, "price_unit": 10, "tax_ids": False}
    values = {
        "backend_id": env["corner.backend"].search([]).id,
        "partner_id": customer.id,
        "date_order": datetime(2026, 2, 3),
        "external_total": 20,
        "external_currency": env.company.currency_id.name,
        "payment_code": "card",
        "paid_amount": 20,
        "payment_date": datetime(2026, 2, 3),
        "order_line": [(0, 0, line)],
    }
    numbers = [f"C-{number}" for number in range(first, first + count)]
    orders = env["corner.sale.order"].create(
        [{**values, "external_id": number, "external_number": number} for number in numbers]
    )
    orders._delay_workflow()
    return orders.ids


def numbers_of(shop, table, where="true"):
    return shop.value(f"SELECT count(*) FROM {table} WHERE {where}")


INVOICES = "account_move", "move_type = 'out_invoice'"


@pytest.mark.parametrize("table", ["stock_picking", "account_move", "account_payment"])
def test_a_killed_worker_confirms_invoices_and_pays_nothing_twice(shop, wait_until, table):
    """The worker is killed while it waits to confirm, to invoice or to pay."""
    before = [numbers_of(shop, *INVOICES), numbers_of(shop, "account_payment"), numbers_of(shop, "stock_picking")]
    shop.commit(lambda env: import_orders(env, first=before[0]))
    lock = psycopg2.connect(dbname=shop.name)
    lock.cursor().execute(f"LOCK TABLE {table} IN SHARE MODE")
    with worker(shop, "killed_worker") as killed:
        wait_until(lambda: shop.value("SELECT 1 FROM pg_locks WHERE relation = %s::regclass AND NOT granted", table))
        assert started(shop)
        os.killpg(killed.pid, signal.SIGKILL)
    lock.close()
    with worker(shop, "next_worker"):
        wait_until(lambda: not shop.value("SELECT 1 FROM queue_job WHERE state NOT IN ('done', 'failed')"), timeout=120)
    assert shop.rows("SELECT message FROM queue_job WHERE state <> 'done'") == []
    assert shop.rows("SELECT shop_workflow FROM sale_order WHERE shop_workflow IS NOT NULL") == []
    after = [numbers_of(shop, *INVOICES), numbers_of(shop, "account_payment"), numbers_of(shop, "stock_picking")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [ORDERS] * 3
    paid = "move_type = 'out_invoice' AND payment_state IN ('paid', 'in_payment')"
    assert numbers_of(shop, "account_move", paid) == after[0]


def test_two_imports_of_an_order_at_once_invoice_and_pay_it_once(shop, wait_until):
    ids = shop.commit(lambda env: import_orders(env, first=10_000, count=5))
    before = [numbers_of(shop, *INVOICES), numbers_of(shop, "account_payment")]
    for _again in range(3):
        shop.commit(lambda env: env["corner.sale.order"].browse(ids)._delay_workflow())
    with worker(shop, "one_worker"), worker(shop, "other_worker"):
        wait_until(lambda: not shop.value("SELECT 1 FROM queue_job WHERE state NOT IN ('done', 'failed')"), timeout=120)
    assert shop.rows("SELECT message FROM queue_job WHERE state <> 'done'") == []
    after = [numbers_of(shop, *INVOICES), numbers_of(shop, "account_payment")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [5, 5]


def test_a_person_who_invoices_and_pays_at_the_same_time_is_in_the_way_of_the_job(shop, wait_until):
    """The person commits while the job waits for them; it begins again and finds nothing to do."""
    [id_] = shop.commit(lambda env: import_orders(env, first=20_000, count=1))
    shop.commit(lambda env: env["corner.sale.order"].browse(id_).odoo_id.action_confirm())

    def by_hand(env):
        order = env["corner.sale.order"].browse(id_).odoo_id
        invoice = order._create_invoices()
        invoice.action_post()
        wizard = env["account.payment.register"].with_context(active_model="account.move", active_ids=invoice.ids)
        wizard.create({}).action_create_payments()
        env.flush_all()
        with worker(shop, "waiting_worker"):
            wait_until(lambda: shop.value("SELECT 1 FROM pg_locks WHERE NOT granted"))
            env.cr.commit()
            wait_until(lambda: not shop.value("SELECT 1 FROM queue_job WHERE state NOT IN ('done', 'failed')"))

    shop.commit(by_hand)
    order = "SELECT odoo_id FROM corner_sale_order WHERE id = %s"
    origin = f"SELECT name FROM sale_order WHERE id = ({order})"
    assert shop.value(f"SELECT count(*) FROM account_move WHERE invoice_origin = ({origin})", id_) == 1
    assert shop.rows("SELECT message FROM queue_job WHERE state <> 'done'") == []


def worker(shop, name):
    return servers.Process(name, "jobs_worker", "--database", shop.name)


def started(shop):
    return shop.value("SELECT 1 FROM queue_job WHERE state = 'started'")
