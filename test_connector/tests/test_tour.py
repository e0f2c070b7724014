from odoo.tests import HttpCase, tagged

from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.jobs_queue.session import ConnectorSession


@tagged("post_install", "-at_install")
class TestTour(HttpCase):
    def test_a_person_reviews_a_checkpoint(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        partner = self.env["res.partner"].create({"name": "Ada", "email": "ada@example.com"})
        session = ConnectorSession.from_env(self.env)
        checkpoint = add_checkpoint(session, partner._name, partner.id, backend, "Check the address.")

        self.start_tour("/odoo/connector-checkpoints", "connector_checkpoints", login="admin")

        checkpoint.invalidate_recordset()
        self.assertEqual(checkpoint.state, "reviewed")
