from odoo.tests import new_test_user

from .common import ShopCase


class TestCompanies(ShopCase):
    """What belongs to the backend of one company is not seen from another one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.manager, cls.other_manager = (
            new_test_user(
                cls.env,
                f"manager of {company.name}",
                "connector.group_connector_manager",
                company_id=company.id,
                company_ids=company.ids,
            )
            for company in (cls.env.company, cls.elsewhere)
        )

    def assertSeenInItsCompanyAlone(self, record):
        self.assertEqual(record.company_id, self.backend.company_id)
        for user, seen in ((self.manager, record), (self.other_manager, record.browse())):
            self.assertEqual(record.with_user(user).search([("id", "in", record.ids)]), seen, user.login)

    def test_the_deliveries_of_a_webhook(self):
        values = {"backend_id": f"test.shop.backend,{self.backend.id}", "company_id": self.backend.company_id.id}
        self.assertSeenInItsCompanyAlone(self.env["connector.webhook.delivery"].create(values))

    def test_the_intents_of_exports(self):
        intent = self.env["connector.export.intent"]._declare(self.partner(), self.backend, "key")
        self.assertSeenInItsCompanyAlone(intent)

    def test_watermarks(self):
        self.env["connector.watermark"].move(self.backend, "test.shop.partner", "7")
        self.assertSeenInItsCompanyAlone(self.backend.watermark_ids)
