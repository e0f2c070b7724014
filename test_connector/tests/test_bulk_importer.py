from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import OutOfMemory

from odoo.sql_db import Cursor
from odoo.tools import mute_logger

from odoo.addons.connector.exception import IDMissingInBackend, InvalidDataError, UnreadableAnswer
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.connector_unit import external_id_text
from odoo.addons.connector.unit.importer import failures
from odoo.addons.connector.unit.importer.batch import import_batch
from odoo.addons.connector.unit.importer.bulk import BulkImporter, import_page
from odoo.addons.connector.unit.importer.failures import Failures
from odoo.addons.connector.unit.importer.lock import lock_new
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError, TransactionOutdated

from ..units import PartnerImporter, ShopAdapter, ShopImporter, webshop
from .common import ShopCase
from .test_importer import Lenient


class BulkCase(ShopCase, JobsCase):
    def add(self, external_id, **values):
        self.shop.add("test.shop.partner", external_id, **{"name": f"Partner {external_id}", **values})

    def add_many(self, ids, **values):
        for external_id in ids:
            self.add(external_id, **values)

    def import_ids(self, ids, model_name="test.shop.partner", force=False):
        return self.unit(BulkImporter, model_name).run_ids(list(ids), force)

    def binding(self, external_id, model_name="test.shop.partner"):
        domain = [("backend_id", "=", self.backend.id), ("external_id", "=", str(external_id))]
        return self.env[model_name].search(domain)

    def names(self):
        return self.Partner.search([], order="id").mapped("name")

    @contextmanager
    def failing(self, *names):
        """Let the import of the partners with some names fail."""

        class Importer(PartnerImporter):
            def _validate_data(self, values):
                if values["name"] in names:
                    raise ValueError(f"{values['name']} is not welcome")

        with extending(webshop, Importer), mute_logger(BulkImporter.__module__):
            yield


