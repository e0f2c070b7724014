import re
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import models
from odoo.tools import mute_logger

from odoo.addons.connector.connector import Binder, external_id_text
from odoo.addons.connector.event import on_record_write
from odoo.addons.connector.event.no_export import as_argument
from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.unit.binding.clock import database_now
from odoo.addons.jobs_queue.by_code import JOB, IdByCode

from .common import ShopCase


class TestBinder(ShopCase):
    def setUp(self):
        super().setUp()
        self.binder = self.unit(Binder)

    def test_an_external_id_leads_to_its_binding(self):
        binding = self.partner("42")
        self.assertEqual(self.binder.to_internal("42"), binding)

    def test_a_number_and_its_text_are_the_same_id(self):
        binding = self.partner("42")
        self.assertEqual(self.binder.to_internal(42), binding)

    def test_an_external_id_leads_to_the_record_that_is_bound(self):
        binding = self.partner("42")
        self.assertEqual(self.binder.to_internal("42", unwrap=True), binding.odoo_id)

    def test_an_unknown_external_id_leads_to_no_record(self):
        self.partner("42")
        self.assertEqual(self.binder.to_internal("43"), self.Partner)
        self.assertEqual(self.binder.to_internal("43", unwrap=True), self.env["res.partner"])

    def test_no_external_id_leads_to_no_record(self):
        self.partner()
        for nothing in (None, False, ""):
            self.assertEqual(self.binder.to_internal(nothing), self.Partner)

    def test_an_archived_binding_is_found(self):
        binding = self.partner("42", active=False)
        self.assertEqual(self.binder.to_internal("42"), binding)

    def test_the_same_external_id_on_another_backend_is_another_record(self):
        other = self.backend.copy()
        self.partner("42")
        binding = self.partner("42", backend_id=other.id)
        self.assertEqual(self.unit(Binder, backend=other).to_internal("42"), binding)

    def test_a_binding_leads_to_its_external_id(self):
        binding = self.partner("42")
        self.assertEqual(self.binder.to_external(binding), "42")
        self.assertEqual(self.binder.to_external(binding.id), "42")

    def test_a_bound_record_leads_to_its_external_id(self):
        binding = self.partner("42")
        self.assertEqual(self.binder.to_external(binding.odoo_id, wrap=True), "42")
        self.assertEqual(self.binder.to_external(binding.odoo_id.id, wrap=True), "42")

    def test_what_is_not_bound_has_no_external_id(self):
        self.assertIsNone(self.binder.to_external(self.partner()))
        self.assertIsNone(self.binder.to_external(self.env.ref("base.main_partner"), wrap=True))
        self.assertIsNone(self.binder.to_external(self.Partner))

    def test_a_record_that_is_bound_twice_on_a_backend_is_an_error_that_names_both(self):
        """As can be with a binding model that allows it."""
        self.env.cr.execute("ALTER TABLE test_shop_partner DROP CONSTRAINT test_shop_partner_odoo_uniq")
        partner = self.partner("1").odoo_id
        self.partner("2", odoo_id=partner.id)
        with self.assertRaisesRegex(
            InvalidDataError, f"test.shop.partner has several bindings with odoo_id = {partner.id} of Test Shop"
        ):
            self.binder.to_external(partner, wrap=True)

    def test_zero_is_an_external_id(self):
        binding = self.partner()
        self.binder.bind(0, binding)
        self.assertEqual(binding.external_id, "0")
        self.assertEqual(self.binder.to_internal(0), binding)
        self.assertEqual(self.binder.to_external(binding), "0")

    def test_binding_stores_the_id_as_text_and_the_time_by_the_clock_of_the_database(self):
        binding = self.partner()
        self.env.cr.execute("SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC')")
        (before,) = self.env.cr.fetchone()
        with freeze_time("2001-02-03 04:05:06"):
            self.binder.bind(42, binding.id)
        self.assertEqual(binding.external_id, "42")
        self.assertTrue(before <= binding.sync_date <= before + timedelta(minutes=5), binding.sync_date)

    def test_binding_to_no_id_is_refused(self):
        for nothing in (None, False, ""):
            with self.assertRaisesRegex(InvalidDataError, f"{nothing!r} is not an external id"):
                self.binder.bind(nothing, self.partner())

    def test_binding_is_not_to_be_exported_to_its_backend(self):
        binding = self.partner()
        contexts = []

        def consume(session, model_name, record_id, vals):
            contexts.append(as_argument(session.context))

        on_record_write.subscribe(consume, model_names="test.shop.partner")
        self.addCleanup(on_record_write.unsubscribe, consume, model_names="test.shop.partner")
        self.binder.bind(42, binding)
        self.assertEqual(contexts, [f"test.shop.backend,{self.backend.id}"])

    def test_binding_says_that_the_record_is_in_sync_and_which_job_did_it(self):
        binding = self.partner(sync_state="error", sync_error="The shop is closed")
        binder = self.unit(Binder, backend=self.backend.with_context(**{JOB: IdByCode(7)}))
        binder.bind(42, binding)
        self.assertEqual((binding.sync_state, binding.sync_error), ("in_sync", False))
        self.env.flush_all()
        self.env.cr.execute("SELECT last_job_id FROM test_shop_partner WHERE id = %s", [binding.id])
        self.assertEqual(self.env.cr.fetchone(), (7,))

    def test_a_new_binding_was_never_synchronized(self):
        self.assertEqual(self.partner("42").sync_state, "never")

    def test_a_binding_is_unwrapped_to_the_record_and_its_model(self):
        binding = self.partner()
        self.assertEqual(self.binder.unwrap_binding(binding), binding.odoo_id)
        self.assertEqual(self.binder.unwrap_binding(binding.id), binding.odoo_id)
        self.assertEqual(self.binder.unwrap_model(), "res.partner")

    def test_a_binding_that_the_user_may_not_read_is_found_all_the_same(self):
        binding = self.partner("42")
        user = self.env["res.users"].create({"name": "Clerk", "login": "clerk"})
        with self.backend.with_user(user).work_on("test.shop.partner") as environment:
            found = Binder(environment).to_internal("42")
        self.assertEqual((found, found.env.uid, found.env.su), (binding, user.id, False))


