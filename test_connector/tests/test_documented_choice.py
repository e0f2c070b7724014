"""What docs/first_hour.md shows of choosing what is synchronised, as it is written there."""

import re
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering

from ..units import webshop
from .test_http_adapter import HttpCase

PAGE = Path(__file__).parents[2] / "docs" / "first_hour.md"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PACKAGE = "documented_choice"


class TestDocumentedChoice(HttpCase):
    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        backend = ModuleType(f"{PACKAGE}.backend")
        backend.shop = webshop
        self.enterContext(patch.dict(sys.modules, {PACKAGE: ModuleType(PACKAGE), backend.__name__: backend}))
        self.names = {"__name__": f"{PACKAGE}.unit.orders", "__package__": f"{PACKAGE}.unit"}
        section = PAGE.read_text().partition("## Choose what is synchronised\n")[2].partition("\n## ")[0]
        for block in CODE.findall(section):
            exec(block, self.names)

    def test_a_run_asks_as_the_page_says(self):
        self.serve(lambda request: Answer([]))
        self.backend.location = self.server.url
        environment = self.environment()
        environment.filters = {"status": ["paid"], "since": "2026-01-31", "gifts": True}
        adapter = self.names["Orders"](environment)
        list(adapter.pages(adapter.with_chosen({"updated_since": "2026-01-30"})))
        params = self.server.requests[-1].params
        asked = {"status": "paid", "created_after": "2026-01-31", "is_gift": "yes", "updated_since": "2026-01-30"}
        self.assertEqual({name: params.get(name) for name in asked}, asked)
        self.assertTrue(adapter.is_chosen({"status": "paid", "created_at": "2026-02-01T08:00:00Z"}))
        self.assertFalse(adapter.is_chosen({"status": "open", "created_at": "2026-02-01T08:00:00Z"}))
        self.assertFalse(adapter.is_chosen({"status": "paid", "created_at": "2026-01-01T08:00:00Z"}))

    def test_the_screen_shows_what_the_page_says(self):
        filters = self.names["Orders"].filters
        labels = [found.label_of(name, self.env) for name, found in filters.items()]
        self.assertEqual(labels, ["Status", "Store", "Ordered since", "Gifts only"])

    def test_the_filters_of_another_odoo_are_a_domain(self):
        class Adapter:
            chosen = {"category": ["7"]}
            with_chosen = self.names["with_chosen"]

        self.assertEqual(Adapter().with_chosen([("id", ">", 0)]), [("id", ">", 0), ("categ_id", "child_of", [7])])

    def test_an_export_flow_begins_with_the_domain_that_it_declares(self):
        self.assertEqual(self.names["ProductsExportFlow"].domain, [("sale_ok", "=", True)])

    def test_an_exporter_may_switch_the_record_off_there(self):
        class Adapter:
            def write(adapter, external_id, values):
                self.written = external_id, values

        exporter = self.names["ProductExporter"](self.environment())
        exporter.external_id, exporter.backend_adapter = "7", Adapter()
        self.assertEqual(exporter._handle_left(), "Not chosen any more: switched off there.")
        self.assertEqual(self.written, ("7", {"status": "disabled"}))
