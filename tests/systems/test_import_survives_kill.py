"""Kill of a worker during an import of the demo; another worker takes over."""

import os
import signal

import pytest

from scripts import databases
from scripts.paths import ODOO
from scripts.programs import run
from scripts.run import Demo


@pytest.fixture
def demo():
    demo = Demo("connector_kill_shop", "connector_kill_erp")
    demo.create_databases()
    yield demo
    databases.drop(demo.erp)
    databases.drop(demo.shop)


def test_an_import_survives_the_kill_of_its_worker(demo, wait_until):
    create_contacts_of_companies(demo)
    records_before = count_records(demo)
    with demo.server() as server:
        backend = demo.create_backend(server, demo.create_api_key())
        with demo.worker("killed_worker") as worker:
            backend.import_all()
            wait_until(lambda: count_bound_partners(demo))
            os.killpg(worker.pid, signal.SIGKILL)
        left = demo.count_jobs()
        assert left.waiting, "the worker was killed too late to interrupt anything"
        with demo.worker("next_worker"):
            wait_until(lambda: not demo.count_jobs().waiting, timeout=120)

    assert demo.job_messages("state <> 'done'") == []
    for name, there, here in demo.ids():
        assert here == there, f"{name} are missing or twice"
    bound = {name: len(here) for name, _there, here in demo.ids()}
    records = count_records(demo)
    assert {name: records[name] - records_before[name] for name in bound} == bound
    assert done_twice(demo) == []


def create_contacts_of_companies(demo):
    """Create contacts in the shop, enough for several pages, and then their companies.

    All of these pages depend on the companies.
    """
    script = """
partners = env["res.partner"]
contacts = partners.create([{"name": f"Contact {number}"} for number in range(2500)])
companies = partners.create([{"name": f"Company {number}", "is_company": True} for number in range(20)])
for number, company in enumerate(companies):
    contacts[number::20].parent_id = company
env.cr.commit()
"""
    run([ODOO, "shell", "--database", demo.shop, "--no-http"], "read the log.", log="odoo.log", input=script)


def count_bound_partners(demo):
    with databases.cursor(demo.erp) as cr:
        cr.execute("SELECT count(*) FROM odoo_res_partner")
        return cr.fetchone()[0]


def count_records(demo):
    """Return the numbers of partners, categories and products in the ERP, bound or not."""
    tables = {"Partners": "res_partner", "Product categories": "product_category", "Products": "product_product"}
    with databases.cursor(demo.erp) as cr:
        counts = {}
        for name, table in tables.items():
            cr.execute(f"SELECT count(*) FROM {table}")
            (counts[name],) = cr.fetchone()
        return counts


def done_twice(demo):
    """Return the ids of the jobs that were done more than once."""
    with databases.cursor(demo.erp) as cr:
        cr.execute("SELECT job_id FROM queue_job_attempt WHERE outcome = 'done' GROUP BY job_id HAVING count(*) > 1")
        return cr.fetchall()