class TestPage(BulkCase):
    def test_what_is_new_is_created_and_what_has_changed_is_written(self):
        self.add(1, mail="a@b", points=3)
        self.import_ids([1])
        self.add(1, mail="c@d", points=3)
        self.add(2)
        message = self.import_ids([1, 2])
        self.assertEqual((self.binding(1).email, self.binding(1).points, self.binding(2).name), ("c@d", 3, "Partner 2"))
        self.assertEqual(message, "1 created, 1 updated")

    def test_the_new_ones_are_created_by_one_call(self):
        self.add_many(range(5))
        partners = type(self.Partner)
        with patch.object(partners, "create", autospec=True, side_effect=partners.create) as create:
            self.import_ids(range(5))
        self.assertEqual(create.call_count, 1)
        self.assertEqual(len(self.names()), 5)

    def test_a_record_that_is_gone_since_its_list_was_read_is_missing(self):
        self.add(1)
        self.import_ids([1])
        binding = self.binding(1)
        record = self.shop.table("test.shop.partner").pop(1)
        message = self.unit(BulkImporter).run([record], read_at=binding.sync_date - timedelta(seconds=1))
        self.assertEqual((message, binding.sync_state), ("1 not there any more", "missing"))

    def test_a_system_that_gives_fewer_records_than_it_is_asked_for_is_asked_for_the_others(self):
        asked = []

        class Capped(ShopAdapter):
            def read_many(self, external_ids, fields=None):
                asked.append(list(external_ids))
                records = super().read_many(asked[-1][:2], fields)
                if not records:
                    raise IDMissingInBackend("The shop has none of them")
                return records

        self.add_many(range(5))
        with extending(webshop, Capped):
            message = self.import_ids([0, 1, 2, 3, 4, 7, 8])
        self.assertEqual(message, "5 created, 2 not there any more")
        # 7 and 8 are then asked for by the call for one
        self.assertEqual(asked, [[0, 1, 2, 3, 4, 7, 8], [2, 3, 4, 7, 8], [4, 7, 8], [7, 8]])

    def test_a_rest_that_is_refused_because_of_one_deleted_record_makes_no_other_one_missing(self):
        for first, error in ((0, IDMissingInBackend), (100, InvalidDataError)):
            asked = []

            class Strict(ShopAdapter):
                def read_many(self, external_ids, fields=None, asked=asked, error=error, deleted=first + 57):
                    asked.append(list(external_ids))
                    page = asked[-1][:50]
                    if deleted in page or (len(asked) > 1 and deleted in asked[-1]):
                        raise error("There is no such record")
                    return super().read_many(page, fields)

            self.add_many(id_ for id_ in range(first, first + 100) if id_ != first + 57)
            with self.subTest(error), extending(webshop, Strict):
                self.assertEqual(self.import_ids(range(first, first + 100)), "99 created, 1 not there any more")
                self.assertLessEqual(len(asked), 2 + 2 * 6)

    def test_a_page_whose_rest_is_answered_by_nonsense_fails(self):
        class Broken(ShopAdapter):
            def read_many(self, external_ids, fields=None):
                if 1 not in external_ids:
                    raise UnreadableAnswer("<html>")
                return super().read_many([1], fields)

        self.add_many([1, 2])
        with extending(webshop, Broken), self.assertRaises(UnreadableAnswer):
            self.import_ids([1, 2])

    def test_an_id_that_is_another_form_of_the_id_of_its_record_is_refused(self):
        self.add(42)
        with extending(webshop, Lenient), mute_logger("odoo.addons.connector.unit.importer.failures"):
            self.assertEqual(self.import_ids(["0042"]), "1 failed and left to jobs of their own")
            self.assertFalse(self.names())
            self.assertEqual(self.import_ids(["0042", 42]), "1 created, 1 failed and left to jobs of their own")
            with mute_logger("odoo.addons.jobs_queue.worker"):
                self.assertFailed(self.run_jobs(), "answers with record 42 to 0042")
        self.assertEqual(self.names(), ["Partner 42"])

    def test_a_record_that_is_bound_by_another_form_of_its_id_is_not_created_again(self):
        self.partner("0042")
        self.add(42)
        with extending(webshop, Lenient), mute_logger("odoo.addons.connector.unit.importer.failures"):
            self.import_ids(["0042"])
            self.assertDone(self.run_jobs())
        self.assertEqual((self.names(), self.binding("0042").sync_state), (["Partner 42"], "in_sync"))

    def test_a_binding_knows_the_state_that_was_imported(self):
        self.add(0, changed="revision 7")
        self.import_ids([0])
        binding = self.binding(0)
        self.assertEqual((binding.external_version, binding.sync_state), ("revision 7", "in_sync"))
        self.assertTrue(binding.sync_date and binding.import_checksum)

    def test_what_has_not_changed_is_left_alone(self):
        self.add_many([1, 2])
        self.import_ids([1, 2])
        self.binding(1).name = "Changed here"
        self.assertEqual(self.import_ids([1, 2]), "2 up to date")
        self.assertEqual(self.binding(1).name, "Changed here")

    def test_what_has_not_changed_is_imported_by_force(self):
        self.add(1)
        self.import_ids([1])
        self.binding(1).name = "Changed here"
        self.import_ids([1], force=True)
        self.assertEqual(self.binding(1).name, "Partner 1")

    def test_a_page_that_has_not_changed_takes_ten_queries_for_500_records(self):
        records = [{"id": external_id, "name": f"Partner {external_id}"} for external_id in range(500)]
        self.unit(BulkImporter).run(records)
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(10):
            self.unit(BulkImporter).run(records)

    def test_the_write_of_a_record_searches_for_no_binding_whose_cache_it_outdates(self):
        self.add_many([1, 2], mail="old@example.com")
        self.import_ids([1, 2])
        self.add_many([1, 2], mail="new@example.com")
        self.env.flush_all()
        self.env.invalidate_all()
        with patch.object(type(self.Partner), "search", autospec=True) as search:
            self.import_ids([1, 2])
        search.assert_not_called()
        self.assertEqual(self.binding(2).email, "new@example.com")

    def test_what_is_not_there_any_more_is_left_to_the_policy_of_its_importer(self):
        handled = []

        class Importer(ShopImporter):
            def _handle_missing(self):
                handled.append(self.external_id)

        self.add(1)
        with extending(webshop, Importer):
            message = self.import_ids([1, 2])
        self.assertEqual(handled, [2])
        self.assertEqual(message, "1 created, 1 not there any more")

    def test_what_is_not_there_any_more_is_missing_until_it_is_there_again(self):
        self.add_many([1, 2])
        self.import_ids([1, 2])
        theirs = self.shop.table("test.shop.partner").pop(2)
        self.import_ids([1, 2])
        self.assertEqual((self.binding(1).sync_state, self.binding(2).sync_state), ("in_sync", "missing"))
        self.shop.table("test.shop.partner")[2] = theirs
        self.assertEqual(self.import_ids([1, 2]), "2 up to date")
        self.assertEqual(self.binding(2).sync_state, "in_sync")

    def test_what_is_to_be_skipped_is_skipped(self):
        class Importer(PartnerImporter):
            def _must_skip(self):
                return "No." if self.external_id == 2 else None

        self.add_many([1, 2])
        with extending(webshop, Importer):
            self.assertEqual(self.import_ids([1, 2]), "1 created, 1 skipped")

    def test_what_comes_after_the_import_comes_for_each_record(self):
        imported = []

        class Importer(PartnerImporter):
            def _after_import(self, binding):
                imported.append(binding)

        self.add_many([1, 2])
        with extending(webshop, Importer):
            self.import_ids([1, 2])
        self.assertEqual(imported, [self.binding(1), self.binding(2)])

    def test_an_empty_page_says_so(self):
        self.assertEqual(self.import_ids([]), "Nothing to import.")


