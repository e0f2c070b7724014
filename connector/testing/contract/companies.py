"""Contract of companies: what is imported for one company is that company's, and only its."""

from odoo.tests import new_test_user

from .case import ContractCase

_MANAGERS = "connector.group_connector_manager"


class CompanyContract(ContractCase):
    def test_an_import_for_another_company_is_of_that_company(self):
        company, backend = self._elsewhere()
        self.add(*self.ids(1))
        jobs = self.import_all(backend)
        self.assertDone(jobs)
        self.assertEqual(jobs.company_id, company, "The jobs run in another company")
        bound = self.bound(*self.ids(1), backend)
        record = bound["odoo_id"] if "odoo_id" in bound._fields else bound
        if "company_id" in record._fields and record.company_id:
            self.assertEqual(record.company_id, company, "The record belongs to another company")

    def test_one_id_of_two_systems_is_two_bindings(self):
        _company, backend = self._elsewhere()
        self.add(*self.ids(1))
        self.assertDone(self.import_all())
        self.assertDone(self.import_all(backend))
        self.assertNotEqual(self.bound(*self.ids(1)), self.bound(*self.ids(1), backend))

    def test_a_manager_of_another_company_sees_neither_backend_nor_binding(self):
        binding = self.imported()
        self.backend.company_id = self.env.company
        company = self.env["res.company"].create({"name": "Elsewhere"})
        companies = {"company_id": company.id, "company_ids": company.ids}
        manager = new_test_user(self.env, "manager elsewhere", _MANAGERS, **companies)
        for record in (self.backend, binding):
            found = record.with_user(manager).search([("id", "=", record.id)])
            self.assertFalse(found, f"{record._name}: who is of another company sees it. Write an access rule")

    # How the tests find out

    def _elsewhere(self):
        """Return another company, and a backend of it."""
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.env.user.company_ids += company
        return company, self.create_backend(name="Elsewhere", company_id=company.id)
