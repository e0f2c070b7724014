from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from odoo.addons.connector.exception import IDMissingInBackend, InvalidDataError, UnreadableAnswer
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.backend_adapter.crud import CRUDAdapter
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NetworkRetryableError

from ..units import ShopAdapter, webshop
from .common import ShopCase, conflict_policy


class TestSafeCreation(ShopCase, JobsCase):
    """A record that is created in the shop once, whatever happens to the job."""

    def setUp(self):
        super().setUp()
        self.binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", self.binding.id)

    def intents(self):
        return self.env["connector.export.intent"].search([("binding_id", "=", self.binding.id)])

    def lose_answer(self, error=None):
        """Let the shop create a record, and the connection break or else before its answer."""

        class Exporter(RecordExporter):
            def _create(self, values):
                super()._create(values)
                raise error or NetworkRetryableError("The connection broke")

        return extending(webshop, Exporter)

    def refusing(self, error):
        """Have every creation fail before anything reaches the shop."""

        class Exporter(RecordExporter):
            def _create(self, values):
                raise error

        return extending(webshop, Exporter)

    def run_again(self):
        store.actions.requeue(self.env.cr, self.env["queue.job"].search([("state", "=", "scheduled")]).ids)
        return self.run_jobs()

    def creations(self):
        return [call for call in self.shop.calls if call[0] == "create"]

    def test_the_intent_is_committed_before_the_call(self):
        seen = []
        intents = self.intents

        class Exporter(RecordExporter):
            def _create(self, values):
                self.env.cr.rollback()  # what is committed stays
                seen.append(intents().idempotency_key)
                return super()._create(values)

        with extending(webshop, Exporter):
            self.run_jobs()
        (record,) = self.shop.table("test.shop.partner").values()
        self.assertEqual(seen, [record["key"]])

    def test_nothing_is_left_of_an_intent_whose_record_was_created_by_somebody_else_meanwhile(self):
        intents, binding = self.intents, self.binding

        class Exporter(RecordExporter):
            def _lock(self):
                if intents():
                    binding.external_id = "7"
                super()._lock()

        with extending(webshop, Exporter):
            self.assertEqual(self.run_jobs().state, "scheduled")
        self.assertFalse(self.intents())

    def test_nothing_is_left_of_an_intent_that_was_fulfilled(self):
        self.run_jobs()
        self.assertFalse(self.intents())

    def test_record_created_outside_then_the_job_dies_before_the_id_is_stored(self):
        with self.lose_answer():
            self.assertEqual(self.run_jobs().state, "scheduled")
        job = self.run_again()
        self.assertEqual((job.state, self.binding.external_id), ("done", "1"))
        self.assertEqual(len(self.creations()), 1)
        self.assertFalse(self.intents())

    def test_the_id_is_kept_when_what_comes_after_the_creation_fails(self):
        class Exporter(RecordExporter):
            def _after_export(self):
                raise ValueError("afterwards")

        with extending(webshop, Exporter), mute_logger("odoo.addons.jobs_queue.worker"):
            self.assertEqual(self.run_jobs().state, "failed")
        self.assertEqual((self.binding.external_id, self.binding.sync_state), ("1", "error"))

    def test_the_id_is_kept_when_the_state_that_the_creation_has_made_cannot_be_read(self):
        self.enterContext(conflict_policy("ask"))
        with patch.object(ShopAdapter, "read", side_effect=NetworkRetryableError("down")):
            self.assertEqual(self.run_jobs().state, "scheduled")
        self.assertEqual((self.binding.external_id, self.intents().ids), ("1", []))
        self.assertEqual(self.run_again().state, "done")
        self.assertEqual(len(self.creations()), 1)

    def test_a_record_whose_creation_was_answered_by_nonsense_is_looked_for(self):
        with self.lose_answer(UnreadableAnswer("<html>")), mute_logger("odoo.addons.jobs_queue.worker"):
            job = self.run_jobs()
        self.assertEqual((job.state, len(self.intents())), ("failed", 1))
        store.actions.requeue(self.env.cr, job.ids)
        self.assertEqual(self.run_jobs().state, "done")
        self.assertEqual((self.binding.external_id, len(self.creations())), ("1", 1))

    def test_a_creation_that_did_not_reach_the_shop_is_done_with_the_same_key(self):
        with self.refusing(NetworkRetryableError("down")):
            self.run_jobs()
        key = self.intents().idempotency_key
        self.run_again()
        self.assertEqual([record["key"] for record in self.shop.table("test.shop.partner").values()], [key])

    def test_a_creation_that_the_shop_refuses_leaves_no_intent(self):
        for refusal in (InvalidDataError("No e-mail."), IDMissingInBackend("No such address.")):
            with (
                self.subTest(refusal),
                self.refusing(refusal),
                mute_logger("odoo.addons.jobs_queue.worker"),
            ):
                job = self.run_jobs()
                self.assertEqual((self.binding.sync_error, job.state), (str(refusal), "failed"))
                self.assertFalse(self.intents())
                store.actions.requeue(self.env.cr, job.ids)

    def test_a_shop_that_knows_no_keys_creates_at_least_once_and_somebody_is_asked_to_look(self):
        def create(adapter, data):
            adapter.table[(external_id := self.shop.next_id())] = data
            return external_id

        keyless = (
            patch.object(ShopAdapter, "create", create),
            patch.object(ShopAdapter, "find_by_key", CRUDAdapter.find_by_key),
        )
        with keyless[0], keyless[1]:
            with self.lose_answer():
                self.run_jobs()
            self.run_again()
        checkpoint = self.env["connector.checkpoint"].search([("record_id", "=", self.binding.odoo_id.id)])
        self.assertRegex(checkpoint.message, "look there for a second one")
        self.assertEqual((len(self.shop.table("test.shop.partner")), self.binding.external_id), (2, "2"))

    def test_an_intent_whose_binding_was_deleted_says_what_to_do(self):
        with self.lose_answer():
            self.run_jobs()
        intent = self.intents()
        self.binding.unlink()
        with self.assertRaisesRegex(UserError, "Look for the record in the other system"):
            intent.action_open_binding()

    def test_outside_of_a_job_nothing_is_committed(self):
        self.unit(RecordExporter).run(self.binding.id)  # committing in a test raises
        self.assertEqual(self.binding.external_id, "1")
        self.assertFalse(self.intents())
