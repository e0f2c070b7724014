from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.connector import RecordImporter
from odoo.addons.connector_odoo.tests.common import OdooCase
from odoo.addons.connector_odoo.tests.other_odoo import other_odoo_with_orders

from ..unit.backend_adapter import StockAdapter


class StockCase(OdooCase):
    other_odoo = staticmethod(other_odoo_with_orders)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.env.company.id)], limit=1)
        cls.backend.stock_warehouse_id = cls.warehouse

    def create_product(self, is_storable_there=True, **values):
        """Create a product on both sides, and return its binding."""
        external_id = self.shop.create("product.product", name="Chair", type="consu", is_storable=is_storable_there)
        return self.env["odoo.product.product"].create(
            {
                "name": "Chair",
                "type": "consu",
                "is_storable": True,
                "backend_id": self.backend.id,
                "external_id": str(external_id),
                **values,
            }
        )

    def count(self, binding, quantity, location=None):
        """Have somebody count a product here."""
        self.env["stock.quant"].with_context(inventory_mode=True).create(
            {
                "product_id": binding.odoo_id.id,
                "location_id": (location or self.warehouse.lot_stock_id).id,
                "inventory_quantity_auto_apply": quantity,
            }
        )

    def stock_there(self, binding):
        return self.shop.read("product.product", int(binding.external_id), ["qty_available"])["qty_available"]

    def exports(self):
        return self.delayed_jobs("export_bulk")


class StockTests:
    """What holds for both protocols."""

    allow_inherited_tests_method = True  # else Odoo's loader passes over the tests of a base class

    def test_what_is_on_hand_here_is_on_hand_there(self):
        binding = self.create_product()
        for quantity in (5, 3, 0):
            with self.subTest(quantity=quantity):
                self.count(binding, quantity)
                self.assertDone(self.run_jobs())
                self.assertEqual(self.stock_there(binding), quantity)

    def test_a_product_that_the_other_odoo_refuses_does_not_keep_the_others(self):
        chairs = [self.create_product(), self.create_product(is_storable_there=False), self.create_product()]
        for binding in chairs:
            self.count(binding, 7)
        with mute_logger("odoo.addons.jobs_queue.worker"):
            jobs = self.run_jobs()
        self.assertEqual([self.stock_there(binding) for binding in (chairs[0], chairs[2])], [7, 7])
        refused = jobs.filtered(lambda job: job.state == "failed")
        self.assertFailed(refused, "Quants cannot be created for consumables or services")
        self.assertEqual((len(refused), jobs.mapped("state").count("done")), (1, 1))
        self.assertEqual(chairs[1].sync_state, "error")


@tagged("post_install", "-at_install")
class TestStockOverJson2(StockTests, StockCase):
    version = "19.0"


@tagged("post_install", "-at_install")
class TestStockOverXmlRpc(StockTests, StockCase):
    version = "legacy"


