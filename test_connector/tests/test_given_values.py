import base64
import io
from datetime import datetime
from unittest.mock import patch

from PIL import Image

from odoo import Command

from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.binding.changes import changed_values
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import ImportMapper, mapping

from ..units import webshop
from .common import ShopCase


def image(colour, width=2500):
    """Return an image, as base64 in a text."""
    file = io.BytesIO()
    Image.new("RGB", (width, 20), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


class TestGivenValues(ShopCase):
    """What is given again is not written again, also where Odoo stores something else."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        self.record = {"id": 1, "name": "Ada"}

    def map(self, *targets):
        """Map fields of partners to fields of the same names."""

        class Mapper(ImportMapper):
            _model_name = "test.shop.partner"

            @mapping
            def all_of_them(self, record):
                return {target: record[target] for target in ("name", *targets)}

        registrations = [
            registration
            for registration in webshop._registrations
            if not (
                issubclass(registration.unit_class, ImportMapper)
                and registration.unit_class._model_name == "test.shop.partner"
            )
        ]
        webshop._registrations[:] = registrations
        webshop(Mapper)

    def run_import(self, **values):
        """Import the partner with these values by force, and return the names of written fields."""
        self.record.update(values)
        written = set()
        partners, write = type(self.env["res.partner"]), type(self.env["res.partner"]).write

        def noting_write(records, vals):
            written.update(vals)
            return write(records, vals)

        with patch.object(partners, "write", noting_write):
            self.unit(RecordImporter).run(1, force=True, data=dict(self.record))
        self.env.flush_all()
        self.env.invalidate_all()
        return written

    @property
    def binding(self):
        return self.Partner.search([("backend_id", "=", self.backend.id), ("external_id", "=", "1")])

    def test_c15_an_image_that_odoo_scales_down_is_written_once(self):
        self.map("image_1920")
        self.run_import(image_1920=image("red"))
        scaled = self.binding.image_1920
        self.assertEqual(Image.open(io.BytesIO(base64.b64decode(scaled))).width, 1920)
        self.assertEqual(self.run_import(name="Ada Lovelace"), {"name"})
        self.assertEqual(self.binding.image_1920, scaled)

    def test_c15_another_image_is_written(self):
        self.map("image_1920")
        self.run_import(image_1920=image("red"))
        self.assertEqual(self.run_import(image_1920=image("blue")), {"image_1920"})
        self.assertEqual(self.run_import(), set())

    def test_c15_an_image_that_somebody_changes_here_is_overwritten_by_the_next_import(self):
        self.map("image_1920")
        self.run_import(image_1920=image("red"))
        scaled = self.binding.image_1920
        self.binding.image_1920 = image("blue", width=10)
        self.assertEqual(self.run_import(), {"image_1920"})
        self.assertEqual(self.binding.image_1920, scaled)

    def test_c15_an_image_that_is_stored_as_given_leaves_no_checksum(self):
        self.map("image_1920")
        self.run_import(image_1920=image("red"))
        self.assertIn("image_1920", self.binding.given_checksum)
        self.run_import(image_1920=image("blue", width=10))
        self.assertFalse(self.binding.given_checksum)
        self.assertEqual(self.run_import(), set())

    def test_c15_an_image_whose_base64_is_in_lines_is_written_once(self):
        self.map("image_1920")
        content = base64.b64decode(image("red", width=100))
        for value in (base64.encodebytes(content), base64.encodebytes(content).decode(), base64.b64encode(content)):
            self.run_import(image_1920=value)
            self.assertEqual(self.run_import(), set())

    def test_c15_html_that_odoo_cleans_is_written_once(self):
        self.map("comment")
        self.run_import(comment="<p onclick='x()'>Hi<script>alert(1)</script><br>there &amp; here")
        self.assertNotIn("script", self.binding.comment)
        self.assertEqual(self.run_import(), set())

    def test_c15_a_text_that_code_changes_is_written_once(self):
        self.map("vat")
        partners, create = type(self.env["res.partner"]), type(self.env["res.partner"]).create

        def create_stripped(records, vals_list):
            return create(records, [{**vals, "vat": vals["vat"].replace(" ", "")} for vals in vals_list])

        with patch.object(partners, "create", create_stripped):
            self.run_import(vat="BE 0477 4727 01")
        self.assertEqual(self.binding.vat, "BE0477472701")
        self.assertEqual(self.run_import(), set())

    def test_c15_html_to_which_code_adds_something_keeps_that(self):
        self.map("comment")
        partners, create = type(self.env["res.partner"]), type(self.env["res.partner"]).create

        def create_signed(records, vals_list):
            return create(
                records, [{**vals, "comment": vals["comment"] + "<p>From the shop</p>"} for vals in vals_list]
            )

        with patch.object(partners, "create", create_signed):
            self.run_import(comment="Hello")
        self.assertEqual(self.run_import(name="Ada Lovelace"), {"name"})
        self.assertIn("From the shop", self.binding.comment)

    def test_c15_a_plain_text_for_html_is_written_once(self):
        self.map("comment")
        for text in ("Hello", "Hello, world! (1/2) - été", "a & b", "a < b", "a\nb", "  x", "&amp;", "http://a.b/c"):
            with self.subTest(text):
                self.run_import(comment=text)
                self.assertEqual(self.run_import(), set())

    def test_c15_a_text_that_is_translated_is_compared_in_the_language_of_the_backend(self):
        self.env["res.lang"]._activate_lang("fr_FR")

        class TagMapper(ImportMapper):
            _model_name = "test.shop.tag"

            @mapping
            def all_of_them(self, record):
                return {"name": record["name"]}

        tag = self.tag("1", name="Friend")
        tag.odoo_id.with_context(lang="fr_FR").name = "Ami"
        mapper = TagMapper(self.environment("test.shop.tag"))
        values = mapper.map_record({"name": "Friend"}, binding=tag).values()
        self.assertEqual(changed_values(tag, values), {})
        self.assertEqual(changed_values(tag.with_context(lang="fr_FR"), values), values)

    def test_c15_numbers_and_moments_are_compared_as_they_are_stored(self):
        record = self.partner("1")
        for values in (
            {"partner_latitude": 1.23456789012},
            {"discount": 0.1 + 0.2},
            {"sync_date": datetime(2026, 1, 31, 8, 15, 0, 123456)},
        ):
            record.write(values)
            self.env.flush_all()
            self.env.invalidate_all()
            self.assertEqual(changed_values(record, values), {})

    def test_c15_a_relation_with_an_archived_record_is_written_once(self):
        self.map("category_id")
        tags = self.env["res.partner.category"].create([{"name": "Friend"}, {"name": "Gone", "active": False}])
        self.run_import(category_id=[Command.set(tags.ids)])
        self.assertEqual(self.binding.with_context(active_test=False).category_id, tags)
        self.assertEqual(self.run_import(), set())
        self.assertEqual(self.run_import(category_id=[Command.set(tags[:1].ids)]), {"category_id"})
        self.assertEqual(self.binding.with_context(active_test=False).category_id, tags[:1])

    def test_c15_an_archived_record_is_taken_out_by_a_command(self):
        self.map("category_id")
        tags = self.env["res.partner.category"].create([{"name": "Friend"}, {"name": "Gone", "active": False}])
        self.run_import(category_id=[Command.set(tags.ids)])
        self.run_import(category_id=[Command.unlink(tags[1].id)])
        self.assertEqual(self.binding.with_context(active_test=False).category_id, tags[:1])

    def test_c15_a_page_remembers_what_was_given_too(self):
        self.map("image_1920")
        self.unit(BulkImporter).run([{"id": 1, "name": "Ada", "image_1920": image("red")}], force=True)
        self.record["image_1920"] = image("red")
        self.assertEqual(self.run_import(), set())
