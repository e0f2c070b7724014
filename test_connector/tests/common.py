import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api, sql_db
from odoo.tests import TransactionCase

from odoo.addons.connector.testing import extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.exporter.record import RecordExporter
from odoo.addons.jobs_queue.session import ConnectorSession

from ..external import shop
from ..units import webshop


def register_another(test, base_class, model_name):
    """Let one more unit serve a model of the shop, or all (None), during a test.

    Nothing says which of the units to prefer.
    """
    test.enterContext(registering(webshop))
    webshop(type("Another", (base_class,), {"_model_name": model_name, "__module__": __name__}))


def conflict_policy(policy):
    """Have records exported to the shop by a conflict policy during a block."""

    class Exporter(RecordExporter):
        _conflict_policy = policy

    return extending(webshop, Exporter)


class ShopCase(TransactionCase):
    """An empty shop, a backend for it, and an environment to work with its partners."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["test.shop.backend"].create({"name": "Test Shop"})
        cls.Partner = cls.env["test.shop.partner"]
        cls.Tag = cls.env["test.shop.tag"]

    def setUp(self):
        super().setUp()
        shop.reset()
        self.shop = shop
        self.session = ConnectorSession.from_env(self.env)

    def environment(self, model_name="test.shop.partner", backend=None):
        """Return an environment of a model."""
        work = (backend or self.backend).work_on(model_name)
        self.addCleanup(work.__exit__, None, None, None)
        return work.__enter__()

    def unit(self, unit_class, model_name="test.shop.partner", backend=None):
        return self.environment(model_name, backend).get_connector_unit(unit_class)

    def partner(self, external_id=None, **values):
        """Create the binding of a partner."""
        return self.Partner.create({"name": "Ada", "backend_id": self.backend.id, "external_id": external_id, **values})

    def tag(self, external_id=None, **values):
        """Create the binding of a tag."""
        return self.Tag.create({"name": "Tag", "backend_id": self.backend.id, "external_id": external_id, **values})

    # What several transactions see

    @contextmanager
    def transaction(self):
        """Open a transaction, rolled back unless the test commits it, and give an environment."""
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            try:
                yield api.Environment(cr, SUPERUSER_ID, {})
            finally:
                cr.rollback()

    @contextmanager
    def in_thread(self, function, *args):
        """Call a function in a thread, and give its future, which has ended after the block."""
        with ThreadPoolExecutor(1) as executor:
            yield executor.submit(function, *args)

    def wait_until_blocked(self, env):
        """Wait until the transaction of an environment waits for a lock that another one holds."""
        deadline = time.monotonic() + 60
        while True:
            self.env.cr.execute(
                "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [env.cr.connection.info.backend_pid]
            )
            if self.env.cr.fetchone()[0] == "Lock":
                return
            self.assertLess(time.monotonic(), deadline, "the transaction does not wait for a lock")
            self.env.cr.execute("SELECT pg_stat_clear_snapshot()")
            time.sleep(0.01)

    def committed_backend(self):
        """Return a backend that all transactions see.

        It is deleted after the test, with the partners bound to it.
        """
        with self.transaction() as env:
            backend = env["test.shop.backend"].create({"name": "Shared Shop"})
            env.cr.commit()
        self.addCleanup(self._delete_committed, backend.id)
        return backend

    def _delete_committed(self, backend_id):
        with self.transaction() as env:
            env["test.shop.partner"].search([("backend_id", "=", backend_id)]).odoo_id.unlink()
            env["test.shop.backend"].browse(backend_id).unlink()
            env.cr.commit()