class TestDependencies(BulkCase):
    def test_what_the_records_of_a_page_depend_on_is_imported_first_as_a_page(self):
        for external_id in (7, 8):
            self.shop.add("test.shop.tag", external_id, name=f"Tag {external_id}")
        self.add_many([1, 2, 3], tag=7)
        self.add(4, tag=8)
        with patch.object(ShopAdapter, "read_many", autospec=True, side_effect=ShopAdapter.read_many) as read_many:
            message = self.import_ids([1, 2, 3, 4])
        self.assertEqual([call.args[1] for call in read_many.call_args_list], [[1, 2, 3, 4], [7, 8]])
        self.assertEqual(self.binding(4).main_tag_id.name, "Tag 8")
        self.assertEqual(message, "4 created, 2 more on which they depend")

    def test_a_record_may_depend_on_another_one_of_its_page(self):
        self.add(1, parent=2)
        self.add(2, parent=3)
        self.add(3)
        self.assertEqual(self.import_ids([1, 2, 3]), "3 created")
        self.assertEqual(self.binding(1).parent_id, self.binding(2).odoo_id)
        self.assertEqual(self.binding(2).parent_id, self.binding(3).odoo_id)

    def test_a_record_may_depend_on_one_of_another_page(self):
        self.add(1, parent=2)
        self.add(2)
        self.assertEqual(self.import_ids([1]), "1 created, 1 more on which they depend")
        self.assertEqual(self.import_ids([2]), "1 up to date")

    def test_a_dependency_that_is_here_is_not_imported_again(self):
        self.tag("7", name="Gold")
        self.shop.add("test.shop.tag", 7, name="Silver")
        self.add(1, tag=7)
        self.import_ids([1])
        self.assertEqual(self.binding(1).main_tag_id.name, "Gold")

    def test_records_that_depend_on_each_other_fail_and_the_others_of_the_page_do_not(self):
        self.add(1, parent=2)
        self.add(2, parent=1)
        self.add(3)
        with mute_logger(BulkImporter.__module__):
            self.assertEqual(self.import_ids([1, 2, 3]), "1 created, 2 failed and left to jobs of their own")


