from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.unit.exporter.deleter import delete_record
from odoo.addons.connector.unit.exporter.record import export_record
from odoo.addons.connector.unit.jobs.channel import backend_channel
from odoo.addons.jobs_queue.jobs import job

from .common import ShopCase


@job(default_channel=backend_channel, group_size=10)
def send_levels(session, model_name, calls):
    """Send levels"""
    return [None] * len(calls)


class TestBackendChannel(ShopCase):
    def channel_of(self, job):
        return job.record(self.env).channel_id

    def test_a_backend_is_created_with_a_channel_of_its_own(self):
        other = self.env["test.shop.backend"].create({"name": "Other Shop"})
        name = f"root.test_shop.test-shop-{self.backend.id}"
        self.assertEqual(self.backend.channel_id.complete_name, name)
        self.assertNotEqual(other.channel_id, self.backend.channel_id)

    def test_a_record_in_place_of_its_id_is_refused_when_the_job_is_delayed(self):
        binding = self.partner("1")
        with self.assertRaisesRegex(TypeError, r"backend_id is an id, not test\.shop\.backend\("):
            delete_record.delay(self.session, binding._name, self.backend, "1")
        with self.assertRaisesRegex(TypeError, r"binding_id is an id, not test\.shop\.partner\("):
            export_record.delay(self.session, binding._name, binding)

    def test_a_copy_of_a_backend_has_another_channel(self):
        self.assertNotEqual(self.backend.copy().channel_id, self.backend.channel_id)

    def test_a_manager_creates_a_backend_without_the_right_to_create_channels(self):
        manager = new_test_user(self.env, "manager", groups="connector.group_connector_manager")
        self.env["ir.model.access"].create(
            {
                "name": "shops",
                "model_id": self.env["ir.model"]._get_id("test.shop.backend"),
                "group_id": self.env.ref("connector.group_connector_manager").id,
                **dict.fromkeys(("perm_read", "perm_write", "perm_create", "perm_unlink"), True),
            }
        )
        self.env["ir.model.access"].search([("model_id.model", "=", "queue.job.channel")]).perm_create = False
        backend = self.env["test.shop.backend"].with_user(manager).create({"name": "A.B"})
        self.assertTrue(backend.channel_id)
        backend.unlink()

    def test_the_channel_is_renamed_with_the_backend(self):
        self.backend.name = "Branch in Berlin"
        self.assertEqual(self.backend.channel_id.name, f"branch-in-berlin-{self.backend.id}")

    def test_a_name_that_somebody_has_given_to_the_channel_stays(self):
        self.backend.channel_id.name = "berlin"
        self.backend.name = "Branch in Berlin"
        self.assertEqual(self.backend.channel_id.name, "berlin")

    def test_the_channel_goes_with_the_backend(self):
        channel = self.backend.channel_id
        self.backend.unlink()
        self.assertFalse(channel.exists())

    def test_the_channel_of_a_backend_is_not_deleted_without_it(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.backend.channel_id.unlink()

    def test_a_backend_with_jobs_is_not_deleted_and_says_what_to_do(self):
        delete_record.delay(self.session, "test.shop.partner", self.backend.id, 7)
        with self.assertRaisesRegex(UserError, "still has jobs: wait for them, or cancel them"):
            self.backend.unlink()

    def test_jobs_about_a_backend_go_to_its_channel(self):
        job = delete_record.delay(self.session, "test.shop.partner", self.backend.id, 7)
        self.assertEqual(self.channel_of(job), self.backend.channel_id)

    def test_jobs_about_a_binding_go_to_the_channel_of_its_backend(self):
        job = export_record.delay(self.session, "test.shop.partner", self.partner(7).id)
        self.assertEqual(self.channel_of(job), self.backend.channel_id)

    def test_jobs_that_run_together_go_to_the_channel_of_their_backend(self):
        job = send_levels.delay(self.session, "test.shop.partner", self.backend.id, 7)
        self.assertEqual(self.channel_of(job), self.backend.channel_id)

    def test_the_author_may_name_another_channel(self):
        job = delete_record.delay(self.session, "test.shop.partner", self.backend.id, 7, channel="root")
        self.assertEqual(self.channel_of(job).complete_name, "root")

    def test_methods_of_bindings_and_of_backends_find_the_channel_too(self):
        for records in (self.partner(7), self.backend):
            self.assertEqual(backend_channel({"self": records}), self.backend.channel_id.id)

    def test_a_job_about_a_backend_that_is_gone_can_be_delayed_and_then_says_so(self):
        job = delete_record.delay(self.session, "test.shop.partner", 999999, 7)
        self.assertEqual(self.channel_of(job).complete_name, "root")
