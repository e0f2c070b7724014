"""The smallest connector of README.md, as it is written there."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from scripts import databases
from scripts.paths import ODOO, ROOT
from scripts.programs import run

CUSTOMERS = {"1": {"id": 1, "name": "Ada", "mail": "ada@example.com"}, "2": {"id": 2, "name": "Grace", "mail": None}}


@pytest.fixture
def addons_path(tmp_path):
    """Return an addons path with the addon that README.md shows."""
    files = re.findall(r"^`(my_shop/\w+\.py)`:\n\n```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert [name for name, _code in files] == ["my_shop/__manifest__.py", "my_shop/__init__.py"]
    (tmp_path / "my_shop").mkdir()
    for name, code in files:
        (tmp_path / name).write_text(code)
    return f"{ROOT},{tmp_path}"


@pytest.fixture
def shop():
    """Provide the address of a shop with two customers."""
    server = HTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        _root, _customers, *ids = self.path.split("/")
        answer = CUSTOMERS[ids[0]] if ids else list(CUSTOMERS.values())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args):
        """Write no log."""


def test_the_smallest_connector_imports_the_customers(addons_path, shop):
    name = "connector_test_readme"
    databases.create(name, databases.template(databases.BASE))
    odoo = [ODOO, f"--addons-path={addons_path}"]
    try:
        run([*odoo, "server", "-d", name, "-i", "my_shop", "--stop-after-init", "--no-http"], "see the log.")
        script = f"""
backend = env["my.shop.backend"].create({{"name": "Shop", "location": "{shop}"}})
from odoo.addons.jobs_queue.jobs import BY_CODE
backend.with_context(connector_no_delay=BY_CODE).flow("customers").action_run()
print(sorted((customer.external_id, customer.name, customer.email) for customer in env["my.shop.customer"].search([])))
"""
        printed = run([*odoo, "shell", "-d", name, "--no-http"], "see the log.", input=script)
    finally:
        databases.drop(name)
    assert "[('1', 'Ada', 'ada@example.com'), ('2', 'Grace', False)]" in printed
