"""The code of docs/first_hour.md runs as it is written there."""

import re
from pathlib import Path

from odoo.addons.connector.exception import NotYet
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.unit.importer.record import RecordImporter

from ..units import webshop
from .test_put_right import PARTNER, PutRightCase

PAGE = (Path(__file__).parents[2] / "docs" / "first_hour.md").read_text()


def block(word):
    (code,) = [code for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if word in code]
    return code.replace("shop.order", PARTNER)


class TestDocumentedPutRight(PutRightCase):
    def test_an_own_checkpoint_closes_itself_once_its_record_was_imported(self):
        names = {"add_checkpoint": add_checkpoint, "session": self.session, "backend": self.backend}
        exec(block("add_checkpoint("), names)
        checkpoint = self.checkpoints()
        self.assertEqual(checkpoint.external_ids, [42])
        self.add(42)
        self.run_import(42)
        self.assertEqual(checkpoint.state, "reviewed")

    def test_an_order_waits_for_its_payment(self):
        self.enterContext(registering(webshop))
        names = {"shop": webshop(replacing=self.replaced()), "RecordImporter": RecordImporter, "NotYet": NotYet}
        names["__name__"] = __name__
        exec(block("OrderImporter"), names)
        self.add(1, status="pending_payment")
        job = self.run_import(1)
        self.assertEqual((job.state, job.waits_for), ("scheduled", "the order is not paid"))
        self.shop.table(PARTNER)[1]["status"] = "paid"
        self.assertDone(self.run_import(1))

    def replaced(self):
        return self.environment().backend.get_class(RecordImporter, self.session, PARTNER)
