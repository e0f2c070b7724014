import contextlib
import json
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.connector import on_record_change, without_export
from odoo.addons.connector.event import event
from odoo.addons.connector.event.record import listeners
from odoo.addons.connector.testing import Answer, ConnectorCase
from odoo.addons.connector_stock import on_stock_changed


class StockCase(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.env.company.id)], limit=1)
        cls.backend = cls.env["corner.backend"].create(
            {"name": "Corner", "version": "levels", "stock_warehouse_id": cls.warehouse.id}
        )
        cls.backend.flow("stock").is_on = True

    def setUp(self):
        super().setUp()
        self.levels, self.refused = {}, {}
        self.answer = self._levels_of
        self.shop = self.serve(lambda request: self.answer(request))
        self.backend.location = self.shop.url

    def _levels_of(self, request):
        for level in json.loads(request.body):
            if level["article"] not in self.refused:
                self.levels[level["article"]] = level["pieces"]
        asked = {level["article"] for level in json.loads(request.body)}
        return Answer({"refused": {id_: why for id_, why in self.refused.items() if id_ in asked}})

    def create_products(self, number=1, **values):
        """Create products that are bound, without stock."""
        products = self.env["product.product"].create(
            [{"name": f"Tea {n}", "type": "consu", "is_storable": True} for n in range(number)]
        )
        last = self.env["corner.product.product"].search_count([])
        return self.env["corner.product.product"].create(
            [
                {"backend_id": self.backend.id, "odoo_id": product.id, "external_id": f"T{last + n}", **values}
                for n, product in enumerate(products)
            ]
        )

    def count(self, bindings, quantity, location=None):
        """Have somebody count products, by one inventory adjustment."""
        location = location or self.warehouse.lot_stock_id
        counted = [
            {"product_id": product.id, "location_id": location.id, "inventory_quantity": quantity}
            for product in bindings.odoo_id
        ]
        self.env["stock.quant"].with_context(inventory_mode=True).create(counted).action_apply_inventory()

    def plan(self, binding, quantity, incoming=False):
        """Plan a delivery, or a receipt; it is confirmed."""
        places = [self.env.ref(f"stock.stock_location_{name}") for name in ("customers", "suppliers")]
        stock = self.warehouse.lot_stock_id
        move = self.env["stock.move"].create(
            {
                "product_id": binding.odoo_id.id,
                "product_uom_qty": quantity,
                "location_id": places[1].id if incoming else stock.id,
                "location_dest_id": stock.id if incoming else places[0].id,
            }
        )
        move._action_confirm()
        return move

    def told(self, binding):
        """Run the jobs, if there are any; return what the shop has of a product."""
        if jobs := self.run_jobs():
            self.assertDone(jobs)
        return self.levels.get(binding.external_id)


