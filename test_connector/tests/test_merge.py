"""Partners that are merged by Odoo's own wizard keep the ids that they have in the shop."""

from odoo.addons.connector.event import on_record_unlink
from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.unit.exporter.consumers import delay_delete
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.reconciler import Reconciler

from .common import ShopCase


class TestMerge(ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        for external_id in (1, 2):
            self.shop.add("test.shop.partner", external_id, name="Ada", mail="ada@shop")
        self.unit(BulkImporter).run_ids([1, 2])
        self.kept, self.merged = (self.binding(external_id) for external_id in (1, 2))
        self.partner_kept = self.kept.odoo_id

    def binding(self, external_id):
        return self.unit(Binder).to_internal(external_id)

    def merge(self, *bindings):
        """Merge the partners of bindings into that of the first one, as the wizard does."""
        partners = self.env["res.partner"].concat(*(binding.odoo_id for binding in bindings))
        self.env["base.partner.merge.automatic.wizard"]._merge(partners.ids, partners[0])
        self.env.invalidate_all()

    def test_c12_both_ids_lead_to_the_partner_that_is_kept(self):
        self.merge(self.kept, self.merged)
        self.assertEqual((self.binding(1), self.binding(2)), (self.kept, self.kept))
        self.assertEqual(self.kept.odoo_id, self.partner_kept)
        self.assertEqual(self.kept.external_alias_ids.mapped("external_id"), ["2"])

    def test_c12_the_second_customer_is_found_as_a_dependency_and_is_never_written(self):
        self.merge(self.kept, self.merged)
        self.shop.add("test.shop.partner", 2, name="Ada of the second account")
        self.shop.add("test.shop.partner", 3, name="Branch", parent=2)
        message = self.unit(BulkImporter).run_ids([2, 3])
        self.assertEqual(message, "1 created, 1 skipped")
        self.assertEqual((self.binding(3).parent_id, self.kept.name), (self.partner_kept, "Ada"))
        self.assertIn("was merged into Ada here", self.unit(RecordImporter).run(2, force=True))

    def test_c12_a_comparison_neither_misses_nor_compares_it(self):
        self.merge(self.kept, self.merged)
        self.shop.add("test.shop.partner", 2, name="Ada of the second account")
        self.assertFalse(self.unit(Reconciler).run())

    def test_c12_it_is_not_deleted_in_the_shop(self):
        names = ["test.shop.partner", "res.partner"]
        on_record_unlink.subscribe(delay_delete, model_names=names)
        # by a function of this addon: what another one unsubscribes stays for us
        self.addCleanup(lambda: on_record_unlink.unsubscribe(delay_delete, model_names=names))
        self.merge(self.kept, self.merged)
        self.assertFalse(self.delayed_jobs("delete_record"))

    def test_c12_a_binding_whose_backend_has_none_for_the_kept_partner_is_moved(self):
        other = self.env["test.shop.backend"].create({"name": "Other"})
        second = self.Partner.create({"odoo_id": self.merged.odoo_id.id, "backend_id": other.id, "external_id": "7"})
        alone = self.env["res.partner"].create({"name": "Alone"})
        self.env["base.partner.merge.automatic.wizard"]._merge((self.merged.odoo_id + alone).ids, alone)
        self.env.invalidate_all()
        self.assertEqual((self.merged.odoo_id, second.odoo_id), (alone, alone))
        self.merge(self.kept, self.merged)
        self.assertEqual((second.odoo_id, self.binding(2)), (self.partner_kept, self.kept))

    def test_c12_a_second_merge_takes_the_aliases_along(self):
        self.shop.add("test.shop.partner", 3, name="Ada")
        self.unit(BulkImporter).run_ids([3])
        third = self.binding(3)
        self.merge(self.merged, self.kept)
        self.merge(third, self.merged)
        self.assertEqual([self.binding(external_id) for external_id in (1, 2, 3)], [third] * 3)

    def test_c12_checkpoints_follow_to_the_kept_partner(self):
        checkpoints = [
            add_checkpoint(self.session, record._name, record.id, self.backend, "Look")
            for record in (self.merged.odoo_id, self.merged)
        ]
        self.merge(self.kept, self.merged)
        self.assertEqual([checkpoint.record_id for checkpoint in checkpoints], [self.partner_kept.id, self.kept.id])

    def test_c12_an_alias_that_is_taken_apart_is_imported_as_a_partner_of_its_own(self):
        self.merge(self.kept, self.merged)
        self.kept.external_alias_ids.action_take_apart()
        self.unit(RecordImporter).run(2)
        self.assertNotEqual(self.binding(2), self.kept)

    def test_c12_the_aliases_of_a_binding_that_is_deleted_go_with_it(self):
        self.merge(self.kept, self.merged)
        self.kept.unlink()
        self.assertFalse(self.binding(2))

    def test_an_alias_of_a_partner_that_is_deleted_hinders_nothing(self):
        self.merge(self.kept, self.merged)
        self.partner_kept.unlink()  # PostgreSQL deletes its binding
        self.env.invalidate_all()
        self.assertFalse(self.binding(2))
        self.unit(BulkImporter).run_ids([1, 2])
        new, other = self.binding(1), self.binding(2)
        self.assertNotEqual(new, other)
        self.merge(new, other)
        self.assertEqual(self.binding(2), new)