class TestRecordThatFails(BulkCase):
    def test_one_bad_record_does_not_take_the_page_with_it(self):
        self.add_many(range(9))
        with self.failing("Partner 4"):
            message = self.import_ids(range(9))
        self.assertEqual(message, "8 created, 1 failed and left to jobs of their own")
        self.assertEqual(len(self.names()), 8)

    def test_one_that_somebody_else_has_created_meanwhile_is_left_to_a_job_that_will_find_it(self):
        self.add_many(range(4))
        taken = self.partner("already here").odoo_id

        class Importer(PartnerImporter):
            def _create_data(self, map_record):
                return {"odoo_id": taken.id} if self.external_id == 2 else super()._create_data(map_record)

        with extending(webshop, Importer), mute_logger(BulkImporter.__module__, "odoo.sql_db"):
            message = self.import_ids(range(4))
            self.assertEqual(message, "3 created, 1 exist by now and are left to jobs of their own")
            self.assertFalse(self.env["connector.checkpoint"].search([("model", "=", "test.shop.backend")]))
            job = self.run_jobs()
            self.assertEqual((job.state, job.retry), ("scheduled", 1))
        self.assertDone(self.run_jobs(at=job.eta))
        self.assertEqual(self.binding(2).name, "Partner 2")

    def test_one_that_the_database_refuses_is_found_too(self):
        class Importer(PartnerImporter):
            def _after_import(self, binding):
                if self.external_id == 2:
                    self.env.cr.execute("SELECT 1 / 0")

        self.add_many(range(4))
        with extending(webshop, Importer), mute_logger(BulkImporter.__module__, "odoo.sql_db"):
            self.assertEqual(self.import_ids(range(4)), "3 created, 1 failed and left to jobs of their own")

    def test_it_gets_a_job_of_its_own_that_says_why(self):
        self.add_many(range(3))
        with self.failing("Partner 1"):
            import_page.delay(self.session, "test.shop.partner", self.backend.id, [0, 1, 2])
            jobs = self.run_jobs()
        page, own = jobs
        self.assertEqual((page.state, own.state), ("done", "failed"))
        self.assertEqual(own.message, "ValueError: Partner 1 is not welcome")
        store.actions.requeue(self.env.cr, own.ids)
        self.assertEqual(self.run_jobs().message, "Created from record 1 of Test Shop.")

    def test_of_its_jobs_that_wait_only_one_runs(self):
        self.add_many(range(3))
        with self.failing("Partner 1"):
            self.import_ids(range(3))
            self.import_ids(range(3))
        self.assertEqual(self.run_jobs().mapped("message"), ["Created from record 1 of Test Shop."])

    def test_one_that_is_not_there_any_more_fails_alone_too(self):
        class Importer(ShopImporter):
            def _handle_missing(self):
                raise ValueError("It must not go")

        self.add_many([1, 3])
        with extending(webshop, Importer), mute_logger(BulkImporter.__module__):
            import_page.delay(self.session, "test.shop.partner", self.backend.id, [1, 2, 3])
            page, own = self.run_jobs()
        self.assertEqual((page.state, own.state, own.message), ("done", "failed", "ValueError: It must not go"))
        self.assertEqual(self.names(), ["Partner 1", "Partner 3"])
        checkpoint = self.env["connector.checkpoint"].search(
            [("backend_id", "=", f"test.shop.backend,{self.backend.id}")]
        )
        self.assertEqual(checkpoint.message, "Record 2 of Test Shop cannot be imported: It must not go")

    def test_it_gets_a_checkpoint(self):
        self.add_many(range(3))
        with self.failing("Partner 1"):
            self.import_ids(range(3))
        checkpoint = self.env["connector.checkpoint"].search(
            [("backend_id", "=", f"test.shop.backend,{self.backend.id}")]
        )
        self.assertEqual(checkpoint.message, "Record 1 of Test Shop cannot be imported: Partner 1 is not welcome")

    @mute_logger("odoo.sql_db")
    def test_its_checkpoint_says_what_the_database_refuses_and_not_the_row(self):
        self.add_many([1, 3])
        self.add(2, name=None, mail="ada@example.com")
        self.import_ids([1, 2, 3])
        checkpoint = self.env["connector.checkpoint"].search(
            [("backend_id", "=", f"test.shop.backend,{self.backend.id}")]
        )
        self.assertEqual(checkpoint.message, "Record 2 of Test Shop cannot be imported: Contacts require a name")
        self.assertEqual(self.names(), ["Partner 1", "Partner 3"])

    def test_the_binding_of_a_known_one_says_why_until_it_is_imported(self):
        self.add_many([1, 2])
        self.import_ids([1, 2])
        self.add(1, name="Rude")
        with self.failing("Rude"):
            self.import_ids([1, 2])
        binding = self.binding(1)
        self.assertEqual((binding.sync_state, binding.sync_error), ("error", "Rude is not welcome"))
        self.import_ids([1])
        self.assertEqual((binding.sync_state, binding.sync_error, binding.name), ("in_sync", False, "Rude"))

    def test_what_concerns_all_ends_the_page_and_its_job_is_tried_again(self):
        class Importer(PartnerImporter):
            def _after_import(self, binding):
                raise NetworkRetryableError("The shop is away")

        self.add_many(range(3))
        for ids in ([0, 1, 2], [0]):
            import_page.delay(self.session, "test.shop.partner", self.backend.id, ids)
            with self.subTest(ids), extending(webshop, Importer):
                job = self.run_jobs()
                self.assertEqual((job.state, job.retry, self.names()), ("scheduled", 1, []))

    def test_what_concerns_all_ends_the_page_also_if_it_is_met_for_a_record_that_is_gone(self):
        class Importer(PartnerImporter):
            def _handle_missing(self):
                raise NetworkRetryableError("The shop is away")

        import_page.delay(self.session, "test.shop.partner", self.backend.id, [0, 1])
        with extending(webshop, Importer):
            job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("scheduled", 1))


