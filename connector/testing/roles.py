"""Mixin ``Roles`` for test cases: a user for each role, in two companies.

The roles are: the public user, a portal user, an employee, and users of the connector groups.
"""

from contextlib import contextmanager

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger


class Roles:
    """A test case with a user for each role.

    The users in ``outsiders`` belong to no group of the connectors.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.nobody = cls.env.ref("base.public_user")
        cls.portal = new_test_user(cls.env, "role portal", "base.group_portal")
        cls.employee = new_test_user(cls.env, "role employee", "base.group_user")
        cls.user = new_test_user(cls.env, "role user", "connector.group_connector_user")
        cls.manager = new_test_user(cls.env, "role manager", "connector.group_connector_manager")
        cls.other_manager = new_test_user(
            cls.env,
            "role other manager",
            "connector.group_connector_manager",
            company_id=cls.elsewhere.id,
            company_ids=cls.elsewhere.ids,
        )
        cls.outsiders = cls.nobody + cls.portal + cls.employee

    @contextmanager
    def assertRefused(self, message=None):
        """Assert that a block raises an ``AccessError``.

        :param message: regular expression that the message of the error matches
        """
        loggers = "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models"
        with mute_logger(*loggers), self.assertRaisesRegex(AccessError, message or ""):
            yield
