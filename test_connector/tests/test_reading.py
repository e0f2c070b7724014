"""Pages of records that a system refuses as a whole because of one of them."""

import http.client
import xmlrpc.client

import psycopg2
import requests

from odoo.tools import mute_logger

from odoo.addons.connector.declaration import Call, MultiCall, OnePage, RestAdapter, RpcAdapter, field
from odoo.addons.connector.exception import (
    CredentialsRefused,
    FailedJobError,
    InvalidDataError,
    NetworkRetryableError,
    NothingToDoJob,
    RetryableJobError,
    TooLongForCron,
    UnreadableAnswer,
)
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.backend_adapter.errors import Refusal
from odoo.addons.connector.unit.importer.batch import import_batch
from odoo.addons.connector.unit.importer.bulk import BulkImporter, import_page
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.reconciler import Reconciler

from ..units import PartnerImporter, webshop
from .test_http_adapter import HttpCase


class Partners(RestAdapter):
    """A declared adapter whose system reads many records by one request."""

    base, path, paginator = field("location"), "/partners", OnePage()

    def read_many(self, external_ids, fields=None):
        return self.request_json("GET", "/partners", params={"ids": ",".join(map(str, external_ids))})


class SinglePartners(RestAdapter):
    """A declared adapter whose system reads one record by a request."""

    base, path, paginator = field("location"), "/partners", OnePage()


class Clients(RpcAdapter):
    """A declared adapter of remote procedures, with a call for many records."""

    base, one, many, id_field = field("location"), Call("partner.info", "{id}"), MultiCall(50), "id"
    missing, denied = {102}, {2}


MISSING, BROKEN, REFUSED = Answer({}, 404), Answer({}, 500), Answer({}, 422)


class ReadingCase(HttpCase):
    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        self.enterContext(mute_logger("odoo.addons.connector.unit.importer.failures"))
        self.bad, self.asked, self.listed, self.most = {}, [], [], 1000
        self.serve(self.answer)
        self.backend.location = self.server.url

    def answer(self, request):
        """Answer as a system that refuses a page for the first bad record of it."""
        ids = request.params.get("ids") or request.path.removeprefix("/partners").removeprefix("/")
        if not ids:
            return Answer([{"id": id_} for id_ in self.listed])
        self.asked.append(list(map(int, ids.split(","))))
        for external_id in self.asked[-1][: self.most]:
            if external_id in self.bad:
                return self.bad[external_id]
        records = [{"id": id_, "name": f"Partner {id_}"} for id_ in self.asked[-1][: self.most]]
        return Answer(records if "ids" in request.params else records[0])

    def use(self, adapter_class, model_name="test.shop.partner"):
        webshop(type(adapter_class.__name__, (adapter_class,), {"_model_name": model_name, "__module__": __name__}))

    def import_ids(self, ids):
        return self.unit(BulkImporter).run_ids(list(ids))

    def imported(self):
        """Return the external ids of what is here, in the order in which it was created."""
        return [int(external_id) for external_id in self.Partner.search([], order="id").mapped("external_id")]

    def retried(self):
        """Return the ids of the records that have a job of their own."""
        return [job.args["external_id"] for job in self.delayed_jobs("import_record")]

    def state(self):
        self.env.invalidate_all()
        return self.backend.state


