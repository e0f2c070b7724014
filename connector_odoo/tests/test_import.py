import base64
import io
from datetime import timedelta
from unittest.mock import patch

import requests
from PIL import Image

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.connector import BatchImporter, RecordImporter
from odoo.addons.connector.testing import extending
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.jobs import arguments

from ..backend import odoo
from ..unit.importer import ChangedRecordsImporter
from ..unit.partner import PartnerImportMapper
from .common import NewestRecordsImporter, OdooCase

MODELS = ("odoo.res.partner", "odoo.product.category", "odoo.product.product")


class ImportCase(OdooCase):
    def setUp(self):
        super().setUp()
        # import only what changes there from now on, not what other tests have left
        for model_name in MODELS:
            self.env["connector.watermark"].move(
                self.backend, model_name, fields.Datetime.to_string(fields.Datetime.now())
            )
        self.enterContext(extending(odoo, NewestRecordsImporter))

    def import_partners(self):
        """Press the button and run the jobs; return those that imported a page or a record."""
        self.backend.flow("partners").action_run()
        return self.run_imports()

    def import_products(self):
        (self.backend.flow("categories") | self.backend.flow("products")).action_run()
        return self.run_imports()

    def run_imports(self):
        return self.run_jobs().filtered(lambda job: job.function.endswith(("import_page", "import_record")))

    def watermark(self, model_name):
        return self.env["connector.watermark"].value_of(self.backend, model_name)

    def look_at_all(self):
        """Empty the watermarks, as a person does who wants to have all records looked at again."""
        self.backend.watermark_ids.value = False

    def binding(self, model_name, external_id):
        domain = [("backend_id", "=", self.backend.id), ("external_id", "=", str(external_id))]
        return self.env[model_name].with_context(active_test=False).search(domain)

    def partner(self, external_id):
        return self.binding("odoo.res.partner", external_id).odoo_id

    def product(self, external_id):
        return self.binding("odoo.product.product", external_id).odoo_id

    def ids_of(self, jobs):
        """Return the external ids that the pages of some jobs have, page by page."""
        return [arguments.decode_call(job.payload, self.env)[1]["external_ids"] for job in jobs]


class ImportTests:
    """What holds for both protocols."""

    allow_inherited_tests_method = True  # else Odoo's loader passes over the tests of a base class

    def test_all_active_partners_and_products_are_imported_once(self):
        self.look_at_all()
        jobs = self.import_partners() + self.import_products()
        self.assertEqual(set(jobs.mapped("state")), {"done"})
        self.assert_all_bound()

        partners, products = self.env["res.partner"].search_count([]), self.env["product.template"].search_count([])
        self.look_at_all()
        again = self.import_partners() + self.import_products()
        self.assertEqual(len(again), len(jobs))
        for message in again.mapped("message"):
            self.assertRegex(message, r"^\d+ up to date(, \d+ skipped)?$")
        self.assert_all_bound()
        self.assertEqual(
            (self.env["res.partner"].search_count([]), self.env["product.template"].search_count([])),
            (partners, products),
        )

    def assert_all_bound(self):
        for model_name in ("res.partner", "product.category", "product.product"):
            with self.subTest(model=model_name):
                there = self.shop.call(model_name, "search", domain=[])
                bindings = self.env[f"odoo.{model_name}"].search([("backend_id", "=", self.backend.id)])
                self.assertEqual(sorted(map(int, bindings.mapped("external_id"))), sorted(there))

    def test_a_change_there_brings_exactly_that_change(self):
        one, other = (self.shop.create("product.product", name=name, list_price=10) for name in ("Chair", "Table"))
        self.import_products()
        self.shop.call("product.product", "write", [one], vals={"list_price": 12.5})
        (job,) = self.import_products()
        self.assertEqual((self.product(one).list_price, self.product(other).list_price), (12.5, 10))
        self.assertRegex(job.message, "^1 updated")

    def test_a_contact_brings_its_company_first(self):
        company_id = self.shop.create("res.partner", name="Company", is_company=True)
        contact_id = self.shop.create("res.partner", name="Ada", parent_id=company_id)
        self.shop.call("res.partner", "write", [company_id], vals={"write_date": "2020-01-01 00:00:00"})
        self.import_partners()
        self.assertEqual(self.partner(contact_id).parent_id, self.partner(company_id))
        self.assertTrue(self.partner(company_id).is_company)

    def test_a_record_that_does_not_exist_there_any_more_changes_nothing(self):
        partner_id = self.shop.create("res.partner", name="Ephemeral")
        with self.backend.work_on("odoo.res.partner") as environment:
            environment.get_connector_unit(BatchImporter).run()
        self.shop.call("res.partner", "unlink", [partner_id])
        (job,) = self.run_imports()
        self.assertEqual(job.state, "done")
        self.assertRegex(job.message, "1 not there any more")
        self.assertFalse(self.partner(partner_id))


