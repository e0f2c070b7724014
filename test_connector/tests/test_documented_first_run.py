"""What docs/first_hour.md shows of the first run, as it is written there."""

import re
from pathlib import Path
from types import SimpleNamespace

from .common import ShopCase

PAGE = Path(__file__).parents[2] / "docs" / "first_hour.md"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class TestDocumentedFirstRun(ShopCase):
    def step(self, **values):
        section = PAGE.read_text().partition("## First run\n")[2].partition("\n## ")[0]
        (code,) = CODE.findall(section)
        names = {"__name__": "odoo.addons.documented_first_run.models.backend"}
        exec(code, names)
        return names["ShopBackend"]._old_orders_step(SimpleNamespace(env=self.env, **values))

    def test_the_step_leads_to_its_field_until_that_is_filled(self):
        step = self.step(confirmed_since=False)
        shown = step.shown(self.backend)
        self.assertEqual((shown["state"], shown["button"], shown["field"]), ("to_do", "Choose", "confirmed_since"))
        self.assertEqual(self.step(confirmed_since="2026-01-01").state, "done")