@tagged("post_install", "-at_install")
class TestToldQuantity(StockCase):
    """Which quantity is told."""

    def test_on_hand_is_told_by_default(self):
        binding = self.create_products()
        self.count(binding, 5)
        self.assertEqual(self.told(binding), 5)

    def test_reservations_are_told_if_the_quantity_is_free_to_use(self):
        self.backend.stock_quantity = "free"
        binding = self.create_products()
        self.count(binding, 5)
        self.assertEqual(self.told(binding), 5)
        move = self.plan(binding, 2)
        move._action_assign()
        self.assertEqual(self.told(binding), 3)
        move._do_unreserve()
        self.assertEqual(self.told(binding), 5)

    def test_what_is_planned_is_told_if_the_quantity_is_the_forecast(self):
        self.backend.stock_quantity = "forecast"
        binding = self.create_products()
        self.count(binding, 5)
        receipt, delivery = self.plan(binding, 4, incoming=True), self.plan(binding, 1)
        self.assertEqual(self.told(binding), 8)
        receipt.product_uom_qty = 10
        self.assertEqual(self.told(binding), 14)
        receipt._action_cancel()
        self.assertEqual(self.told(binding), 4)
        delivery._action_cancel()
        self.assertEqual(self.told(binding), 5)

    def test_another_field_of_products_is_told_if_it_is_chosen(self):
        self.backend.write({"stock_quantity": "own", "stock_field": "outgoing_qty"})
        binding = self.create_products()
        self.plan(binding, 2)
        self.assertEqual(self.told(binding), 2)

    def test_what_is_kept_back_is_not_told(self):
        self.backend.stock_safety = 2
        binding, other = self.create_products(2)
        other.safety_stock = 4
        self.count(binding + other, 5)
        self.assertEqual((self.told(binding), self.told(other)), (3, 1))

    def test_less_than_nothing_is_nothing(self):
        self.backend.stock_safety = 2
        binding = self.create_products()
        self.count(binding, 1)
        self.assertEqual(self.told(binding), 0)

    def test_parts_of_a_unit_are_left_out(self):
        self.assertTrue(self.backend.stock_whole_units)
        binding = self.create_products()
        binding.uom_id = self.env.ref("uom.product_uom_kgm")
        for quantity, expected in ((2.7, 2), (3.0, 3)):
            self.count(binding, quantity)
            self.assertEqual(self.told(binding), expected)

    def test_the_stock_of_more_warehouses_is_added(self):
        other, third = self.env["stock.warehouse"].create([{"name": n, "code": n} for n in ("OTHER", "THIRD")])
        self.backend.stock_more_warehouse_ids = [Command.link(other.id)]
        binding = self.create_products()
        for quantity, warehouse in ((1, self.warehouse), (2, other), (4, third)):
            self.count(binding, quantity, warehouse.lot_stock_id)
        self.assertEqual(self.told(binding), 3)

    def test_a_change_in_another_warehouse_delays_nothing(self):
        other = self.env["stock.warehouse"].create({"name": "OTHER", "code": "OTHER"})
        self.count(self.create_products(), 2, other.lot_stock_id)
        self.assertFalse(self.run_jobs())

    def test_the_last_quantity_and_its_date_are_kept(self):
        binding = self.create_products()
        self.count(binding, 5)
        self.assertFalse(binding.told_at)
        self.told(binding)
        self.assertEqual(binding.told_quantity, 5)
        self.assertTrue(binding.told_at)

    def test_a_product_whose_stock_is_not_told_is_left_out(self):
        binding, other = self.create_products(2)
        binding.no_stock = True
        self.count(binding + other, 5)
        self.backend.flow("stock").action_run()
        self.assertEqual((self.told(binding), self.told(other)), (None, 5))

    def test_what_is_decided_about_a_product_is_told(self):
        binding = self.create_products()
        self.count(binding, 5)
        self.told(binding)
        binding.safety_stock = 1
        self.assertEqual(self.told(binding), 4)
        self.count(binding, 0)
        self.told(binding)
        self.assertFalse(json.loads(self.shop.requests[-1].body)[0]["buyable"])
        binding.backorders = "yes"
        self.told(binding)
        self.assertTrue(json.loads(self.shop.requests[-1].body)[0]["buyable"])

    def test_the_field_of_the_quantity_has_to_be_chosen(self):
        self.backend.stock_quantity = "own"
        self.count(self.create_products(), 5)
        self.assertFalse(self.run_jobs())
        with self.assertRaisesRegex(UserError, "Choose the field with the quantity first.*Corner"):
            self.backend.flow("stock").action_run()

    def test_people_decide_on_the_form_of_the_backend(self):
        with Form(self.backend) as form:
            form.stock_quantity = "free"
            form.stock_safety = 2
        with Form(self.create_products()) as form:
            form.safety_stock = 3
        self.assertEqual(self.backend.stock_quantity, "free")


@tagged("post_install", "-at_install")
class TestManyChanges(StockCase):
    """Many changes of one transaction."""

    def test_a_thousand_changes_of_one_adjustment_are_two_jobs_and_four_calls(self):
        bindings = self.create_products(1000)
        self.count(bindings, 7)
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual(jobs.mapped("message"), ["500: Updated."] * 2)
        self.assertEqual([len(json.loads(request.body)) for request in self.shop.requests], [250] * 4)
        self.assertEqual(set(self.levels.values()), {7})
        self.assertEqual(len(self.levels), 1000)

    def test_a_run_of_the_flow_looks_at_all_and_tells_only_what_differs(self):
        bindings = self.create_products(300)
        self.count(bindings, 7)
        self.run_jobs()
        self.shop.requests.clear()
        self.count(bindings[0], 8)
        self.backend.flow("stock").action_run()
        first = self.run_jobs()[0]
        self.assertEqual(first.message, "Records to export: 300.")
        self.assertEqual([len(json.loads(request.body)) for request in self.shop.requests], [1])

    def test_changes_of_several_transactions_that_wait_are_told_together(self):
        bindings = self.create_products(9)
        for number in range(3):
            self.count(bindings[number * 3 : number * 3 + 4], 5)
            self.tell_changes()
        self.assertDone(self.run_jobs())
        self.assertEqual([len(json.loads(request.body)) for request in self.shop.requests], [9])

    def test_a_refused_product_does_not_keep_the_others(self):
        bindings = self.create_products(5)
        self.refused = {bindings[2].external_id: "Unknown article"}
        self.count(bindings, 7)
        with mute_logger("odoo.addons.jobs_queue.worker"):
            jobs = self.run_jobs()
        self.assertEqual(len(self.levels), 4)
        self.assertFailed(jobs.filtered(lambda job: job.state == "failed"), "Unknown article")
        self.assertEqual(bindings.mapped("sync_state").count("error"), 1)
        self.refused = {}
        self.count(bindings, 8)
        self.assertDone(self.run_jobs().filtered(lambda job: job.state != "failed"))
        self.assertEqual(set(self.levels.values()), {8})

    def test_a_page_that_failed_is_closed_when_its_products_were_told(self):
        bindings = self.create_products(3)
        self.answer = lambda request: Answer({"levels": "nonsense"})
        self.count(bindings, 7)
        with mute_logger("odoo.addons.jobs_queue.worker"):
            [failed] = self.run_jobs()
        self.assertFailed(failed, "refused")
        self.answer = self._levels_of
        self.count(bindings, 8)
        self.run_jobs()
        self.assertEqual(set(self.levels.values()), {8})
        self.assertEqual(failed.state, "done")

    def test_a_call_that_is_refused_as_a_whole_is_halved(self):
        bindings = self.create_products(8)
        bad = bindings[5].external_id
        self.answer = lambda request: (
            Answer({"error": "No"}, status=422) if bad in request.body.decode() else self._levels_of(request)
        )
        self.count(bindings, 7)
        with mute_logger("odoo.addons.jobs_queue.worker"):
            jobs = self.run_jobs()
        self.assertEqual(len(self.levels), 7)
        self.assertEqual(jobs.mapped("state").count("failed"), 1)