class TestOneBadRecord(ReadingCase):
    def setUp(self):
        super().setUp()
        self.use(Partners)

    def test_a_record_that_was_deleted_there_is_missing_and_the_others_are_imported_in_their_order(self):
        binding = self.partner("57")
        self.bad[57] = MISSING
        self.assertEqual(self.import_ids(range(100)), "99 created, 1 not there any more")
        self.assertEqual(self.imported(), [57, *range(57), *range(58, 100)])
        self.assertEqual(binding.sync_state, "missing")
        self.assertLessEqual(len(self.asked), 1 + 2 * 7)

    def test_a_record_by_which_the_system_breaks_gets_a_job_of_its_own(self):
        self.bad[99] = BROKEN
        self.assertEqual(self.import_ids(range(100)), "99 created, 1 failed and left to jobs of their own")
        self.assertEqual(self.imported(), [*range(99)])
        self.assertEqual(len(self.delayed_jobs("import_record")), 1)
        self.assertLessEqual(len(self.asked), 1 + 2 * 7)
        checkpoint = self.env["connector.checkpoint"].search(
            [("backend_id", "=", f"test.shop.backend,{self.backend.id}")]
        )
        self.assertRegex(checkpoint.message, "Record 99 of Test Shop cannot be imported: .* has a problem")
        self.assertEqual(self.state(), "ready")
        self.bad.clear()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.imported(), [*range(100)])

    def test_a_damaged_record_among_those_that_were_left_out_at_first_is_not_missing(self):
        binding = self.partner("30")
        self.most, self.bad[30] = 20, Answer({"message": "The record is damaged"}, 422)
        self.assertEqual(self.import_ids(range(50)), "49 created, 1 failed and left to jobs of their own")
        self.assertEqual(binding.sync_state, "error")

    def test_records_that_were_left_out_and_are_then_all_refused_take_two_requests_each_at_most(self):
        self.most, self.bad = 20, dict.fromkeys(range(20, 50), MISSING)
        self.assertEqual(self.import_ids(range(50)), "20 created, 30 not there any more")
        self.assertLessEqual(len(self.asked), 1 + 2 * 30)

    def test_the_binding_of_a_record_that_cannot_be_read_says_why(self):
        binding = self.partner("3")
        self.bad[3] = Answer({"message": "The record is damaged"}, 422)
        self.import_ids(range(5))
        self.assertEqual(binding.sync_state, "error")
        self.assertIn("The record is damaged", binding.sync_error)

    def test_whatever_a_system_answers_for_a_bad_record_the_others_are_imported(self):
        answers = {
            "400": Answer({}, 400),
            "410": Answer({}, 410),
            "414": Answer("", 414),
            "a page of HTML": Answer("<h1>Oops</h1>"),
            "no list": Answer({"items": []}),
            "nothing": Answer("null"),
            "a record without an id": Answer([{"name": "Nobody"}]),
            "a part of the JSON": Answer('[{"id": 1, "name":'),
        }
        for number, (name, answer) in enumerate(answers.items()):
            with self.subTest(name):
                first = number * 10
                self.bad = {first + 3: answer}
                self.import_ids(range(first, first + 10))
                self.assertEqual(
                    self.imported()[number * 9 :], [*range(first, first + 3), *range(first + 4, first + 10)]
                )

    def test_several_bad_records_are_found(self):
        for first, bad in ((0, (10, 60)), (100, (141, 142)), (200, (200, 299))):
            with self.subTest(bad):
                self.bad = {bad[0]: MISSING, bad[1]: BROKEN}
                message = self.import_ids(range(first, first + 100))
                self.assertEqual(message, "98 created, 1 not there any more, 1 failed and left to jobs of their own")

    def test_a_page_of_one_record_that_was_deleted_is_no_error(self):
        self.bad[7] = MISSING
        self.assertEqual(self.import_ids([7]), "1 not there any more")
        self.assertEqual(self.asked, [[7], [7]])  # by the call for many, and by that for one

    def test_a_record_that_depends_on_a_bad_one_fails_and_no_other(self):
        self.use(Partners, "test.shop.tag")
        self.bad[7] = BROKEN

        def answer(request):
            answered = self.answer(request)
            if answered.status == 200 and request.params["ids"].startswith("1"):
                for record in answered.body:
                    record["tag"] = record["id"] - 10
            return answered

        self.serve(answer)
        self.backend.location = self.server.url
        self.assertEqual(
            self.import_ids(range(15, 20)),
            "4 created, 4 more on which they depend, 1 failed and left to jobs of their own",
        )
        self.assertEqual(self.imported(), [15, 16, 18, 19])
        self.assertEqual(self.asked.count([7]), 1)

    def test_the_watermark_moves_past_a_record_that_cannot_be_read(self):
        self.listed = [*range(10)]
        self.bad[4] = BROKEN
        import_batch.delay(self.session, "test.shop.partner", self.backend.id)
        self.run_jobs()
        self.assertEqual(len(self.imported()), 9)
        self.assertTrue(self.env["connector.watermark"].value_of(self.backend, "test.shop.partner"))

    def test_a_comparison_leaves_out_what_was_deleted_meanwhile(self):
        self.partner("3")
        self.listed = [*range(5)]
        self.bad[3] = MISSING
        self.assertEqual(self.unit(Reconciler).run().missing, [0, 1, 2, 4])

    def test_a_record_that_cannot_be_read_does_not_count_as_deleted(self):
        binding = self.partner("3")
        self.partner("4")
        self.bad[3] = BROKEN
        reader = self.unit(RecordImporter)
        self.assertIs(type(self.error_of(lambda: reader.read_page(["3", "4"]))), NetworkRetryableError)
        self.assertNotEqual(binding.sync_state, "missing")