class TestPageThatFails(BulkCase):
    """Many records of a page fail, for one reason or several."""

    @contextmanager
    def refusing(self, reason_of):
        """Let the import of partners fail.

        :param reason_of: function of a name that returns the exception, or None
        """
        tried = []

        class Importer(PartnerImporter):
            def _validate_data(self, values):
                tried.append(values["name"])
                if error := reason_of(values["name"]):
                    raise error

        with extending(webshop, Importer), mute_logger("odoo.addons.connector.unit.importer.failures"):
            yield tried

    def checkpoints(self):
        return self.env["connector.checkpoint"].search([("backend_id", "=", f"test.shop.backend,{self.backend.id}")])

    def test_c11_a_page_that_fails_for_one_reason_is_told_once(self):
        self.add_many(range(300))
        with self.refusing(lambda name: ValueError(f"{name} has no tax 'VAT {name}'")) as tried:
            message = self.import_ids(range(300))
        self.assertEqual(message, "300 failed for the same reason: a checkpoint has them")
        self.assertFalse(self.delayed_jobs("import_record"))
        self.assertLess(len(tried), 50)
        checkpoint = self.checkpoints()
        self.assertEqual(checkpoint.external_ids, list(range(300)))
        self.assertEqual(checkpoint.external_ids_text, ", ".join(map(str, range(100))) + " and 200 more")
        self.assertIn("Records of Test Shop cannot be imported: Partner 0 has no tax", checkpoint.message)

    def test_c11_the_button_of_the_checkpoint_imports_all_of_its_records(self):
        self.add_many(range(30))
        with self.refusing(lambda name: ValueError("No tax")):
            self.import_ids(range(30))
        checkpoint = self.checkpoints()
        self.assertEqual(checkpoint.external_ids_text, ", ".join(map(str, range(30))))
        checkpoint.action_import()
        self.assertDone(self.run_jobs())
        self.assertEqual((len(self.names()), checkpoint.state), (30, "reviewed"))

    def test_c11_the_bindings_of_those_that_fail_for_one_reason_are_marked_by_one_write(self):
        self.add_many(range(30))
        self.import_ids(range(30))
        self.binding(7).sync_state = "conflict"
        self.add_many(range(30), points=1)
        partners = type(self.Partner)
        with (
            self.refusing(lambda name: ValueError("No tax")),
            patch.object(partners, "write", autospec=True, side_effect=partners.write) as write,
        ):
            self.import_ids(range(30))
        marked = [bindings for bindings, values in (call.args for call in write.mock_calls) if "sync_error" in values]
        self.assertEqual([len(bindings) for bindings in marked], [29])
        self.assertEqual(set(marked[0].mapped("sync_state")), {"error"})
        self.assertEqual(self.binding(7).sync_state, "conflict")

    def test_c11_to_look_for_one_that_has_failed_costs_the_same_however_many_have(self):
        importer = self.unit(RecordImporter)
        failed = Failures(importer)
        for incoming in importer.page_of(dict.fromkeys(range(20))):
            failed.add(incoming, ValueError("No tax"))
        failed.add_all(importer.page_of({20: None}))
        with patch.object(failures, "external_id_text", side_effect=external_id_text) as texts:
            self.assertEqual([external_id in failed for external_id in (7, "20", 21)], [True, True, False])
        self.assertEqual(texts.call_count, 3)

    def test_c11_the_records_of_the_next_page_that_fail_for_that_reason_join_the_checkpoint(self):
        self.add_many(range(50))
        with self.refusing(lambda name: ValueError("No tax")):
            self.import_ids(range(25))
            self.import_ids(range(25, 50))
            self.import_ids(range(25, 50))
        self.assertEqual(self.checkpoints().external_ids, list(range(50)))

    def test_c11_records_between_those_that_fail_for_one_reason_are_imported(self):
        self.add_many(range(100))
        with self.refusing(lambda name: None if name in ("Partner 0", "Partner 99") else ValueError("No tax")):
            message = self.import_ids(range(100))
        self.assertEqual(message, "2 created, 98 failed for the same reason: a checkpoint has them")
        self.assertEqual(self.checkpoints().external_ids, list(range(1, 99)))

    def test_c11_two_reasons_are_told_apart(self):
        self.add_many(range(4))
        reasons = {"Partner 1": ValueError("No tax"), "Partner 3": ValueError("It has no unit of measure at all")}
        with self.refusing(reasons.get):
            message = self.import_ids(range(4))
        self.assertEqual(message, "2 created, 2 failed and left to jobs of their own")
        self.assertEqual(len(self.checkpoints()), 2)

    def test_c11_a_dependency_that_fails_is_told_once_too(self):
        self.shop.add("test.shop.tag", 7, name="Wrong")

        class Importer(ShopImporter):
            _model_name = "test.shop.tag"

            def _validate_data(self, values):
                raise ValueError("No such tag")

        self.add_many(range(40), tag=7)
        with (
            registering(webshop),
            mute_logger("odoo.addons.connector.unit.importer.failures"),
        ):
            webshop(Importer)
            message = self.import_ids(range(40))
        self.assertEqual(message, "40 failed for the same reason: a checkpoint has them")
        self.assertEqual(len(self.checkpoints()), 2)

    def test_c10_a_reason_that_cannot_be_stored_is_told_all_the_same(self):
        self.add_many(range(5))
        error = InvalidDataError("a\0b \ud83d")
        with self.refusing(lambda name: error if name == "Partner 3" else None):
            message = self.import_ids(range(5))
        self.assertEqual(message, "4 created, 1 failed and left to jobs of their own")
        self.assertRegex(self.checkpoints().message, "Record 3 of Test Shop cannot be imported: a.b")

    def test_c10_an_id_that_cannot_be_stored_does_not_take_the_page_with_it(self):
        for wrong in ("1\0", "9" * 3000, "\ud83d"):
            self.add_many([1, 2])
            with self.subTest(wrong[:9]):
                import_page.delay(self.session, "test.shop.partner", self.backend.id, [1, wrong, 2])
                self.assertDone(self.run_jobs())
                self.assertEqual(self.names(), ["Partner 1", "Partner 2"])
        self.assertEqual(len(self.checkpoints()), 3)

    def test_c10_a_listed_id_that_cannot_be_stored_does_not_stop_the_batch(self):
        self.add_many([1, "2\0", 3])
        import_batch.delay(self.session, "test.shop.partner", self.backend.id)
        self.assertDone(self.run_jobs())
        self.assertEqual(self.names(), ["Partner 1", "Partner 3"])
        self.assertIn("One record of Test Shop is left out:\n", self.checkpoints().message)

    def test_c10_several_ids_that_cannot_be_stored_are_counted(self):
        import_page.delay(self.session, "test.shop.partner", self.backend.id, ["1\0", "2\0"])
        self.assertDone(self.run_jobs())
        self.assertIn("2 records of Test Shop are left out:\n", self.checkpoints().message)


