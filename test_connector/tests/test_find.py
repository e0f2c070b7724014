"""The button *Find* fetches a record by its number, or says why not, and what has arrived."""

import threading
from contextlib import contextmanager

from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from odoo.addons.connector.backend import reference
from odoo.addons.connector.declaration import RestAdapter, field
from odoo.addons.connector.exception import (
    FailedJobError,
    NetworkRetryableError,
    RetryableJobError,
    TransactionOutdated,
)
from odoo.addons.connector.testing import Answer, ConnectorCase, JobsCase, Roles, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.unit.exporter.record import export_record
from odoo.addons.connector.unit.find import fetch, traffic
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.connector.wizards import connector_find_story

from ..units import ShopAdapter, webshop, webshop_2
from .common import ShopCase
from .test_flow import PARTNER, TAG, FlowCase
from .test_matching import MatchingImporter

PARTNERS, TAGS = "Test Shop Partner", "Test Shop Tag"


def refusing(base, method, error):
    """Return a unit whose method raises an error."""

    def refuse(self, *args, **kwargs):
        raise error

    return type("Refusing", (base,), {method: refuse, "__module__": __name__})


class FindCase(Roles, ShopCase, JobsCase):
    def find(self, number="100042", user=None):
        """Type a number and press the button; return the dialog."""
        backend = self.backend.with_user(user) if user else self.backend
        action = backend.action_find()
        find = backend.env[action["res_model"]].with_context(**action["context"]).create({"number": number})
        shown = find.action_find()
        self.assertEqual((shown["res_model"], shown["res_id"]), (find._name, find.id))
        return find

    def answers(self, find):
        return {(answer.subject, answer.outcome): answer.text for answer in find.answer_ids}

    def answer(self, find, subject=PARTNERS):
        [answer] = find.answer_ids.filtered(lambda answer: answer.subject == subject)
        return answer

    @contextmanager
    def assertNoNewRows(self, *models):
        before = [self.env[name].search_count([]) for name in models]
        yield
        self.assertEqual([self.env[name].search_count([]) for name in models], before)

    def bound(self, external_id="42"):
        return self.Partner.search([("backend_id", "=", self.backend.id), ("external_id", "=", external_id)])


