"""No button that somebody sees who may only read ends in an access error."""

import re

from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools.safe_eval import safe_eval

from .test_flow import FlowCase


class TestSeenButtons(FlowCase):
    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, "looks on", "base.group_user,connector.group_connector_user")

    def press_all(self, record):
        """Press the buttons of a form that are seen by who may only read.

        :return: names of the buttons
        """
        user = self.user
        record = record.with_user(user)
        arch = etree.fromstring(record.get_view(view_type="form")["arch"])
        pressed = []
        for button in arch.iter("button"):
            if button.get("type") == "object" and self.is_seen(record, button):
                pressed.append(button.get("name"))
                try:
                    with self.cr.savepoint():
                        self.open(user, getattr(record, button.get("name"))())
                except UserError as error:
                    self.assertIs(type(error), UserError, f"{button.get('name')}: {error}")  # no AccessError
        return pressed

    def is_seen(self, record, button):
        if any(button.iterancestors("list", "kanban")):
            return False
        condition = button.get("invisible") or "False"
        names = {word for word in re.findall(r"\w+", condition) if word in record._fields}
        return not safe_eval(condition, {name: record[name] for name in names})

    def open(self, user, action):
        if isinstance(action, dict) and action.get("res_model"):
            self.env[action["res_model"]].with_user(user).check_access("read")

    def test_on_a_flow(self):
        for code in ("partners", "partners_out", "points"):
            self.assertIn("action_open_bound", self.press_all(self.flow(code)))

    def test_on_a_flow_whose_records_they_may_not_read(self):
        pressed = self.press_all(self.flow("tags"))
        self.assertIn("action_open_jobs", pressed)
        self.assertNotIn("action_open_bound", pressed)

    def test_on_a_backend(self):
        self.press_all(self.backend)

    def test_on_a_binding(self):
        self.press_all(self.partner(1, backend_id=self.backend.id))
