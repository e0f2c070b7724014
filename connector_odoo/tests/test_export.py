import functools
from unittest.mock import patch

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.connector import ConnectorSession, RecordImporter, export_record
from odoo.addons.connector.exception import NetworkRetryableError
from odoo.addons.jobs_queue import store

from ..unit.backend_adapter import OdooAdapter
from .common import OdooCase


class ExportTests:
    """What holds for both protocols."""

    allow_inherited_tests_method = True  # else Odoo's loader passes over the tests of a base class

    def setUp(self):
        super().setUp()
        self.external_id = self.shop.create(
            "res.partner", name="Ada", email="ada@example.com", phone="1", city="London"
        )
        with self.backend.sudo().work_on("odoo.res.partner") as environment:
            environment.get_connector_unit(RecordImporter).run(self.external_id)
        self.binding = self.env["odoo.res.partner"].search([("backend_id", "=", self.backend.id)])
        self.partner = self.binding.odoo_id

    def there(self, *field_names):
        record = self.shop.read("res.partner", self.external_id, list(field_names))
        return [record[name] for name in field_names]

    def test_name_email_and_phone_are_exported(self):
        self.partner.write({"name": "Ada Lovelace", "email": "lovelace@example.com", "phone": "2"})
        job = self.run_jobs()
        self.assertEqual(job.state, "done")
        self.assertEqual(
            self.there("name", "email", "phone", "city"), ["Ada Lovelace", "lovelace@example.com", "2", "London"]
        )

    def test_what_is_emptied_here_is_emptied_there(self):
        self.partner.email = False
        self.run_jobs()
        self.assertEqual(self.there("email"), [False])

    def test_a_partner_that_does_not_exist_there_any_more_fails_and_says_what_to_do(self):
        self.shop.call("res.partner", "unlink", [self.external_id])
        self.partner.name = "Nobody"
        with mute_logger("odoo.addons.jobs_queue.worker"):
            job = self.run_jobs()
        self.assertFailed(job, "(?s)does not have the record any more.*Delete the binding")

    def test_a_new_partner_is_created_once_though_the_answer_is_lost(self):
        name = f"Bel {self.version}"  # the other Odoo is the same for all tests
        partner = self.env["res.partner"].create({"name": name, "email": "bel@example.com", "phone": False})
        binding = self.env["odoo.res.partner"].create({"backend_id": self.backend.id, "odoo_id": partner.id})
        export_record.delay(ConnectorSession.from_env(self.env), "odoo.res.partner", binding.id)
        with self.losing_the_answer():
            job = self.run_jobs()
        self.assertEqual(job.state, "scheduled")
        store.actions.requeue(self.env.cr, job.ids)
        self.assertDone(self.run_jobs())
        found = self.shop.call("res.partner", "search", domain=[("name", "=", name)])
        self.assertEqual([str(external_id) for external_id in found], [binding.external_id])
        self.assertEqual(self.shop.read("res.partner", found[0], ["email", "phone"])["email"], "bel@example.com")

    def losing_the_answer(self):
        """Let the other Odoo create as told, and the connection break before its answer."""

        def create_and_lose_answer(adapter, *args, **kwargs):
            create(adapter, *args, **kwargs)
            raise NetworkRetryableError("The connection broke")

        create = OdooAdapter.create
        return patch.object(OdooAdapter, "create", functools.wraps(create)(create_and_lose_answer))