class TestOverriddenSteps(BulkCase):
    """A class that overrides how one record is read or looked up has its way in a page, too."""

    def test_an_own_way_to_read_a_record_is_used_in_a_page(self):
        class Importer(PartnerImporter):
            def _read(self):
                return {**super()._read(), "nickname": f"Nick {self.external_id}"}

        self.add_many([1, 2])
        with extending(webshop, Importer):
            self.import_ids([1, 2, 3])
        self.assertEqual([self.binding(1).nickname, self.binding(2).nickname], ["Nick 1", "Nick 2"])

    def test_an_own_way_to_create_a_record_is_used_in_a_page(self):
        class Importer(PartnerImporter):
            def _create(self, values):
                return super()._create({**values, "nickname": f"Nick {self.external_id}"})

        self.add_many([1, 2])
        with extending(webshop, Importer):
            self.import_ids([1, 2])
        self.assertEqual([self.binding(1).nickname, self.binding(2).nickname], ["Nick 1", "Nick 2"])

    def test_an_own_way_to_find_a_binding_is_used_in_a_page(self):
        known = self.partner("former id")

        class Importer(PartnerImporter):
            def _get_binding(self):
                return self.model.browse(known.id) if self.external_id == 2 else super()._get_binding()

        self.add_many([1, 2])
        with extending(webshop, Importer):
            self.assertEqual(self.import_ids([1, 2]), "1 created, 1 updated")
        self.assertEqual(known.name, "Partner 2")