class TestManyBadRecords(ReadingCase):
    def setUp(self):
        super().setUp()
        self.use(Partners)

    def test_a_system_that_breaks_by_all_records_is_tried_again_later_and_not_asked_for_each(self):
        self.bad = dict.fromkeys(range(100), BROKEN)
        import_page.delay(self.session, "test.shop.partner", self.backend.id, [*range(100)])
        job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("scheduled", 1))
        self.assertFalse(self.delayed_jobs("import_record"))
        self.assertLessEqual(len(self.asked), 30)

    def test_a_page_of_which_nothing_can_be_read_fails_by_what_was_said_of_it_as_a_whole(self):
        for number in (1, 3, 100):
            for answer, kind in ((BROKEN, NetworkRetryableError), (REFUSED, InvalidDataError), ("<", UnreadableAnswer)):
                with self.subTest(number=number, answer=answer):
                    self.bad = dict.fromkeys(range(100), Answer(answer) if answer == "<" else answer)
                    self.assertIs(type(self.error_of(lambda number=number: self.import_ids(range(number)))), kind)
        self.bad = {0: Answer({}, 500), **dict.fromkeys(range(1, 100), REFUSED)}
        self.assertIs(type(self.error_of(lambda: self.import_ids(range(100)))), NetworkRetryableError)

    def test_records_are_there_though_the_path_for_many_of_them_is_wrong(self):
        bindings = self.Partner.concat(*(self.partner(str(id_)) for id_ in range(100)))

        def answer(request):
            answered = self.answer(request)
            return MISSING if "ids" in request.params else answered

        self.serve(answer)
        self.backend.location = self.server.url
        for number in (1, 2, 7, 16, 100):
            with self.subTest(number):
                self.asked.clear()
                self.assertEqual(self.unit(BulkImporter).run_ids([*range(number)], force=True), f"{number} updated")
                self.assertLessEqual(len(self.asked), 30 + number)
        self.assertNotIn("missing", bindings.mapped("sync_state"))

    def test_a_page_of_records_that_were_all_deleted_is_no_error(self):
        self.bad = dict.fromkeys(range(100), MISSING)
        for number in (2, 7, 16, 100):
            with self.subTest(number):
                self.asked.clear()
                self.assertEqual(self.import_ids(range(number)), f"{number} not there any more")
                self.assertLessEqual(len(self.asked), 30 + number)

    def test_a_page_of_which_nothing_is_there_or_can_be_read_is_read_one_by_one(self):
        self.bad = {**dict.fromkeys(range(7), MISSING), 7: REFUSED}
        message = self.import_ids(range(8))
        self.assertEqual(message, "7 not there any more, 1 failed and left to jobs of their own")

    def test_records_that_were_deleted_do_not_make_one_that_cannot_be_read_fail_the_page(self):
        self.bad = {**dict.fromkeys(range(15), MISSING), 3: BROKEN}
        message = self.import_ids(range(16))
        self.assertEqual(message, "1 created, 14 not there any more, 1 failed and left to jobs of their own")

    def test_where_nobody_takes_failures_the_first_one_is_raised(self):
        reader = self.unit(RecordImporter)
        for bad in (range(100), range(50)):
            self.asked.clear()
            self.bad = dict.fromkeys(bad, REFUSED)
            self.assertIs(type(self.error_of(lambda: reader.read_page([*range(100)]))), InvalidDataError)
            self.assertLessEqual(len(self.asked), 1 + 2 * 7)

    def test_many_records_that_were_deleted_are_missing_where_others_are_there(self):
        for first, deleted in ((0, range(30)), (100, range(170, 200)), (200, range(210, 290))):
            with self.subTest(deleted):
                self.bad = dict.fromkeys(deleted, MISSING)
                message = self.import_ids(range(first, first + 100))
                self.assertEqual(message, f"{100 - len(deleted)} created, {len(deleted)} not there any more")

    def test_records_that_cannot_be_read_do_not_keep_those_that_can_from_their_import(self):
        self.bad = dict.fromkeys(range(40, 55), REFUSED)
        self.assertEqual(self.import_ids(range(100)), "85 created, 15 failed and left to jobs of their own")

    def test_a_system_that_goes_down_meanwhile_is_tried_again_later(self):
        self.bad[60] = MISSING

        def answer(request):
            return self.answer(request) if len(self.asked) < 3 else (self.asked.append([]), BROKEN)[1]

        self.serve(answer)
        self.backend.location = self.server.url
        self.assertIs(type(self.error_of(lambda: self.import_ids(range(100)))), NetworkRetryableError)
        self.assertLessEqual(len(self.asked), 40)


