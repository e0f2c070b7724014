from contextlib import contextmanager
from datetime import timedelta

from odoo.addons.connector import BackendAdapter
from odoo.addons.connector.testing import ConnectorCase

from ..unit.importer import ChangedRecordsImporter
from .answers import server_that_answers
from .other_odoo import other_odoo


class NewestRecordsImporter(ChangedRecordsImporter):
    """Imports the records that have changed there since the last import, and none of them twice."""

    _overlap = timedelta(0)


class OdooCase(ConnectorCase):
    """A test case with a backend, ``backend``, that is connected to the other Odoo, ``shop``."""

    version = "19.0"
    other_odoo = staticmethod(other_odoo)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop = cls.other_odoo()
        cls.backend = cls.create_backend()

    @classmethod
    def create_backend(cls, **values):
        backend = cls.env["odoo.backend"].create(
            {
                "name": "Shop",
                "version": cls.version,
                "location": cls.shop.location,
                "database": cls.shop.database,
                "login": cls.shop.login,
                "api_key": cls.shop.api_key,
                **values,
            }
        )
        backend.flow_ids.write({"is_on": True})
        return backend

    @contextmanager
    def adapter(self, model_name="odoo.res.partner"):
        with self.backend.work_on(model_name) as environment:
            yield environment.get_connector_unit(BackendAdapter)

    def found(self, backend=None):
        """Press the button that tests the connection; return {subject: (outcome, text)}."""
        action = (backend or self.backend).action_test_connection()
        lines = self.env[action["res_model"]].browse(action["res_id"]).line_ids
        return {line.subject: (line.outcome, line.text) for line in lines}

    @contextmanager
    def answering(self, body="", status=200, headers=None):
        """Let the backend's location be a server with one answer to all, during the block."""
        location = self.backend.location
        with server_that_answers(body, status, headers) as other_location:
            self.move_to(other_location)
            yield
        self.move_to(location)

    def become_clerk(self, group="group_user"):
        """Let the backend have a user there who may do little.

        :param group: name of his group, one of base
        """
        login = f"clerk of {self.id()}"
        _model, group_id = self.shop.call("ir.model.data", "check_object_reference", module="base", xml_id=group)
        self.shop.create("res.users", name="Clerk", login=login, group_ids=[[6, 0, [group_id]]])
        self.backend.write({"login": login, "api_key": self.shop.create_api_key(login)})
        return login

    def move_to(self, location):
        """Give the backend another location; it forgets its key then."""
        self.backend.write({"location": location, "api_key": self.shop.api_key})
