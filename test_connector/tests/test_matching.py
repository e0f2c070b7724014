from odoo.tools import mute_logger

from odoo.addons.connector.exception import InvalidDataError, MappingError
from odoo.addons.connector.testing import extending
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.jobs_queue.exception import TransactionOutdated

from ..units import PartnerImporter, webshop
from .common import ShopCase


class MatchingImporter(PartnerImporter):
    def _match_key(self):
        return "email", self.external_record.get("mail")


def matching_by(key):
    """Give all partners of the shop one match key during a block."""

    class Importer(PartnerImporter):
        def _match_key(self):
            return key

    return extending(webshop, Importer)


class MatchingCase(ShopCase):
    """Partners are recognised by their e-mail address."""

    def setUp(self):
        super().setUp()
        self.enterContext(extending(webshop, MatchingImporter))

    def add(self, external_id, **values):
        self.shop.add("test.shop.partner", external_id, **{"name": f"Partner {external_id}", **values})

    def import_page(self, *ids):
        return self.unit(BulkImporter).run_ids(list(ids))

    def record(self, external_id):
        domain = [("backend_id", "=", self.backend.id), ("external_id", "=", str(external_id))]
        return self.Partner.with_context(active_test=False).search(domain).odoo_id


class TestMatching(MatchingCase):
    def setUp(self):
        super().setUp()
        self.known = self.env["res.partner"].create({"name": "Ours", "email": "ada@shop"})

    def test_a_new_record_is_bound_to_the_one_here_that_has_its_key(self):
        self.add(1, name="Theirs", mail="ada@shop")
        self.unit(RecordImporter).run(1)
        self.assertEqual((self.record(1), self.known.name), (self.known, "Theirs"))

    def test_the_records_of_a_page_are_too(self):
        self.add(1, mail="ada@shop")
        self.add(2, mail="bob@shop")
        self.import_page(1, 2)
        self.assertEqual(self.record(1), self.known)
        self.assertNotEqual(self.record(2), self.known)

    def test_a_key_of_another_shape_or_of_a_field_that_does_not_exist_is_refused_by_name(self):
        self.add(1, mail="ada@shop")
        for key, error, message in (
            ("ada@shop", TypeError, r"must return \(field, value\) or None, not 'ada@shop'"),
            (("emial", "ada@shop"), MappingError, r"res\.partner has no field 'emial'"),
        ):
            refused = self.assertRaisesRegex(error, rf"PartnerImporter\._match_key\(\):? {message}")
            with matching_by(key), refused:
                self.unit(RecordImporter).run(1)

    def test_c17_a_record_that_comes_with_a_dependency_is_matched(self):
        class Importer(PartnerImporter):
            def _after_import(self, binding):
                if brought := self.external_record.get("brings"):
                    binding.env["res.partner"].create({"name": "Brought", "email": brought})

        self.add(1, brings="variant@shop")
        self.add(2, mail="variant@shop", parent=1)
        self.add(3, mail="other@shop", brings="of a page@shop")
        self.add(4, mail="of a page@shop", parent=3)
        with extending(webshop, Importer):
            self.unit(RecordImporter).run(2)
            self.import_page(3, 4)
        for external_id, email in ((2, "variant@shop"), (4, "of a page@shop")):
            self.assertEqual(self.record(external_id), self.env["res.partner"].search([("email", "=", email)]))

    def test_the_key_may_be_a_record(self):
        self.known.parent_id = self.env["res.partner"].create({"name": "Our company"})
        self.add(1)
        with matching_by(("parent_id", self.known.parent_id.id)):
            self.unit(RecordImporter).run(1)
        self.assertEqual(self.record(1), self.known)

    def test_an_archived_record_is_found(self):
        self.known.active = False
        self.add(1, mail="ada@shop")
        self.unit(RecordImporter).run(1)
        self.assertEqual(self.record(1), self.known)

    def test_a_record_that_has_no_key_is_new(self):
        self.known.email = False
        for external_id, mail in enumerate((None, False, "")):
            self.add(external_id, mail=mail)
            self.unit(RecordImporter).run(external_id)
            self.assertNotEqual(self.record(external_id), self.known)

    def test_a_record_of_another_company_is_not_meant(self):
        self.backend.company_id, self.known.company_id = self.env["res.company"].create([{"name": "A"}, {"name": "B"}])
        self.add(1, mail="ada@shop")
        self.unit(RecordImporter).run(1)
        self.assertNotEqual(self.record(1), self.known)

    def test_several_records_that_have_the_key_are_not_guessed_at(self):
        other = self.known.copy({"email": "ada@shop"})
        self.add(1, mail="ada@shop")
        text = rf"have the Email ada@shop: Ours \(id {self.known.id}\), Ours \(copy\) \(id {other.id}\)"
        with self.assertRaisesRegex(InvalidDataError, text):
            self.unit(RecordImporter).run(1)

    def test_c18_of_two_records_with_one_key_the_first_one_is_bound_and_the_other_one_asked_about(self):
        self.add(1, mail="ada@shop")
        self.add(2, mail="ada@shop")
        with mute_logger("odoo.sql_db", "odoo.addons.connector.unit.importer.failures"):
            self.assertEqual(self.import_page(1, 2), "1 created, 1 failed and left to jobs of their own")
        self.assertEqual(self.record(1), self.known)
        self.assertFalse(self.record(2))

    def test_a_page_takes_three_queries_more(self):
        def queries(ids):
            for external_id in ids:
                self.add(external_id, mail=f"{external_id}@shop")
            before = self.env.cr.sql_log_count
            self.import_page(*ids)
            return self.env.cr.sql_log_count - before

        queries(range(20))
        with matching_by(None):
            without = queries(range(20, 40))
        self.assertLessEqual(queries(range(40, 60)) - without, 3)