class TestLocks(BulkCase):
    def test_a_page_for_whose_locks_there_is_no_place_is_tried_again_later(self):
        binder = self.unit(Binder)
        with (
            patch.object(Cursor, "execute", side_effect=OutOfMemory()),
            self.assertRaisesRegex(RetryableJobError, "no place for 3 more locks") as caught,
        ):
            lock_new({binder: [1, 2, 3]})
        self.assertEqual((caught.exception.ignore_retry, caught.exception.seconds), (False, 60))


class TestData(BulkCase):
    def test_data_that_are_older_than_the_last_import_are_read_again(self):
        self.add(1)
        self.import_ids([1])
        old = {"id": 1, "name": "Old"}
        import_page.delay(self.session, "test.shop.partner", self.backend.id, records=[old, {"id": 2, "name": "Two"}])
        self.env.cr.flush()
        self.add(1, name="New")
        import_record(self.session, "test.shop.partner", self.backend.id, 1)
        self.run_jobs()
        self.assertEqual(self.names(), ["New", "Two"])

    def test_data_that_were_read_before_the_last_import_are_old_though_their_job_was_delayed_after_it(self):
        self.add(1, name="New")
        self.import_ids([1])
        read_at = self.binding(1).sync_date
        self.binding(1).sync_date = read_at - timedelta(minutes=1)
        for seconds, expected in ((60, "New"), (59, "Old")):
            import_page.delay(
                self.session,
                "test.shop.partner",
                self.backend.id,
                records=[{"id": 1, "name": "Old"}],
                read_at=read_at - timedelta(seconds=seconds),
            )
            self.run_jobs()
            self.assertEqual(self.binding(1).name, expected)


class TestConcurrentPages(BulkCase):
    """Two workers import pages at the same time."""

    def setUp(self):
        super().setUp()
        self.shared = self.committed_backend()

    def import_in(self, env, ids):
        with self.shared.with_env(env).work_on("test.shop.partner") as environment:
            return environment.get_connector_unit(BulkImporter).run_ids(ids)

    def test_pages_whose_records_share_new_dependencies_create_exactly_one_of_each(self):
        self.add(100, name="Company")
        self.add_many(range(5), parent=100)
        self.add_many(range(5, 10), parent=100)
        with self.transaction() as first, self.transaction() as second:
            second["res.users"].search_count([])
            self.import_in(first, list(range(5)))
            with self.in_thread(self.import_in, second, list(range(5, 10))) as outcome:
                self.wait_until_blocked(second)
                first.cr.commit()
            self.assertIsInstance(outcome.exception(), TransactionOutdated)
            second.cr.rollback()
            self.assertEqual(self.import_in(second, list(range(5, 10))), "5 created")
            bindings = second["test.shop.partner"].search([("backend_id", "=", self.shared.id)])
            self.assertEqual(len(bindings), 11)
            self.assertEqual(len(bindings.parent_id), 1)

    def test_pages_that_need_each_others_records_do_not_wait_for_each_other_for_ever(self):
        self.add(1, parent=2)
        self.add(2)
        self.add(3, parent=4)
        self.add(4)
        with self.transaction() as first, self.transaction() as second:
            second["res.users"].search_count([])
            self.import_in(first, [1, 4])
            with self.in_thread(self.import_in, second, [2, 3]) as outcome:
                self.wait_until_blocked(second)
                first.cr.commit()
            self.assertIsInstance(outcome.exception(), TransactionOutdated)
            second.cr.rollback()
            self.import_in(second, [2, 3])
            self.assertEqual(second["test.shop.partner"].search_count([("backend_id", "=", self.shared.id)]), 4)

    def test_pages_of_different_records_do_not_wait(self):
        self.add_many(range(4))
        with self.transaction() as first, self.transaction() as second:
            self.import_in(first, [0, 1])
            self.assertEqual(self.import_in(second, [2, 3]), "2 created")