class TestManyAtOnce(ShopCase):
    def setUp(self):
        super().setUp()
        self.binder = self.unit(Binder)
        self.partners = [self.partner(str(number)) for number in range(3)]
        self.env.flush_all()
        self.env.invalidate_all()

    def test_external_ids_lead_to_their_bindings_by_one_query(self):
        with self.assertQueryCount(1):
            found = self.binder.to_internal_many([0, "1", 2, None, False, ""])
        self.assertEqual(found, {"0": self.partners[0], "1": self.partners[1], "2": self.partners[2]})

    def test_external_ids_lead_to_the_records_that_are_bound_by_one_query(self):
        with self.assertQueryCount(1):
            found = self.binder.to_internal_many([0, 1], unwrap=True)
        self.assertEqual(found, {"0": self.partners[0].odoo_id, "1": self.partners[1].odoo_id})

    def test_c12_external_ids_without_a_binding_are_looked_up_among_aliases_by_one_query_more(self):
        with self.assertQueryCount(2):
            found = self.binder.to_internal_many([0, 8, 9])
        self.assertEqual(found, {"0": self.partners[0]})

    def test_no_external_id_needs_no_query(self):
        with self.assertQueryCount(0):
            self.assertEqual(self.binder.to_internal_many([None, False, ""]), {})

    def test_the_bindings_of_another_backend_are_none(self):
        binder = self.unit(Binder, backend=self.backend.copy())
        self.assertEqual(binder.to_internal_many([0, 1, 2]), {})

    def test_bindings_lead_to_their_external_ids_by_one_query(self):
        partners = self.Partner.union(*self.partners, self.partner())
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            found = self.binder.to_external_many(partners)
        self.assertEqual(found, {partner.id: str(number) for number, partner in enumerate(self.partners)})
        self.assertEqual(self.binder.to_external_many(partners.ids), found)

    def test_bound_records_lead_to_their_external_ids_by_one_query(self):
        records = self.partners[0].odoo_id + self.partners[1].odoo_id + self.env.ref("base.main_partner")
        with self.assertQueryCount(1):
            found = self.binder.to_external_many(records, wrap=True)
        self.assertEqual(found, {records[0].id: "0", records[1].id: "1"})

    def test_what_is_in_sync_again_is_written_by_one_statement(self):
        self.Partner.union(*self.partners).mapped("external_id")
        database_now(self.binder.environment)
        with self.assertQueryCount(1):
            self.binder.bind_many(dict(enumerate(self.partners)))
            self.env.flush_all()
        self.assertEqual({partner.sync_state for partner in self.partners}, {"in_sync"})

    def test_new_external_ids_are_written_by_one_statement(self):
        partners = [self.partner() for _number in range(3)]
        self.env.flush_all()
        database_now(self.binder.environment)
        with self.assertQueryCount(1):
            self.binder.bind_many({10 + number: partner.id for number, partner in enumerate(partners)})
            self.env.flush_all()
        self.assertEqual([partner.external_id for partner in partners], ["10", "11", "12"])

    def test_a_binding_is_not_bound_to_two_external_ids(self):
        with self.assertRaisesRegex(InvalidDataError, "cannot be bound to two external ids: '5' and '6'"):
            self.binder.bind_many({5: self.partners[0], 6: self.partners[0]})

    def test_binding_many_to_no_id_is_refused_before_anything_is_written(self):
        with self.assertRaisesRegex(InvalidDataError, "None is not an external id"):
            self.binder.bind_many({5: self.partners[0], None: self.partners[1]})
        self.assertEqual(self.partners[0].external_id, "0")