class TestConcurrentMatching(MatchingCase):
    """Two transactions import the same thing from two backends, which call it by the same key."""

    def setUp(self):
        super().setUp()
        self.backends = [self.committed_backend(), self.committed_backend()]
        self.add(1, mail="ada@shop")
        self.add(2, mail="ada@shop")

    def import_in(self, env, number, unit_class, *args):
        with self.backends[number].with_env(env).work_on("test.shop.partner") as environment:
            importer = environment.get_connector_unit(unit_class)
            return importer.run_ids([args[0]]) if unit_class is BulkImporter else importer.run(*args)

    def assert_created_once(self, first_class, second_class):
        with self.transaction() as first, self.transaction() as second:
            second["res.users"].search_count([])  # its snapshot is older than the first one's commit
            self.import_in(first, 0, first_class, 1)
            with self.in_thread(self.import_in, second, 1, second_class, 2) as outcome:
                self.wait_until_blocked(second)
                first.cr.commit()
            self.assertIsInstance(outcome.exception(), TransactionOutdated)
            self.assertRegex(str(outcome.exception()), "res.partner .*, email ada@shop: created by another transaction")
            second.cr.rollback()
            self.import_in(second, 1, second_class, 2)
            backends = [backend.id for backend in self.backends]
            bindings = second["test.shop.partner"].search([("backend_id", "in", backends)])
            self.assertEqual((len(bindings), len(bindings.odoo_id)), (2, 1))

    def test_two_records_are_one(self):
        self.assert_created_once(RecordImporter, RecordImporter)

    def test_the_records_of_two_pages_are_one(self):
        self.assert_created_once(BulkImporter, BulkImporter)

    def test_a_record_and_one_of_a_page_are_one(self):
        self.assert_created_once(RecordImporter, BulkImporter)

    def test_a_key_that_this_transaction_has_taken_from_a_record_is_free(self):
        with self.transaction() as env:
            self.import_in(env, 0, RecordImporter, 1)
            env.cr.commit()
        self.add(1, mail="bob@shop")
        with self.transaction() as env:
            self.import_in(env, 0, RecordImporter, 1)
            self.import_in(env, 0, RecordImporter, 2)
            bindings = env["test.shop.partner"].search([("backend_id", "=", self.backends[0].id)])
            self.assertEqual(set(bindings.mapped("email")), {"ada@shop", "bob@shop"})

    def test_other_keys_do_not_wait(self):
        self.add(2, mail="bob@shop")
        with self.transaction() as first, self.transaction() as second:
            self.import_in(first, 0, RecordImporter, 1)
            self.import_in(second, 1, RecordImporter, 2)