@tagged("post_install", "-at_install")
class TestImportOverJson2(ImportTests, ImportCase):
    version = "19.0"


@tagged("post_install", "-at_install")
class TestImportOverXmlRpc(ImportTests, ImportCase):
    version = "legacy"


@tagged("post_install", "-at_install")
class TestImport(ImportCase):
    # Partners

    def test_country_and_state_are_matched_by_code(self):
        state = self.env.ref("base.state_us_5")
        country_id = self.shop.call("res.country", "search", domain=[("code", "=", "US")])[0]
        state_id = self.shop.call(
            "res.country.state", "search", domain=[("country_id", "=", country_id), ("code", "=", state.code)]
        )[0]
        partner_id = self.shop.create("res.partner", name="Ada", country_id=country_id, state_id=state_id)
        self.import_partners()
        self.assertEqual(
            (self.partner(partner_id).country_id, self.partner(partner_id).state_id), (state.country_id, state)
        )

    def test_the_countries_of_a_contact_and_its_company_are_asked_for_once_over_one_connection(self):
        country_id = self.shop.call("res.country", "search", domain=[("code", "=", "BE")])[0]
        company_id = self.shop.create("res.partner", name="Company", country_id=country_id)
        contact_id = self.shop.create("res.partner", name="Ada", parent_id=company_id, country_id=country_id)
        requested = []

        def request(session, method, url, **kwargs):
            requested.append((url.partition("/json/2/")[2], session))
            return sent(session, method, url, **kwargs)

        sent = requests.Session.request
        with (
            patch.object(requests.Session, "request", request),
            self.backend.work_on("odoo.res.partner") as environment,
        ):
            environment.get_connector_unit(RecordImporter).run(contact_id)
        self.assertEqual(self.partner(contact_id).country_id.code, "BE")
        self.assertEqual(
            sorted(method for method, _session in requested),
            ["res.country/read", "res.partner/read", "res.partner/read"],
        )
        self.assertEqual(len({session for _method, session in requested}), 1)

    def test_a_state_that_is_unknown_here_is_left_empty(self):
        country_id = self.shop.call("res.country", "search", domain=[("code", "=", "BE")])[0]
        state_id = self.shop.create("res.country.state", name="Atlantis", code="ATL", country_id=country_id)
        partner_id = self.shop.create("res.partner", name="Ada", country_id=country_id, state_id=state_id)
        self.import_partners()
        self.assertEqual(self.partner(partner_id).country_id.code, "BE")
        self.assertFalse(self.partner(partner_id).state_id)

    def test_a_type_of_address_that_later_versions_do_not_have_becomes_another_address(self):
        with self.backend.work_on("odoo.res.partner") as environment:
            mapper = environment.get_connector_unit(PartnerImportMapper)
        self.assertEqual(mapper.type({"type": "private"}), {"type": "other"})
        self.assertEqual(mapper.type({"type": "delivery"}), {"type": "delivery"})

    def test_an_image_is_imported(self):
        file = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(file, "PNG")
        partner_id = self.shop.create("res.partner", name="Ada", image_1920=base64.b64encode(file.getvalue()).decode())
        self.import_partners()
        image = Image.open(io.BytesIO(base64.b64decode(self.partner(partner_id).image_1920)))
        self.assertEqual((image.size, image.convert("RGB").getpixel((4, 4))), ((8, 8), (255, 0, 0)))

    def test_what_is_empty_there_is_empty_here(self):
        partner_id = self.shop.create("res.partner", name="Ada", email="ada@example.com")
        self.import_partners()
        self.shop.call("res.partner", "write", [partner_id], vals={"email": False})
        self.import_partners()
        self.assertIs(self.partner(partner_id).email, False)

    # Products

    def test_a_category_brings_its_parents_first(self):
        top = self.shop.create("product.category", name="Top")
        middle = self.shop.create("product.category", name="Middle", parent_id=top)
        product_id = self.shop.create(
            "product.product", name="Chair", categ_id=self.shop.create("product.category", name="Low", parent_id=middle)
        )
        later = fields.Datetime.to_string(fields.Datetime.now() + timedelta(hours=1))
        self.backend.watermark_ids.value = later  # of the categories, so that the product alone asks for them
        self.backend.watermark_ids.filtered(lambda mark: mark.model_name == "odoo.product.product").value = False
        self.import_products()
        self.assertEqual(self.product(product_id).categ_id.complete_name, "Top / Middle / Low")

    def test_a_new_product_is_one_product_with_one_template(self):
        product_id = self.shop.create(
            "product.product", name="Chair", default_code="CH", list_price=3, type="service", weight=0
        )
        self.import_products()
        product = self.product(product_id)
        self.assertEqual(
            (product.name, product.default_code, product.list_price, product.type), ("Chair", "CH", 3, "service")
        )
        self.assertEqual(product.product_tmpl_id.with_context(active_test=False).product_variant_ids, product)
        templates = self.env["product.template"].with_context(active_test=False).search([("default_code", "=", "CH")])
        self.assertEqual(templates, product.product_tmpl_id)

    def test_a_variant_keeps_its_attributes_in_its_name_and_their_extra_in_its_price(self):
        attribute_id = self.shop.create("product.attribute", name="Wood", create_variant="always")
        oak, pine = (
            self.shop.create("product.attribute.value", name=name, attribute_id=attribute_id, default_extra_price=extra)
            for name, extra in (("Oak", 20), ("Pine", 0))
        )
        line = [0, 0, {"attribute_id": attribute_id, "value_ids": [[6, 0, [oak, pine]]]}]
        template_id = self.shop.create("product.template", name="Desk", list_price=100, attribute_line_ids=[line])
        self.import_products()
        variants = self.shop.call("product.product", "search", domain=[("product_tmpl_id", "=", template_id)])
        self.assertEqual(
            {self.product(variant).name: self.product(variant).list_price for variant in variants},
            {"Desk (Oak)": 120, "Desk (Pine)": 100},
        )

    def test_a_product_is_matched_by_its_internal_reference(self):
        product = self.env["product.product"].create({"name": "Ours", "default_code": "MATCH-1", "type": "service"})
        product_id = self.shop.create("product.product", name="Theirs", default_code="MATCH-1")
        self.import_products()
        self.assertEqual(self.product(product_id), product)
        self.assertEqual((product.name, product.type), ("Theirs", "service"))

    def test_a_product_that_another_backend_has_brought_is_matched_by_its_internal_reference(self):
        one, other = (self.shop.create("product.product", name="Chair", default_code="MATCH-3") for _backend in "ab")
        product = self.import_product(self.backend, one)
        self.assertEqual(self.import_product(self.create_backend(name="Other Shop"), other), product)

    def import_product(self, backend, external_id):
        with backend.work_on("odoo.product.product") as environment:
            importer = environment.get_connector_unit(RecordImporter)
            importer.run(external_id)
            return importer.binding.odoo_id

    def test_an_archived_product_is_matched_too(self):
        product = self.env["product.product"].create({"name": "Ours", "default_code": "MATCH-2"})
        product.action_archive()
        product_id = self.shop.create("product.product", name="Theirs", default_code="MATCH-2")
        self.import_products()
        self.assertEqual(self.product(product_id), product)
        self.assertTrue(product.product_tmpl_id.active)

    def test_two_products_of_one_internal_reference_are_not_guessed_at(self):
        self.env["product.product"].create([{"name": name, "default_code": "TWICE"} for name in ("One", "Other")])
        product_id = self.shop.create("product.product", name="Theirs", default_code="TWICE")
        with mute_logger("odoo.addons.connector.unit.importer.bulk"):
            (job,) = self.import_products().filtered(lambda job: job.state == "failed")
        self.assertRegex(
            job.message,
            r"Several records here have the Internal Reference TWICE: \[TWICE\] One \(id \d+\), \[TWICE\] Other",
        )
        self.assertFalse(self.product(product_id))

    def test_a_product_that_is_bound_already_is_not_matched_again(self):
        one, other = (self.shop.create("product.product", name=name, default_code="SAME") for name in ("One", "Other"))
        self.import_products()
        self.assertNotEqual(self.product(one), self.product(other))

    def test_each_new_product_is_to_be_reviewed_and_no_other(self):
        self.env["product.product"].create({"name": "Ours", "default_code": "KNOWN"})
        new = self.shop.create("product.product", name="New")
        known = self.shop.create("product.product", name="Known", default_code="KNOWN")
        self.import_products()
        self.shop.call("product.product", "write", [new], vals={"name": "Renamed"})
        self.import_products()
        products = self.product(new) + self.product(known)
        checkpoints = self.env["connector.checkpoint"].search(
            [("model", "=", "product.product"), ("record_id", "in", products.ids)]
        )
        self.assertEqual(checkpoints.mapped("record_id"), self.product(new).ids)

    def test_the_language_of_the_backend_is_the_one_that_is_imported(self):
        (french,) = self.shop.call(
            "res.lang", "search", domain=[("code", "=", "fr_FR")], context={"active_test": False}
        )
        self.shop.call("res.lang", "write", [french], vals={"active": True})
        product_id = self.shop.create("product.product", name="Chair")
        self.import_products()
        self.shop.call("product.product", "write", [product_id], vals={"name": "Chaise"}, context={"lang": "fr_FR"})
        self.backend.default_lang_id = self.env["res.lang"]._activate_lang("fr_FR")
        self.import_products()
        product = self.product(product_id)
        self.assertEqual((product.name, product.with_context(lang="fr_FR").name), ("Chair", "Chaise"))

    # Archived records

    def test_what_is_archived_there_and_unknown_here_is_not_imported(self):
        partner_id = self.shop.create("res.partner", name="Retired", active=False)
        self.import_partners()
        self.assertFalse(self.partner(partner_id))

    def test_what_is_archived_there_later_is_archived_here(self):
        partner_id = self.shop.create("res.partner", name="Ada")
        product_id = self.shop.create("product.product", name="Chair")
        self.import_partners()
        self.import_products()
        self.shop.call("res.partner", "write", [partner_id], vals={"active": False})
        self.shop.call("product.product", "write", [product_id], vals={"active": False})
        self.import_partners()
        self.import_products()
        self.assertFalse(self.partner(partner_id).active)
        product = self.product(product_id)
        self.assertEqual((product.active, product.product_tmpl_id.active), (False, False))
        self.shop.call("product.product", "write", [product_id], vals={"active": True})
        self.import_products()
        self.assertEqual((product.active, product.product_tmpl_id.active), (True, True))

    def test_an_archived_company_is_imported_with_its_contact(self):
        company_id = self.shop.create("res.partner", name="Company", is_company=True)
        contact_id = self.shop.create("res.partner", name="Ada", parent_id=company_id)
        self.shop.call("res.partner", "write", [company_id], vals={"active": False})
        self.import_partners()
        company = self.partner(company_id)
        self.assertEqual((company.name, company.active), ("Company", False))
        self.assertEqual(self.partner(contact_id).parent_id, company)

    # What has changed

    def test_two_changes_within_one_second_are_both_imported(self):
        """The interfaces tell no fraction of a second."""
        partner_id = self.shop.create("res.partner", name="First")
        self.import_partners()
        binding = self.binding("odoo.res.partner", partner_id)
        written, _, checksum = binding.external_version.rpartition(" ")
        self.shop.call("res.partner", "write", [partner_id], vals={"name": "Second"})
        written_again = self.shop.read("res.partner", partner_id, ["write_date"])["write_date"]
        binding.external_version = (
            f"{written_again} {checksum}"  # as if the first change had been made in the same second
        )
        self.assertLessEqual(written, written_again)
        self.import_partners()
        self.assertEqual(self.partner(partner_id).name, "Second")

    def test_the_import_goes_on_from_the_clock_of_the_other_side_with_an_overlap(self):
        class OverlappingImporter(ChangedRecordsImporter):
            _overlap = timedelta(minutes=5)

        date = {"Date": "Sat, 04 Jul 2020 12:00:00 GMT"}
        with extending(odoo, OverlappingImporter), self.answering("[]", headers=date):
            self.import_partners()
        self.assertEqual(self.watermark("odoo.res.partner"), "2020-07-04 11:55:00")

    def test_the_watermark_stays_when_the_other_side_tells_no_time(self):
        since = self.watermark("odoo.res.partner")
        with self.answering("[]"):
            self.import_partners()
        self.assertEqual(self.watermark("odoo.res.partner"), since)

    def test_the_watermark_stays_when_the_import_does_not_work(self):
        since = self.watermark("odoo.res.partner")
        with self.answering("nonsense"):
            self.backend.flow("partners").action_run()
            self.assertEqual(self.run_jobs().state, "failed")
        self.assertEqual(self.watermark("odoo.res.partner"), since)

    def test_many_records_are_imported_page_by_page(self):
        self.look_at_all()
        there = self.shop.call("res.partner", "search", domain=[], context={"active_test": False})

        class PagingImporter(ChangedRecordsImporter):
            _page_size = len(there) // 2

        with extending(odoo, PagingImporter):
            pages = self.ids_of(self.import_partners())
        self.assertEqual(len(pages), 3 if len(there) % 2 else 2)
        self.assertEqual([external_id for page in pages for external_id in page], sorted(there))
        self.assertTrue(self.watermark("odoo.res.partner"))


@tagged("post_install", "-at_install")
class TestImportThatDoesNotWork(ImportCase):
    def setUp(self):
        super().setUp()
        self.partner_id = self.shop.create("res.partner", name="Ada")
        self.backend.flow("partners").action_run()

    def test_a_server_that_is_down_is_tried_again_and_nothing_is_lost(self):
        with self.answering(status=503):
            job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("scheduled", 0))
        store.actions.requeue(self.env.cr, job.ids)
        self.run_jobs()
        self.assertEqual(self.partner(self.partner_id).name, "Ada")

    def test_a_refused_key_fails_at_once_and_says_what_to_do(self):
        self.backend.api_key = "wrong-key"
        job = self.run_jobs()
        self.assertEqual(job.state, "failed")
        self.assertRegex(job.message, r"Enter valid ones in the backend \(.*API Key")
        self.assertNotIn("wrong-key", f"{job.message} {job.attempt_ids.mapped('exc_info')}")

    def test_nonsense_fails_at_once_and_says_what_to_check(self):
        with self.answering("<html/>"):
            job = self.run_jobs()
        self.assertEqual(job.state, "failed")
        self.assertRegex(job.message, r"Check in the backend: Location, .*Version \(")
