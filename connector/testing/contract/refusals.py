"""Contract of failures: a refused request fails its job, a temporary failure is tried again."""

from datetime import timedelta

from odoo import fields

from ..server import Answer
from .case import ContractCase

_WAIT = 120


class RefusalContract(ContractCase):
    def test_refused_credentials_end_the_job_and_ask_for_others(self):
        job = self._refused(401)
        self.assertEqual(job.state, "failed", f"401 is no failure: {job.message}")

    def test_a_missing_right_ends_the_job(self):
        job = self._refused(403)
        self.assertEqual(job.state, "failed", f"403 is no failure: {job.message}")

    def test_a_list_that_is_not_there_is_not_an_empty_list(self):
        self._refused(404)

    def test_a_conflict_is_not_taken_for_success(self):
        self._refused(409)

    def test_a_refused_request_is_not_taken_for_success(self):
        self._refused(422)

    def test_a_system_that_asks_to_wait_is_asked_again_when_it_says(self):
        job = self._tried_again(lambda: self.refuse(429, "Slow down", {"Retry-After": str(_WAIT)}))
        began = fields.Datetime.now()
        self.assertGreater(job.eta, began + timedelta(seconds=_WAIT - 30), "It is asked before Retry-After has passed")
        self.assertLess(job.eta, began + timedelta(seconds=_WAIT + 90), "It is asked long after Retry-After has passed")
        self._goes_on(job)

    def test_a_failure_of_the_system_is_tried_again(self):
        self._goes_on(self._tried_again(lambda: self.refuse(500, "Something went wrong")))

    def test_a_system_that_is_down_is_asked_again_later(self):
        self._goes_on(self._tried_again(lambda: self.refuse(503, "Closed")))

    def test_a_lost_connection_is_tried_again(self):
        self._goes_on(self._tried_again(lambda: Answer(status=None)))

    def test_an_answer_that_is_cut_is_tried_again(self):
        self._goes_on(
            self._tried_again(lambda: Answer(b'[{"id"', headers={"Content-Length": "1000", "Connection": "close"}))
        )

    def test_nonsense_is_not_taken_for_an_empty_list(self):
        for content in (b"<html><body>Please log in</body></html>", b'"', b""):
            self._import_nothing(lambda content=content: Answer(content))

    def test_the_connection_test_tells_that_the_login_is_refused(self):
        self.trouble = lambda request: self.refuse(401, "This is refused")
        lines = self.press_test_connection()
        listed = lines.filtered(lambda line: line.subject == self.env[self.model]._description)
        self.assertNotEqual(listed.outcome, "ok", "The list counts as one that our user may read")
        wrong = lines.filtered(lambda line: line.outcome == "wrong").mapped("text")
        self.assertIn("This is refused", " ".join(wrong), "No sentence tells what the system says")

    # How the tests find out

    def _refused(self, status):
        return self._import_nothing(lambda: self.refuse(status, "This is refused"))

    def _import_nothing(self, answer):
        """Import while the system gives an answer; assert that nothing counts as done."""
        self.add(*self.ids(1))
        self.trouble = lambda request: answer()
        job = self.assertNotDone(self.import_all())
        self.assertFalse(self.bindings())
        self.assertFalse(self.env["connector.watermark"].value_of(self.backend, self.model), "The watermark has moved")
        return job

    def _tried_again(self, answer):
        job = self._import_nothing(answer)
        self.assertEqual(job.state, "scheduled", f"The job is not tried again: {job.message}")
        return job

    def _goes_on(self, job):
        self.trouble = None
        self.run_jobs(at=job.eta)
        self.assertDone(job)
        self.bound(*self.ids(1))
