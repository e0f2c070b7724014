from odoo.tests import TransactionCase

from odoo.addons.connector.session import ConnectorSession

from ..external import shop


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