@tagged("post_install", "-at_install")
class TestExportOverJson2(ExportTests, OdooCase):
    version = "19.0"

    def test_ten_writes_export_once(self):
        for number in range(10):
            self.partner.phone = str(number)
        jobs = self.run_jobs()
        self.assertEqual(jobs.mapped("state"), ["done"])
        self.assertFalse(self.delayed_jobs())
        self.assertEqual(self.there("phone"), ["9"])

    def test_writing_on_the_binding_exports_too(self):
        self.binding.name = "Ada Lovelace"
        self.run_jobs()
        self.assertEqual(self.there("name"), ["Ada Lovelace"])

    def test_other_fields_are_not_exported(self):
        self.partner.write({"city": "Paris", "comment": "x"})
        self.assertFalse(self.delayed_jobs())

    def test_partners_that_are_not_bound_are_not_exported(self):
        self.env["res.partner"].create({"name": "Ours"}).name = "Renamed"
        self.assertFalse(self.delayed_jobs())

    def test_an_import_does_not_export(self):
        self.shop.call("res.partner", "write", [self.external_id], vals={"name": "Ada Lovelace", "phone": "3"})
        with self.backend.sudo().work_on("odoo.res.partner") as environment:
            environment.get_connector_unit(RecordImporter).run(self.external_id)
        self.assertEqual((self.partner.name, self.partner.phone), ("Ada Lovelace", "3"))
        self.assertFalse(self.delayed_jobs())

    def test_an_export_comes_back_without_a_further_export(self):
        self.partner.phone = "4"
        self.run_jobs()
        with self.backend.sudo().work_on("odoo.res.partner") as environment:
            environment.get_connector_unit(RecordImporter).run(self.external_id)
        self.assertFalse(self.delayed_jobs())

    def test_who_has_nothing_to_do_with_connectors_exports_too(self):
        clerk = new_test_user(self.env, "clerk", groups="base.group_user,base.group_partner_manager")
        self.partner.with_user(clerk).phone = "5"
        job = self.run_jobs()
        self.assertEqual((job.state, job.user_id), ("done", clerk))
        self.assertEqual(self.there("phone"), ["5"])

    def test_a_partner_is_exported_to_each_backend_it_is_bound_to(self):
        other = self.create_backend(name="Other")
        self.env["odoo.res.partner"].create({"backend_id": other.id, "external_id": "7", "odoo_id": self.partner.id})
        self.partner.phone = "6"
        self.assertEqual(len(self.delayed_jobs("export_record")), 2)

    def test_nothing_is_exported_to_an_archived_backend(self):
        self.backend.active = False
        self.partner.phone = "7"
        self.assertFalse(self.delayed_jobs())

    def test_a_change_is_not_lost_while_the_other_side_is_down(self):
        with self.answering(status=503):
            self.partner.phone = "8"
            job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("scheduled", 0))
        store.actions.requeue(self.env.cr, job.ids)
        self.run_jobs()
        self.assertEqual(self.there("phone"), ["8"])


@tagged("post_install", "-at_install")
class TestExportOverXmlRpc(ExportTests, OdooCase):
    version = "legacy"


@tagged("post_install", "-at_install")
class TestTwoOdoos(OdooCase):
    """A partner that two other Odoos have: here they are two partners of the same one."""

    def setUp(self):
        super().setUp()
        self.other = self.create_backend(name="Other Shop")
        self.ids = {backend: self.shop.create("res.partner", name="Ada") for backend in (self.backend, self.other)}
        self.import_from(self.backend)
        partner = self.env["odoo.res.partner"].search([("backend_id", "=", self.backend.id)]).odoo_id
        self.env["odoo.res.partner"].create(
            {"backend_id": self.other.id, "odoo_id": partner.id, "external_id": str(self.ids[self.other])}
        )
        self.import_from(self.other)
        self.run_jobs()

    def import_from(self, backend):
        with backend.work_on("odoo.res.partner") as environment:
            return environment.get_connector_unit(RecordImporter).run(self.ids[backend])

    def test_what_was_changed_in_one_is_changed_in_the_other_one_and_that_is_all(self):
        self.shop.call("res.partner", "write", [self.ids[self.backend]], vals={"name": "Lovelace"})
        self.import_from(self.backend)
        job = self.run_jobs()
        self.assertEqual((job.state, job.name), ("done", "Export Lovelace to Other Shop"))
        self.assertEqual(self.shop.read("res.partner", self.ids[self.other], ["name"])["name"], "Lovelace")
        self.import_from(self.other)
        self.import_from(self.backend)
        self.assertFalse(self.run_jobs())