class TestFetch(FindCase):
    def test_what_has_the_number_is_imported_at_once_and_the_answer_leads_to_it(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        answer = self.answer(self.find(" 100042 "))
        self.assertEqual((answer.outcome, answer.text), ("imported", "Created from record 42 of Test Shop."))
        self.assertEqual(self.bound().name, "Ada")
        action = answer.action_open()
        self.assertEqual((action["res_model"], action["res_id"]), ("test.shop.partner", self.bound().id))

    def test_where_nothing_has_the_number_each_model_that_was_asked_says_so(self):
        found = self.answers(self.find())
        self.assertEqual(found[PARTNERS, "absent"], "Test Shop has none with this number.")
        self.assertEqual(found[TAGS, "absent"], "Test Shop has none with this number.")

    def test_what_is_here_is_imported_again_whether_it_has_changed_there_or_not(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042", changed="1")
        self.find()
        self.bound().name = "Ours"
        self.assertEqual(self.answer(self.find()).text, "Updated from record 42 of Test Shop.")
        self.assertEqual((self.bound().name, self.bound().sync_state), ("Ada", "in_sync"))

    def test_what_cannot_be_mapped_is_blocked_and_nothing_of_it_is_left(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042", tag=7)
        with self.assertNoNewRows("test.shop.partner", "res.partner", "connector.checkpoint"):
            answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "blocked")
        self.assertIn("7", answer.text)
        self.assertFalse(answer.record_id)
        self.assertFalse(self.delayed_jobs())

    def test_one_that_several_here_may_be_says_to_press_find_again(self):
        self.enterContext(extending(webshop, MatchingImporter))
        self.env["res.partner"].create([{"name": name, "email": "ada@shop"} for name in ("Ada", "Ada 2")])
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042", mail="ada@shop")
        text = self.answer(self.find()).text
        self.assertTrue(text.endswith("Leave it to the one that is meant, then press Find again."), text)

    def test_a_value_that_odoo_refuses_is_blocked_with_what_odoo_says(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        with extending(webshop, refusing(RecordImporter, "_create_data", UserError("Ada has no address"))):
            answer = self.answer(self.find())
        self.assertEqual((answer.outcome, answer.text), ("blocked", "Ada has no address"))

    @mute_logger("odoo.addons.connector.unit.find.fetch")
    def test_a_fault_in_the_connector_is_named_and_does_not_hide_what_has_arrived(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        self.partner("100042")
        with extending(webshop, refusing(RecordImporter, "_create_data", KeyError("lines"))):
            find = self.find()
        self.assertEqual(self.answer(find).text, "The code of the connector fails with KeyError, see the log.")
        self.assertEqual(find.line_ids.mapped("kind"), ["record"])

    def test_a_missing_right_there_is_named(self):
        error = FailedJobError("Our user lacks the right orders.read there")
        with extending(webshop, refusing(ShopAdapter, "read", error)):
            self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
            answer = self.answer(self.find())
        self.assertEqual((answer.outcome, answer.text), ("blocked", str(error)))

    def test_a_record_that_the_connector_leaves_out_says_why(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")

        class Choosy(RecordImporter):
            def _must_skip(self):
                return "Not imported: it is a draft."

        with extending(webshop, Choosy):
            answer = self.answer(self.find())
        self.assertEqual((answer.outcome, answer.text), ("blocked", "Not imported: it is a draft."))

    def test_a_known_record_that_is_left_out_keeps_its_state(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        self.find()

        class Choosy(RecordImporter):
            def _must_skip(self):
                return "Not imported: it is a draft."

        with extending(webshop, Choosy):
            self.assertEqual(self.answer(self.find()).outcome, "blocked")
        self.assertEqual(self.bound().sync_state, "in_sync")

    def test_a_conflict_blocks_and_the_answer_leads_to_the_record(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        self.find()
        self.bound().sync_state = "conflict"
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "blocked")
        self.assertIn("conflict waits for a person", answer.text)
        self.assertEqual(answer.record_id, self.bound().id)

    def test_what_waits_to_be_sent_is_not_overwritten(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042", changed="1")
        self.find()
        self.bound().write({"name": "Ours", "sync_state": "to_export"})
        key = export_identity("test.shop.partner", self.bound().id)
        export_record.delay(self.session, "test.shop.partner", self.bound().id, identity_key=key, eta=3600)
        self.shop.table("test.shop.partner")[42].update(name="Theirs", changed="2")
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "waits")
        self.assertIn("must reach Test Shop first", answer.text)
        self.assertEqual(self.bound().name, "Ours")

    def test_what_has_to_wait_is_left_to_jobs_of_which_one_runs_however_often_somebody_presses(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        with extending(webshop, refusing(ShopAdapter, "read", RetryableJobError("The shop is busy"))):
            answers = [self.answer(self.find()) for _press in range(2)]
        for answer in answers:
            self.assertEqual(answer.outcome, "waits")
            self.assertIn("The shop is busy", answer.text)
            self.assertEqual(answer.action_open()["res_model"], "queue.job")
        self.assertDone(self.run_jobs())
        self.assertFalse(self.delayed_jobs().filtered(lambda job: job.state == "pending"))
        self.assertEqual(self.bound().name, "Ada")

    def test_several_with_one_number_are_listed_to_choose_from(self):
        for id_ in (42, 43):
            self.shop.add("test.shop.partner", id_, name=f"Ada {id_}", number="100042")
        self.shop.add("test.shop.partner", 41, name="Ada")
        find = self.find()
        chosen = find.answer_ids.filtered(lambda answer: answer.subject == PARTNERS)
        self.assertEqual(chosen.mapped("outcome"), ["several", "several"])
        self.assertFalse(self.bound() + self.bound("43"))
        chosen[1].action_fetch()
        self.assertEqual(chosen.mapped("outcome"), ["several", "imported"])
        self.assertEqual(self.bound("43").name, "Ada 43")
        self.assertIn("record", find.line_ids.mapped("kind"))

    def test_a_system_that_returns_all_records_for_a_number_is_not_believed(self):
        for id_ in range(fetch.MOST_RECORDS + 1):
            self.shop.add("test.shop.partner", id_ + 1, name="Ada", number="100042")
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "unknown")
        self.assertIn("returns 21 records or more", answer.text)

    def test_an_adapter_that_cannot_find_by_a_number_is_named(self):
        with extending(webshop, refusing(ShopAdapter, "find_by_number", NotImplementedError())):
            find = self.find()
        self.assertFalse(find.answer_ids)
        self.assertIn(PARTNERS, find.not_asked)

    def test_an_archived_backend_is_not_asked_and_what_has_arrived_is_told(self):
        self.partner("100042")
        self.backend.active = False
        with extending(webshop, refusing(ShopAdapter, "find_by_number", AssertionError())):
            find = self.find()
        self.assertIn("is archived", self.answers(find)["Test Shop", "blocked"])
        self.assertEqual(find.line_ids.mapped("kind"), ["record"])

    def test_a_backend_whose_login_is_refused_is_not_asked_again(self):
        self.env["connector.backend.status"].create(
            {
                "backend_model": self.backend._name,
                "backend_id": self.backend.id,
                "state": "needs_attention",
                "reason": "wrong key",
            }
        )
        with extending(webshop, refusing(ShopAdapter, "find_by_number", AssertionError())):
            [text] = self.find().answer_ids.mapped("text")
        self.assertIn("wrong key", text)

    def test_a_system_that_is_down_is_asked_once_and_what_has_arrived_is_told(self):
        self.partner("100042")
        with extending(webshop, refusing(ShopAdapter, "find_by_number", NetworkRetryableError("No answer"))):
            find = self.find()
        self.assertEqual(find.answer_ids.mapped("outcome"), ["unknown"])
        self.assertEqual(find.answer_ids.text, "No answer")
        self.assertEqual(find.line_ids.mapped("kind"), ["record"])

    def test_no_number_is_refused(self):
        with self.assertRaisesRegex(UserError, "Enter an order's number"):
            self.find("  ")


class TestFetchThroughFlows(FindCase, FlowCase):
    def setUp(self):
        super().setUp()
        self.shop.add(PARTNER, 42, name="Ada", number="100042")

    def test_a_flow_that_is_switched_off_blocks_and_leaves_no_job(self):
        self.flow("partners").action_switch_off()
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "blocked")
        self.assertIn("the flow “Partners” is switched off", answer.text)
        self.assertEqual(answer.action_open()["res_id"], self.flow("partners").id)
        self.assertFalse(self.bound())
        self.assertFalse(self.delayed_jobs())

    def test_a_paused_flow_imports_it_when_it_is_resumed(self):
        self.flow("partners").action_pause()
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "waits")
        self.assertIn("The flow “Partners” is paused: somebody has to press Resume on it.", answer.text)
        self.assertEqual(answer.action_open()["res_id"], self.flow("partners").id)
        self.assertFalse(self.bound())
        self.assertEqual(self.delayed_jobs().channel_id, self.flow("partners").channel_id)
        self.flow("partners").action_resume()
        self.assertDone(self.run_jobs())
        self.assertTrue(self.bound())

    def test_what_is_here_is_imported_by_the_job_though_nothing_has_changed_there(self):
        self.find()
        self.bound().name = "Ours"
        self.flow("partners").action_pause()
        self.assertEqual(self.answer(self.find()).outcome, "waits")
        self.flow("partners").action_resume()
        self.assertDone(self.run_jobs())
        self.assertEqual((self.bound().name, self.bound().sync_state), ("Ada", "in_sync"))

    def test_a_channel_above_that_is_paused_is_named(self):
        self.backend.channel_id.action_pause()
        answer = self.answer(self.find())
        self.assertEqual((answer.outcome, answer.record_model), ("waits", "queue.job"))
        self.assertIn(f"The channel “{self.backend.channel_id.complete_name}” is paused", answer.text)

    def test_the_models_of_flows_are_asked_in_the_order_of_a_first_run(self):
        self.shop.add(TAG, 7, name="Tag", number="100042")
        self.assertEqual(self.find().answer_ids.mapped("subject")[:2], [TAGS, PARTNERS])

    def test_what_was_found_comes_before_what_is_not_there(self):
        self.assertEqual(self.find().answer_ids.mapped("outcome")[:2], ["imported", "absent"])


class TestStory(FindCase):
    def exchange(self, **values):
        reference_ = reference(self.backend)
        return self.env["connector.exchange"].create(
            {"backend_id": reference_, "method": "GET", "url": "https://shop.test/orders", "status": 200, **values}
        )

    def delivery(self, body, backend=None):
        return self.env["connector.webhook.delivery"].create(
            {"backend_id": reference(backend or self.backend), "topic": "orders/create", "body": body}
        )

    def checkpoint(self, record, message, backend=None):
        add_checkpoint(self.session, record._name, record.id, backend or self.backend, message)

    def told(self, find):
        return [(line.kind, line.text) for line in find.line_ids]

    def test_what_has_arrived_is_told_newest_first_with_a_link(self):
        binding = self.partner("100042", sync_state="in_sync", sync_date="2026-01-05 10:00:00")
        delivery = self.delivery('{"id": 100042}')
        self.env.cr.execute(
            "UPDATE connector_webhook_delivery SET create_date = '2026-01-03' WHERE id = %s", [delivery.id]
        )
        delivery.invalidate_recordset()
        self.exchange(url="https://shop.test/orders/100042", date="2026-01-04 10:00:00")
        find = self.find()
        self.assertEqual(
            self.told(find),
            [
                ("record", "Test Shop Partner “Ada” (100042 there): In Sync"),
                ("exchange", "GET https://shop.test/orders/100042 → 200"),
                ("delivery", "Told us: orders/create. Job: -"),
            ],
        )
        action = find.line_ids[0].action_open()
        self.assertEqual((action["res_model"], action["res_id"]), (binding._name, binding.id))

    def test_a_failed_job_is_told_with_its_reason(self):
        self.shop.add("test.shop.partner", 100042, name="Ada", tag=7)
        import_record.delay(self.session, "test.shop.partner", self.backend.id, 100042)
        job = self.run_jobs()
        self.assertEqual(job.state, "failed")
        [(_kind, text)] = [told for told in self.told(self.find()) if told[0] == "job"]
        self.assertIn("Failed", text)
        self.assertIn(" ".join(job.message.split())[:100], text)

    def test_a_waiting_job_is_told_with_what_it_waits_for(self):
        import_record.delay(self.session, "test.shop.partner", self.backend.id, 100042)
        self.env.cr.flush()
        self.backend.channel_id.action_pause()
        [(_kind, text)] = self.told(self.find())
        self.assertIn("is paused", text)

    def test_an_open_checkpoint_of_the_record_is_told(self):
        self.checkpoint(self.partner("100042"), "Two addresses")
        self.assertIn(("checkpoint", "To Review: Two addresses"), self.told(self.find()))

    def test_a_checkpoint_that_names_the_number_is_told(self):
        self.checkpoint(self.backend, "Record 100042 of Test Shop cannot be imported")
        self.assertEqual([kind for kind, _text in self.told(self.find())], ["checkpoint"])

    def test_a_record_is_found_by_its_name_here_and_by_a_merged_id(self):
        binding = self.partner("42", name="Ada Lovelace")
        self.env["connector.external.alias"]._add(binding, "100042")
        for number in ("Ada Lovelace", "100042"):
            with self.subTest(number):
                self.assertEqual(self.find(number).line_ids.mapped("record_id"), [binding.id])

    def test_what_is_found_there_is_told_by_its_id_too(self):
        self.shop.add("test.shop.partner", "P-00042", name="Ada", number="100042")
        self.exchange(url="https://shop.test/orders/P-00042")
        import_record.delay(self.session, "test.shop.partner", self.backend.id, "P-00042")
        self.env.cr.flush()
        self.assertEqual(sorted(self.find().line_ids.mapped("kind")), ["exchange", "job", "record"])

    def test_the_same_id_of_another_model_is_something_else(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        self.tag("42")
        import_record.delay(self.session, "test.shop.tag", self.backend.id, "42")
        self.env.cr.flush()
        self.delivery('{"quantity": 42}')
        self.assertEqual(self.told(self.find()), [("record", "Test Shop Partner “Ada” (42 there): In Sync")])

    def test_an_archived_record_is_told(self):
        self.partner("100042").odoo_id.active = False
        self.assertEqual(self.find().line_ids.mapped("kind"), ["record"])

    def test_a_number_is_not_found_in_a_longer_one_nor_as_a_pattern(self):
        self.delivery('{"id": 1000421, "name": "A100042", "sku": "B1C"}')
        self.assertFalse(self.find().line_ids)
        self.assertFalse(self.find("B.C").line_ids)
        self.assertFalse(self.find("B_C").line_ids)
        self.delivery('{"sku": "B.C (2)", "mail": "Ada@example.com"}')
        for number in ("B.C (2)", "b.c (2)", "ada@example.com"):
            with self.subTest(number):
                self.assertEqual(len(self.find(number).line_ids), 1)

    def test_an_address_is_found_where_it_is_quoted(self):
        self.exchange(url="https://shop.test/customers?email=ada%40example.com")
        self.assertEqual(len(self.find("ada@example.com").line_ids), 1)

    def test_what_another_backend_has_is_not_told(self):
        other = self.backend.copy({"name": "Other Shop"})
        self.partner("100042", backend_id=other.id)
        self.delivery("100042", other)
        self.checkpoint(other, "100042", other)
        import_record.delay(self.session, "test.shop.partner", other.id, 100042)
        self.env.flush_all()
        self.assertFalse(self.find().line_ids)

    def test_only_the_last_texts_are_read_and_that_is_said(self):
        self.delivery("100042")
        self.patch(connector_find_story, "LAST", 1)
        self.assertEqual(len(self.find().line_ids), 1)
        self.delivery("other")
        find = self.find()
        self.assertFalse(find.line_ids)
        self.assertIn("the last 1 of each kind", find.searched)

    def test_who_may_not_see_exchanges_reads_the_rest_and_that_they_are_left_out(self):
        self.partner("100042")
        self.exchange(url="https://shop.test/orders/100042")
        self.delivery("100042")
        with extending(webshop, refusing(ShopAdapter, "find_by_number", AssertionError())):
            find = self.find(user=self.user)
        self.assertFalse(find.may_fetch)
        self.assertFalse(find.answer_ids)
        self.assertEqual(find.line_ids.mapped("kind"), ["record"])
        self.assertIn("Left out, as you may not see them: Exchange, Webhook.", find.searched)

    def test_who_may_not_read_records_here_reads_that_their_names_were_not_searched(self):
        self.partner("42", name="Ada Lovelace")
        found = self.find("Ada Lovelace", user=self.manager)
        self.assertEqual(found.line_ids.mapped("kind"), ["record"])
        self.assertNotIn("may not read", found.searched)
        self.env["ir.model.access"].search([("model_id.model", "=", "res.partner")]).active = False
        found = self.find("Ada Lovelace", user=self.user)
        self.assertFalse(found.line_ids)
        self.assertRegex(found.searched, "as you may not read the records here: [^.]*Test Shop Partner")


class TestRights(FindCase):
    def test_a_manager_without_other_rights_fetches_with_those_of_jobs(self):
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        answer = self.answer(self.find(user=self.manager))
        self.assertEqual(answer.outcome, "imported")

    def test_a_connector_user_cannot_fetch_what_a_manager_chooses_from(self):
        for id_ in (42, 43):
            self.shop.add("test.shop.partner", id_, name="Ada", number="100042")
        find = self.find(user=self.manager)
        chosen = find.answer_ids.filtered(lambda answer: answer.outcome == "several")
        with self.assertRaises(AccessError):
            chosen[0].with_user(self.user).action_fetch()
        self.assertFalse(self.bound())

    def test_a_plain_employee_finds_nothing(self):
        with self.assertRaises(AccessError):
            self.find(user=self.outsiders[0])

    def test_the_dialog_of_another_company_is_refused(self):
        with self.assertRaises(AccessError):
            self.find(user=self.other_manager)
        find = self.env["connector.find"].with_user(self.other_manager)
        forged = find.create({"backend_id": reference(self.backend), "number": "100042"})
        with self.assertRaises(AccessError):
            forged.action_find()

    def test_it_is_imported_in_the_company_of_the_backend(self):
        company = self.env["res.company"].create({"name": "Berlin"})
        self.backend.company_id = company
        self.shop.add("test.shop.partner", 42, name="Ada", number="100042")
        companies = []

        class Noting(RecordImporter):
            def _create_data(self, map_record):
                companies.append(self.env.company)
                return super()._create_data(map_record)

        with extending(webshop, Noting):
            self.find()
        self.assertEqual(companies, [company])


class DeclaredPartners(RestAdapter):
    base, path, find = field("location"), "/partners", "?number={number}"


class TestFetchOverHttp(ConnectorCase, FindCase):
    """The system is a server, and may be slow."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.enterContext(registering(webshop_2))
        webshop_2(type("Partners", (DeclaredPartners,), {"_model_name": PARTNER, "__module__": __name__}))
        self.served = {"/partners": Answer([{"id": 42}]), "/partners/42": Answer({"id": 42, "name": "Ada"})}
        self.server = self.serve(self.answered)
        self.backend.write({"version": "2.0", "location": self.server.url})
        self.env.flush_all()

    def answered(self, request):
        found = self.served[request.path]
        return found(request) if callable(found) else found

    def test_a_declared_adapter_is_asked_for_the_number_and_then_for_the_record(self):
        self.assertEqual(self.answer(self.find()).outcome, "imported")
        asked = [(request.path, request.params) for request in self.server.requests]
        self.assertEqual(asked, [("/partners", {"number": "100042"}), ("/partners/42", {})])

    def test_what_takes_too_long_is_given_up_and_the_backend_goes_on(self):
        self.partner("100042")
        over = threading.Event()
        self.addCleanup(over.set)
        self.served["/partners"] = lambda request: Answer([]) if over.wait(60) else Answer(status=500)
        self.patch(traffic, "SECONDS_OF_REQUEST", 0.2)
        find = self.find()
        over.set()
        self.assertEqual(self.answer(find).outcome, "unknown")
        self.assertRegex(self.answer(find).text, "has not (ended after|answered for) 0.2 s")
        self.assertIn("record", find.line_ids.mapped("kind"))
        self.assertFalse(self.backend._status().failures)

    def test_no_request_is_sent_when_time_is_up_and_a_job_goes_on(self):
        def asked(request):
            self.patch(traffic.HurriedTraffic, "_left", property(lambda traffic: 0))
            return Answer([{"id": 42}])

        self.served["/partners"] = asked
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "waits")
        self.assertIn("did not answer all requests within 30 s", answer.text)
        self.assertEqual(len(self.server.requests), 1)
        self.assertTrue(self.delayed_jobs())

    def test_a_refused_login_is_noted_on_the_backend_and_the_way_out_is_named(self):
        self.served["/partners"] = Answer({"message": "wrong key"}, status=401)
        answer = self.answer(self.find())
        self.assertEqual(answer.outcome, "unknown")
        self.assertIn("wrong key", answer.text)

    def test_a_missing_right_to_list_is_told_and_the_next_model_is_asked(self):
        self.served["/partners"] = Answer({"message": "no orders.read"}, status=403)
        find = self.find()
        self.assertIn("no orders.read", self.answer(find).text)
        self.assertIn((TAGS, "absent"), self.answers(find))


class TestAtOnce(FindCase):
    """Two people press at the same time, each in a transaction of his own."""

    def setUp(self):
        super().setUp()
        self.shop.add(PARTNER, 42, name="Ada", number="100042", changed="1")
        self.shared = self.committed_backend()

    def press(self, env):
        [fetched] = [
            fetched
            for fetched in fetch.Fetching(env["test.shop.backend"].browse(self.shared.id)).by_number("100042")
            if fetched.model_name == PARTNER
        ]
        env.flush_all()
        return fetched

    def test_the_second_begins_again_and_finds_what_the_first_has_imported(self):
        with self.transaction() as first, self.transaction() as second:
            self.assertEqual(self.press(first).outcome, "imported")
            with self.in_thread(self.press, second) as pressed:
                self.wait_until_blocked(second)
                first.cr.commit()
            with self.assertRaises(TransactionOutdated):  # Odoo begins the request again
                pressed.result()
        with self.transaction() as again:
            fetched = self.press(again)
            self.assertIn("Updated", fetched.text)
            bindings = again[PARTNER].search([("backend_id", "=", self.shared.id)])
            self.assertEqual(bindings, fetched.record)

    def test_who_has_waited_long_enough_for_another_import_is_told_and_a_job_goes_on(self):
        self.patch(fetch, "_LONGEST_LOCK", 0.1)
        with self.transaction() as first, self.transaction() as second:
            self.press(first)
            fetched = self.press(second)
            self.assertEqual(fetched.outcome, "waits")
            self.assertIn("Another job is importing it", fetched.text)
            self.assertEqual(fetched.record._name, "queue.job")

    def test_a_press_that_is_killed_leaves_nothing(self):
        with self.transaction() as env:
            self.assertEqual(self.press(env).outcome, "imported")
        with self.transaction() as env:
            self.assertFalse(env[PARTNER].search([("backend_id", "=", self.shared.id)]))
