"""The update of a database in which connector_odoo_stock had its settings of its own."""

import io
import subprocess
import tarfile

import pytest

from scripts import databases
from scripts.paths import ODOO, ROOT
from scripts.programs import run

FORMER = "6dd2d14ad772315f37f80a1434d14c1f2a011d3f"  # connector_odoo_stock 19.0.3.0.0
ADDONS = ["jobs_queue", "connector", "connector_base_product", "connector_odoo", "connector_odoo_stock"]
DATABASE = "connector_stock_updated"
SET = """
warehouse = env["stock.warehouse"].create({"name": "Shop", "code": "SHOP"})
env["odoo.backend"].create({
    "name": "Berlin", "location": "https://shop.example.com", "database": "shop", "api_key": "k3y",
    "stock_warehouse_id": warehouse.id, "external_warehouse": "THERE",
}).flow("stock").is_on = True
env.cr.commit()
"""


@pytest.fixture(scope="module")
def updated(tmp_path_factory):
    """Provide a database that was made with the former addons, used, and then updated."""
    folder = tmp_path_factory.mktemp("former")
    archive = subprocess.run(["git", "-C", ROOT, "archive", FORMER, *ADDONS], check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    databases.create(DATABASE, databases.template())
    former = [f"--addons-path={folder}", "--database", DATABASE, "--no-http"]
    run([ODOO, *former, "--init", "connector_odoo_stock", "--stop-after-init"], "read the log.", log="odoo.log")
    run([ODOO, "shell", *former], "read the log.", log="odoo.log", input=SET)
    addons = "jobs_queue,connector"
    databases.odoo("--database", DATABASE, "--update", addons, "--stop-after-init", "--no-http")
    yield DATABASE
    databases.drop(DATABASE)


def test_the_settings_of_a_backend_stay(updated):
    with databases.cursor(updated) as cr:
        cr.execute("""
            SELECT warehouse.code, external_warehouse, stock_quantity, COALESCE(stock_whole_units, false)
            FROM odoo_backend JOIN stock_warehouse warehouse ON warehouse.id = stock_warehouse_id
        """)
        assert cr.fetchall() == [("SHOP", "THERE", "on_hand", False)]
        cr.execute("SELECT state FROM ir_module_module WHERE name = 'connector_stock'")
        assert cr.fetchall() == [("installed",)]
        cr.execute("SELECT is_on FROM connector_flow WHERE code = 'stock'")
        assert cr.fetchall() == [(True,)]