@tagged("post_install", "-at_install")
class TestStockChanged(StockCase):
    """The event of a changed stock."""

    def setUp(self):
        super().setUp()
        self.fired = []
        self.enterContext(patch.object(on_stock_changed, "fire", self._note))

    def _note(self, session, model_name, record_id, warehouse_id):
        self.fired.append((model_name, record_id, warehouse_id))

    def changed(self):
        self.fired.clear()
        self.tell_changes()
        return self.fired[:]

    def test_it_is_fired_once_a_product_and_warehouse_after_the_commit(self):
        bindings = self.create_products(2)
        self.count(bindings, 5)
        self.count(bindings, 6)
        self.assertFalse(self.fired)
        expected = {("product.product", product.id, self.warehouse.id) for product in bindings.odoo_id}
        changed = self.changed()
        self.assertEqual((set(changed), len(changed)), (expected, 2))

    def test_a_transfer_between_warehouses_concerns_both(self):
        other = self.env["stock.warehouse"].create({"name": "OTHER", "code": "OTHER"})
        binding = self.create_products()
        self.count(binding, 5)
        self.changed()
        move = self.plan(binding, 2)
        move.location_dest_id = other.lot_stock_id
        self.assertEqual({warehouse for *_record, warehouse in self.changed()}, {self.warehouse.id, other.id})

    def test_it_is_fired_for_the_warehouse_that_a_planned_move_has_left(self):
        other = self.env["stock.warehouse"].create({"name": "OTHER", "code": "OTHER"})
        move = self.plan(self.create_products(), 2, incoming=True)
        self.changed()
        move.location_dest_id = other.lot_stock_id
        self.assertEqual({warehouse for *_record, warehouse in self.changed()}, {self.warehouse.id, other.id})

    def test_it_is_fired_for_a_quant_that_was_deleted(self):
        binding = self.create_products()
        quant = self.env["stock.quant"].create(
            {"product_id": binding.odoo_id.id, "location_id": self.warehouse.lot_stock_id.id, "quantity": 3}
        )
        self.changed()
        quant.sudo().unlink()
        self.assertEqual(self.changed(), [("product.product", binding.odoo_id.id, self.warehouse.id)])

    def test_nothing_is_fired_for_what_changes_no_stock(self):
        move = self.plan(self.create_products(), 2)
        self.changed()
        move.origin = "S00042"
        self.assertFalse(self.changed())

    def test_nothing_is_fired_for_what_was_rolled_back(self):
        binding = self.create_products()
        with contextlib.suppress(ZeroDivisionError), self.env.cr.savepoint():
            self.count(binding, 5)
            raise ZeroDivisionError
        self.assertFalse(self.changed())


@tagged("post_install", "-at_install")
class TestWithoutExport(StockCase):
    def test_a_change_that_is_kept_from_the_backend_is_not_told(self):
        binding = self.create_products()
        quants = without_export(self.env["stock.quant"], self.backend)
        quants._update_available_quantity(binding.odoo_id, self.warehouse.lot_stock_id, 5)
        self.assertFalse(self.run_jobs())


@tagged("post_install", "-at_install")
class TestNobodySubscribes(StockCase):
    def test_quants_and_moves_are_looked_at_only_where_an_addon_that_subscribes_is_installed(self):
        subscribing = {"test_connector_ecommerce", "connector_odoo_stock"}
        models = ("stock.quant", "stock.move")
        self.assertTrue(all(listeners(self.env.registry, model) for model in models))
        with patch.object(event, "is_installed", lambda registry, addon: addon not in subscribing):
            for model in models:
                self.assertEqual(on_record_change._find_subscriptions(self.env.registry, model), ())
