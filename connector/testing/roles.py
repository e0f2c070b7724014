"""The people who may try something: nobody in particular, a customer, a colleague, and those of the groups, of two companies."""

from contextlib import contextmanager

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger


class Roles:
    """A test case with a user for each role: those of ``outsiders`` have nothing to do with connectors."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.nobody = cls.env.ref("base.public_user")
        cls.portal = new_test_user(cls.env, "portal", "base.group_portal")
        cls.employee = new_test_user(cls.env, "employee", "base.group_user")
        cls.user = new_test_user(cls.env, "user", "connector.group_connector_user")
        cls.manager = new_test_user(cls.env, "manager", "connector.group_connector_manager")
        cls.other_manager = new_test_user(
            cls.env,
            "other manager",
            "connector.group_connector_manager",
            company_id=cls.elsewhere.id,
            company_ids=cls.elsewhere.ids,
        )
        cls.outsiders = cls.nobody + cls.portal + cls.employee

    @contextmanager
    def assertRefused(self, message=None):
        """Assert that a block is refused for want of rights; what it has written so far is undone."""
        loggers = "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models"
        with mute_logger(*loggers), self.assertRaisesRegex(AccessError, message or ""):
            yield