@tagged("post_install", "-at_install")
class TestStock(StockCase):
    def test_the_location_there_is_looked_up_once_for_a_job(self):
        binding = self.create_product()
        found = patch.object(
            StockAdapter, "_find_stock_location", autospec=True, side_effect=StockAdapter._find_stock_location
        )
        with self.adapter("odoo.product.product") as adapter, found as found:
            for quantity in (5, 3):
                adapter.write_stock({binding.external_id: quantity})
        self.assertEqual((found.call_count, self.stock_there(binding)), (1, 3))

    def test_many_products_are_one_call(self):
        bindings = [self.create_product() for _number in range(5)]
        for number, binding in enumerate(bindings):
            self.count(binding, number + 1)
        write_stock = patch.object(StockAdapter, "write_stock", autospec=True, side_effect=StockAdapter.write_stock)
        with write_stock as write_stock:
            self.assertDone(self.run_jobs())
        self.assertEqual(write_stock.call_count, 1)
        self.assertEqual([self.stock_there(binding) for binding in bindings], [1, 2, 3, 4, 5])

    def test_a_product_that_is_counted_again_and_again_is_told_once(self):
        binding = self.create_product()
        for quantity in range(1, 5):
            self.count(binding, quantity)
        self.assertEqual(self.run_jobs().mapped("state"), ["done"])
        self.assertEqual(self.stock_there(binding), 4)

    def test_what_the_other_odoo_was_told_already_is_not_told_again(self):
        binding = self.create_product()
        self.count(binding, 5)
        self.run_jobs()
        self.backend.flow("stock").action_run()
        self.assertEqual(self.run_jobs()[-1].message, "Nothing to export.")

    def test_what_is_moved_within_the_warehouse_changes_nothing(self):
        binding = self.create_product()
        self.count(binding, 5)
        self.run_jobs()
        shelf = self.env["stock.location"].create({"name": "Shelf", "location_id": self.warehouse.lot_stock_id.id})
        self.count(binding, 3)
        self.count(binding, 2, shelf)
        self.assertEqual(self.run_jobs().message, "Nothing to export.")

    def test_a_delivery_is_told(self):
        binding = self.create_product()
        self.count(binding, 5)
        move = self.env["stock.move"].create(
            {
                "product_id": binding.odoo_id.id,
                "product_uom_qty": 2,
                "location_id": self.warehouse.lot_stock_id.id,
                "location_dest_id": self.env.ref("stock.stock_location_customers").id,
            }
        )
        move._action_confirm()
        move._action_assign()
        move.picked = True
        move._action_done()
        self.run_jobs()
        self.assertEqual(self.stock_there(binding), 3)

    def test_the_stock_of_other_warehouses_is_not_told(self):
        binding = self.create_product()
        other = self.env["stock.warehouse"].create({"name": "Other", "code": "OTHER"})
        self.count(binding, 5, other.lot_stock_id)
        self.assertFalse(self.exports())
        self.count(binding, 2)
        self.run_jobs()
        self.assertEqual(self.stock_there(binding), 2)

    def test_a_backend_without_a_warehouse_is_told_nothing(self):
        binding = self.create_product()
        self.count(binding, 5)
        self.tell_changes()
        self.backend.stock_warehouse_id = False
        self.assertEqual(self.run_jobs().message, "Nothing to export.")
        self.count(binding, 6)
        self.assertFalse(self.exports())

    def test_a_product_that_is_not_bound_is_not_told(self):
        product = self.env["product.product"].create({"name": "Ours", "type": "consu", "is_storable": True})
        self.env["stock.quant"]._update_available_quantity(product, self.warehouse.lot_stock_id, 5)
        self.assertFalse(self.exports())

    def test_a_product_of_theirs_that_is_recognised_as_one_of_ours_is_told(self):
        ours = self.env["product.product"].create({"name": "Chair", "default_code": "STOCKED", "is_storable": True})
        self.env["stock.quant"]._update_available_quantity(ours, self.warehouse.lot_stock_id, 5)
        theirs = self.shop.create("product.product", name="Chair", default_code="STOCKED", is_storable=True)
        with self.backend.work_on("odoo.product.product") as environment:
            environment.get_connector_unit(RecordImporter).run(theirs)
        self.assertDone(self.run_jobs())
        binding = self.env["odoo.product.product"].search([("odoo_id", "=", ours.id)])
        self.assertEqual(self.stock_there(binding), 5)

    def test_stock_that_waits_or_is_refused_does_not_put_off_imports_of_the_product(self):
        binding = self.create_product(is_storable_there=False)
        self.count(binding, 7)
        for name in ("waits", "is refused"):
            with self.subTest(name):
                self.shop.call("product.product", "write", [int(binding.external_id)], vals={"name": name})
                with self.backend.work_on("odoo.product.product") as environment:
                    environment.get_connector_unit(RecordImporter).run(binding.external_id)
                self.assertEqual(binding.name, name)
            with mute_logger("odoo.addons.jobs_queue.worker"):
                self.run_jobs()

    def test_the_button_tells_the_stock_of_all_products(self):
        self.backend.stock_warehouse_id = False
        chair, table = self.create_product(), self.create_product()
        self.create_product(is_storable=False)
        self.count(chair, 5)
        self.backend.stock_warehouse_id = self.warehouse
        self.backend.flow("stock").action_run()
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual((self.stock_there(chair), self.stock_there(table)), (5, 0))
        self.assertEqual(jobs[0].message, "Records to export: 2.")

    def test_export_now_of_a_product_sends_its_stock_again(self):
        binding = self.create_product()
        self.count(binding, 5)
        self.assertDone(self.run_jobs())
        binding.action_export_now()
        [job] = self.exports()
        self.run_jobs()
        self.assertDone(job)
        self.assertIn(f"Updated record {binding.external_id}.", job.result)

    def test_u4_the_job_counts_the_products_whose_stock_is_sent(self):
        self.create_product()
        self.create_product().external_id = False
        self.backend.flow("stock").action_run()
        self.assertEqual(self.run_jobs()[0].message, "Records to export: 1.")

    def test_u4_the_flow_refuses_to_run_without_a_warehouse(self):
        self.create_product()
        self.backend.stock_warehouse_id = False
        for button in (self.backend.flow("stock").action_run, self.backend.flow("stock").action_switch_on):
            with self.assertRaisesRegex(UserError, f"Choose the warehouse here.*{self.backend.name}"):
                button()
        self.assertFalse(self.exports())

    def test_a_user_who_may_not_change_the_backend_does_not_press_the_button(self):
        user = new_test_user(self.env, "connector user", "connector.group_connector_user")
        with mute_logger("odoo.addons.base.models.ir_model"), self.assertRaises(AccessError):
            self.backend.flow("stock").with_user(user).action_run()

    def test_a_warehouse_that_is_not_there_is_named(self):
        self.backend.external_warehouse = "NONE"
        self.count(self.create_product(), 5)
        with mute_logger("odoo.addons.jobs_queue.worker"):
            self.assertFailed(self.run_jobs(), "has no warehouse with the short name NONE")

    def test_two_backends_are_told_the_same(self):
        binding = self.create_product()
        other = self.create_backend(name="Other Shop", stock_warehouse_id=self.warehouse.id)
        self.create_product(backend_id=other.id, odoo_id=binding.odoo_id.id)
        self.count(binding, 5)
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual(len(jobs), 2)