class TestWhatConcernsAll(ReadingCase):
    """Errors that no single record causes: the page is not halved."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.env.flush_all()

    def test_what_no_record_causes_is_raised_at_once(self):
        self.use(Partners)
        for status, headers, kind in (
            (401, {}, CredentialsRefused),
            (403, {}, FailedJobError),
            (301, {"Location": "https://elsewhere.example.com"}, FailedJobError),
            (429, {}, RetryableJobError),
            (408, {}, NetworkRetryableError),
            (502, {}, NetworkRetryableError),
            (503, {}, NetworkRetryableError),
            (500, {"Retry-After": "17"}, NetworkRetryableError),
        ):
            with self.subTest(status):
                self.asked.clear()
                self.bad = {3: Answer({}, status, headers)}
                self.assertIs(type(self.error_of(lambda: self.import_ids(range(10)))), kind)
                self.assertEqual(len(self.asked), 1)

    def test_a_connection_that_is_lost_is_no_matter_of_one_record(self):
        self.use(Partners)
        self.bad = {3: Answer(status=None)}
        self.assertIs(type(self.error_of(lambda: self.import_ids(range(10)))), NetworkRetryableError)
        self.assertEqual(self.asked, [[*range(10)]] * 2)  # an idempotent request is sent once more

    def test_a_right_that_is_missing_is_no_matter_of_one_record(self):
        class Partners404(Partners):
            def refusal(self, answer):
                return Refusal(403, "no", "partners") if answer.status_code == 404 else None

        self.use(Partners404)
        self.bad = {3: MISSING}
        self.assertIn("the right partners", str(self.error_of(lambda: self.import_ids(range(10)))))
        self.assertEqual(len(self.asked), 1)


class TestOneByOne(ReadingCase):
    def setUp(self):
        super().setUp()
        self.use(SinglePartners)

    def test_where_each_record_is_read_by_itself_a_bad_one_costs_no_request(self):
        self.bad = {3: BROKEN, 5: MISSING, 7: REFUSED}
        message = self.import_ids(range(20))
        self.assertEqual(message, "17 created, 1 not there any more, 2 failed and left to jobs of their own")
        self.assertEqual(self.asked, [[id_] for id_ in range(20)])

    def test_where_each_record_is_read_by_itself_a_page_that_fails_is_given_up_soon(self):
        for answer, kind in ((BROKEN, NetworkRetryableError), (Answer({}, 403), FailedJobError)):
            with self.subTest(answer=answer):
                self.asked.clear()
                self.bad = dict.fromkeys(range(20), answer)
                self.assertIs(type(self.error_of(lambda: self.import_ids(range(20)))), kind)
                self.assertEqual(len(self.asked), 8)

    def test_where_each_record_is_read_by_itself_a_right_that_is_missing_for_one_fails_it_alone(self):
        self.bad = {3: Answer({}, 403)}
        self.assertEqual(self.import_ids(range(10)), "9 created, 1 failed and left to jobs of their own")

    def test_where_each_record_is_read_by_itself_refused_credentials_and_a_busy_system_end_the_page(self):
        for status, kind in ((401, CredentialsRefused), (423, RetryableJobError), (429, RetryableJobError)):
            with self.subTest(status):
                self.asked.clear()
                self.bad = {3: Answer({}, status)}
                self.assertIs(type(self.error_of(lambda: self.import_ids(range(10)))), kind)
                self.assertEqual(len(self.asked), 4)
                self.backend.action_resume()

    def test_where_each_record_is_read_by_itself_one_that_needs_no_import_is_skipped(self):
        @webshop(replacing=PartnerImporter)
        class Importer(PartnerImporter):
            _model_name = "test.shop.partner"

            def _read(self):
                if int(self.external_id) < 10:
                    raise NothingToDoJob("a guest")
                return super()._read()

        self.assertEqual(self.import_ids(range(12)), "2 created, 10 skipped")


class TestErrorsOfNoRecord(ReadingCase):
    """A written adapter whose library raises what the network or the machine has said."""

    def fail_from(self, call, error):
        """Return a function that counts its calls; from one on it raises an error."""
        self.calls = 0

        def count():
            self.calls += 1
            if self.calls >= call:
                raise error

        return count

    def test_an_error_that_tells_of_no_record_is_raised_at_once(self):
        for error in (
            ConnectionResetError("reset"),
            TimeoutError("timed out"),
            requests.ConnectionError("refused"),
            http.client.IncompleteRead(b""),
            psycopg2.OperationalError("the server was lost"),
            NotImplementedError("no"),
            TooLongForCron("stop"),
        ):
            count = self.fail_from(3, error)

            class Many(Partners):
                def read_many(self, external_ids, fields=None, count=count):
                    count()
                    if len(external_ids) == 100:
                        raise InvalidDataError("the last one is bad")
                    return [{"id": id_, "name": "Ada"} for id_ in external_ids]

            class Single(SinglePartners):
                def read(self, external_id, fields=None, count=count):
                    count()
                    return {"id": external_id, "name": "Ada"}

            for adapter_class in (Many, Single):
                with self.subTest(error=error, adapter=adapter_class), registering(webshop):
                    self.calls = 0
                    self.use(adapter_class)
                    self.assertIs(self.error_of(lambda: self.import_ids(range(100))), error)
                    self.assertEqual(self.calls, 3)

    def test_an_error_of_a_library_about_one_record_is_that_record_s_alone(self):
        for error in (requests.HTTPError("404 Client Error: Not Found"), FileNotFoundError("3.json")):

            class Many(Partners):
                def read_many(self, external_ids, fields=None, error=error):
                    if 3 in map(int, external_ids):
                        raise error
                    return [{"id": id_, "name": "Ada"} for id_ in external_ids]

            with self.subTest(error=error), registering(webshop):
                self.use(Many)
                self.assertRegex(self.import_ids(range(20)), "1 failed and left to jobs of their own")


class TestManyCalls(ReadingCase):
    """An adapter of remote procedures reads many records by one call of ``multiCall``."""

    def setUp(self):
        super().setUp()
        self.use(Clients)
        self.faults = {}

    def answer(self, request):
        ((calls,), _method) = xmlrpc.client.loads(request.body)
        self.asked.append([int(arguments[0]) for _name, arguments in calls])
        results = [
            {"faultCode": self.faults[id_], "faultMessage": "no"}
            if id_ in self.faults
            else {"id": str(id_), "name": f"Partner {id_}"}
            for id_ in self.asked[-1]
        ]
        return Answer(xmlrpc.client.dumps((results,), methodresponse=True))

    def test_a_record_with_a_fault_of_its_own_fails_alone(self):
        self.faults = {33: 7, 44: 102}
        message = self.import_ids(range(100))
        self.assertEqual(message, "98 created, 1 not there any more, 1 failed and left to jobs of their own")
        self.assertEqual(self.imported(), [id_ for id_ in range(100) if id_ not in self.faults])
        self.assertLessEqual(len(self.asked), 2 + 2 * 7)

    def test_a_right_that_is_missing_is_told_at_once(self):
        self.faults = {33: 2}
        error = self.error_of(lambda: self.import_ids(range(50)))
        self.assertIn("the right partner.info", str(error))
        self.assertEqual(len(self.asked), 1)