class TestConstraint(ShopCase):
    def test_the_database_refuses_a_second_binding_of_an_external_id(self):
        self.partner("42")
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation) as caught, self.env.cr.savepoint():
            self.partner("42")
        self.assertEqual(caught.exception.diag.constraint_name, "test_shop_partner_external_uniq")

    def test_each_concrete_binding_model_has_the_constraint(self):
        self.tag("42")
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.tag("42")

    def test_the_record_that_is_bound_is_not_taken_for_its_binding(self):
        partner = self.partner("42").odoo_id
        with self.assertRaisesRegex(InvalidDataError, r"res\.partner\(.*is not a binding.*wrap=True"):
            self.unit(Binder).to_external(partner)

    def test_what_is_neither_text_nor_integer_is_no_external_id(self):
        for wrong in ({"id": 3}, ["3"], 3.0, True):
            with self.assertRaisesRegex(InvalidDataError, f"^{re.escape(repr(wrong))} is not an external id: that is"):
                external_id_text(wrong)

    def test_the_database_refuses_a_second_binding_of_a_record(self):
        partner = self.partner("1").odoo_id
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation) as caught, self.env.cr.savepoint():
            self.partner("2", odoo_id=partner.id)
        self.assertEqual(caught.exception.diag.constraint_name, "test_shop_partner_odoo_uniq")

    def test_a_record_may_be_bound_on_two_backends(self):
        partner = self.partner("1").odoo_id
        self.assertTrue(self.partner("1", odoo_id=partner.id, backend_id=self.backend.copy().id))

    def test_a_binding_model_that_binds_no_record_needs_no_constraint(self):
        self.patch(self.registry["test.shop.partner"], "_fields", {"backend_id": None})
        constraint = self.registry["test.shop.partner"]._table_objects["test_shop_partner_odoo_uniq"]
        with patch.object(models.Constraint, "apply_to_database") as apply_to_database:
            constraint.apply_to_database(self.Partner)
        apply_to_database.assert_not_called()

    def test_two_backends_may_use_the_same_external_id(self):
        self.partner("42")
        self.assertTrue(self.partner("42", backend_id=self.backend.copy().id))

    def test_records_that_are_not_known_there_do_not_disturb_each_other(self):
        self.assertTrue(self.partner() + self.partner())
