"""The button *Find* fetches a record by its number, or says why it is not here, and what has arrived."""

from odoo.tests import tagged

from odoo.addons.connector.testing import JobsCase, Roles

from .common import ShopCase

PARTNERS, TAGS = "Test Shop Partner", "Test Shop Tag"


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
