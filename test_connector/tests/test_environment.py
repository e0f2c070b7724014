from unittest.mock import patch

from odoo.tools.translate import code_translations

from odoo.addons.connector.backend import get_backend
from odoo.addons.connector.connector import Binder, Environment, get_environment
from odoo.addons.connector.exception import InvalidBackend
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter, CRUDAdapter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import ImportMapper
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import PartnerImporter, PartnerImportMapper, ShopAdapter, ShopImporter
from .common import ShopCase


class TestBackendModel(ShopCase):
    def test_a_record_is_served_by_the_backend_of_its_version(self):
        self.backend.version = "2.0"
        self.assertIs(self.backend.get_backend(), get_backend("test_shop", "2.0"))

    def test_a_record_of_a_version_without_backend_says_which_there_are(self):
        self.patch(type(self.backend), "_backend_type", "nowhere")
        with self.assertRaisesRegex(InvalidBackend, "nowhere.*test_shop"):
            self.backend.get_backend()

    def test_a_new_backend_belongs_to_the_company_of_who_creates_it(self):
        self.assertEqual(self.backend.company_id, self.env.company)

    def test_an_environment_works_in_the_language_of_the_backend(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.backend.default_lang_id = self.env.ref("base.lang_fr")
        with self.backend.work_on("test.shop.partner") as environment:
            self.assertEqual(environment.env.lang, "fr_FR")
            self.assertEqual(environment.model.env.lang, "fr_FR")
            self.assertEqual(environment.backend_record.env.lang, "fr_FR")

    def test_a_backend_without_language_leaves_the_language_as_it_is(self):
        with self.backend.with_context(lang="en_US").work_on("test.shop.partner") as environment:
            self.assertEqual(environment.env.lang, "en_US")

    def test_an_environment_works_in_the_company_of_the_backend(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = elsewhere
        with self.backend.work_on("test.shop.partner") as environment:
            self.assertEqual(environment.env.company, elsewhere)
            self.assertEqual(environment.backend_record.env.company, elsewhere)
        self.assertNotEqual(self.env.company, elsewhere)

    def test_a_backend_without_company_leaves_the_company_as_it_is(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = False
        with self.backend.with_company(elsewhere).work_on("test.shop.partner") as environment:
            self.assertEqual(environment.env.company, elsewhere)


class TestEnvironment(ShopCase):
    def test_it_holds_backend_record_session_and_model(self):
        environment = Environment(self.backend, self.session, "test.shop.partner")
        self.assertIs(environment.backend, get_backend("test_shop", "1.0"))
        self.assertEqual((environment.backend_record, environment.session), (self.backend, self.session))
        self.assertEqual((environment.model_name, environment.model), ("test.shop.partner", self.Partner))

    def test_it_finds_the_backend_of_a_binding_model(self):
        environment = get_environment(self.session, "test.shop.partner", self.backend.id)
        self.assertEqual((environment.backend_record, environment.model), (self.backend, self.Partner))

    def test_it_is_opened_in_the_language_of_the_backend_and_leaves_the_session_as_it_is(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.backend.default_lang_id = self.env.ref("base.lang_fr")
        session = ConnectorSession(self.cr, self.uid, {"lang": "en_US"})
        session.job = object()
        environment = get_environment(session, "test.shop.partner", self.backend.id)
        self.assertEqual((environment.env.lang, session.env.lang), ("fr_FR", "en_US"))
        self.assertIs(environment.session.job, session.job)

    def test_its_units_speak_to_the_user_in_the_language_of_the_user(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        for user_lang, backend_lang, said in (("en_US", "fr_FR", "Hello"), ("fr_FR", "en_US", "test_connector fr_FR")):
            self.backend.default_lang_id = self.env["res.lang"]._lang_get(backend_lang)
            session = ConnectorSession(self.cr, self.uid, {"lang": user_lang})
            environment = get_environment(session, "test.shop.partner", self.backend.id)
            adapter = environment.get_connector_unit(BackendAdapter)
            with (
                self.subTest(user_lang=user_lang),
                patch.object(
                    code_translations, "get_python_translations", lambda module, lang: {"Hello": f"{module} {lang}"}
                ),
            ):
                self.assertEqual(adapter._("Hello"), said)
                self.assertEqual(adapter.unit_for(ImportMapper, "test.shop.tag")._("Hello"), said)
                self.assertEqual(adapter.env.lang, backend_lang)

    def test_a_model_that_is_no_binding_is_refused_by_name(self):
        with self.assertRaisesRegex(InvalidBackend, "res.users has no field backend_id"):
            get_environment(self.session, "res.users", self.backend.id)

    def test_a_model_that_does_not_exist_is_refused_by_name(self):
        with self.assertRaisesRegex(InvalidBackend, "The model res.nowhere does not exist in this database"):
            get_environment(self.session, "res.nowhere", self.backend.id)

    def test_a_backend_that_was_deleted_is_an_error_that_says_so(self):
        with self.assertRaisesRegex(InvalidBackend, r"test\.shop\.backend\(0\) does not exist"):
            get_environment(self.session, "test.shop.partner", 0)

    def test_the_language_is_set_for_a_block_only(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        environment = self.environment()
        with self.assertRaises(ZeroDivisionError), environment.set_lang("fr_FR"):
            self.assertEqual(environment.model.env.lang, "fr_FR")
            raise ZeroDivisionError
        self.assertEqual(environment.env.lang, self.env.lang)

    def test_records_of_the_environment_follow_the_context_of_its_session(self):
        environment = self.environment()
        with environment.session.change_context(no_connector_export=True):
            self.assertTrue(environment.backend_record.env.context["no_connector_export"])


class Connection:
    """Something that has to be closed."""

    def __init__(self, closed):
        self.closed = closed

    def close(self):
        self.closed.append(self)


class TestWhatAnEnvironmentOpens(ShopCase):
    def setUp(self):
        super().setUp()
        self.closed = []

    def connection(self, environment, name="connection"):
        return environment.open(name, lambda: Connection(self.closed))

    def test_it_is_shared_by_the_units_of_all_models(self):
        with self.backend.work_on("test.shop.partner") as environment:
            connection = self.connection(environment)
            self.assertIs(self.connection(environment), connection)
            self.assertIs(self.connection(environment.for_model("test.shop.tag")), connection)

    def test_it_is_shared_with_no_other_environment(self):
        with self.backend.work_on("test.shop.partner") as one, self.backend.work_on("test.shop.partner") as other:
            self.assertIsNot(self.connection(one), self.connection(other))

    def test_it_is_closed_at_the_end_of_the_block_the_last_first(self):
        with self.backend.work_on("test.shop.partner") as environment:
            first, second = self.connection(environment, "first"), self.connection(environment, "second")
            self.assertEqual(self.closed, [])
        self.assertEqual(self.closed, [second, first])

    def test_it_is_closed_when_the_block_fails(self):
        with self.assertRaises(ZeroDivisionError), self.backend.work_on("test.shop.partner") as environment:
            connection = self.connection(environment)
            raise ZeroDivisionError
        self.assertEqual(self.closed, [connection])

    def test_it_is_closed_at_the_end_of_a_job_that_did_not_close_it(self):
        def run(session):
            environment = get_environment(session, "test.shop.partner", self.backend.id)
            return id(self.connection(environment.get_connector_unit(BackendAdapter).environment))

        opened = run(self.session)
        self.assertEqual([id(connection) for connection in self.closed], [opened])

    def test_it_is_closed_once(self):
        environment = get_environment(self.session, "test.shop.partner", self.backend.id)
        self.connection(environment)
        environment.close()
        with environment:
            pass
        self.assertEqual(len(self.closed), 1)

    def test_after_the_close_it_is_opened_anew(self):
        with self.backend.work_on("test.shop.partner") as environment:
            first = self.connection(environment)
            environment.close()
            self.assertIsNot(self.connection(environment), first)
        self.assertEqual(len(self.closed), 2)

    def test_what_has_no_close_is_just_kept(self):
        with self.backend.work_on("test.shop.partner") as environment:
            environment.open("cache", dict)["key"] = "value"
            self.assertEqual(environment.open("cache", dict), {"key": "value"})
            environment.close()
            self.assertEqual(environment.open("cache", dict), {})


class TestUnit(ShopCase):
    def test_a_unit_finds_the_other_units_of_its_model(self):
        adapter = self.unit(BackendAdapter)
        self.assertIsInstance(adapter.unit_for(ImportMapper), PartnerImportMapper)
        self.assertIsInstance(adapter.binder_for(), Binder)

    def test_a_unit_finds_the_units_of_other_models_of_its_backend(self):
        binder = self.unit(BackendAdapter).binder_for("test.shop.tag")
        self.assertEqual((binder.model, binder.backend_record), (self.Tag, self.backend))

    def test_a_unit_that_names_the_model_goes_before_the_general_one(self):
        self.assertIs(type(self.unit(RecordImporter, "test.shop.partner")), PartnerImporter)
        self.assertIs(type(self.unit(RecordImporter, "test.shop.tag")), ShopImporter)

    def test_all_units_can_be_asked_for(self):
        importers = self.unit(BackendAdapter).many_units_for(RecordImporter)
        self.assertEqual({type(importer) for importer in importers}, {ShopImporter, PartnerImporter})

    def test_an_adapter_says_what_it_cannot_do(self):
        with self.assertRaisesRegex(
            NotImplementedError, r"CRUDAdapter cannot search test\.shop\.partner on test_shop 1\.0"
        ):
            CRUDAdapter(self.environment()).search()

    def test_an_adapter_reads_what_it_finds(self):
        self.shop.add("test.shop.partner", 1, name="Ada", mail="ada@example.com")
        self.assertEqual(self.unit(ShopAdapter).search_read({"name": "Ada"}, ["mail"]), [{"mail": "ada@example.com"}])
