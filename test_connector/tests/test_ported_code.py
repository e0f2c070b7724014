from odoo.addons.connector import (
    BackendAdapter,
    Binder,
    BulkBatchImporter,
    ConnectorUnit,
    ExportMapChild,
    ImportMapChild,
    ImportMapper,
    RecordExporter,
    RecordImporter,
    export_record,
    import_record,
    mapping,
    on_record_write,
    without_export,
)
from odoo.addons.connector.event.no_export import forbids_all
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.exporter.consumers import delay_export
from odoo.addons.connector.unit.former_hooks import FORMER_HOOKS

from ..units import PartnerImportMapper, webshop
from .common import ShopCase


def define(*bases, **attributes):
    return type("Ported", bases, {"__module__": __name__, **attributes})


class TestFormerNames(ShopCase):
    """What comes with code from OCA's connector works, or is refused by name."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))

    def test_c28_a_hook_that_nothing_calls_is_refused_where_it_is_defined(self):
        for base, name, instead in (
            (ImportMapChild, "format_items", r"get_item_values\(\)"),
            (ImportMapper, "_map_child", "MapChild"),
            (RecordImporter, "_before_import", r"_import_dependencies\(\)"),
            (RecordImporter, "_is_uptodate", r"_is_known_state\(\)"),
            (RecordExporter, "_should_import", "_conflict_policy"),
            (RecordExporter, "_has_to_skip", r"_must_skip\(\)"),
            (BulkBatchImporter, "_import_record", "DelayedBatchImporter"),
            (Binder, "to_openerp", r"to_internal_many\(\)"),
            (BackendAdapter, "_apply_on", "_model_name"),
            (ConnectorUnit, "_usage", "ImportMapper"),
        ):
            with (
                self.subTest(name),
                self.assertRaisesRegex(ValueError, f"Ported defines {name}, which .*Instead: .*{instead}"),
            ):
                define(base, **{name: lambda self, *args: None})

    def test_c28_a_hook_of_a_mixin_is_refused_too(self):
        mixin = define(object, format_items=lambda self, values: values)
        with self.assertRaisesRegex(ValueError, "Ported defines format_items"):
            define(mixin, ImportMapChild)

    def test_c28_a_hook_of_an_extension_is_refused_when_it_works(self):
        webshop(extends=PartnerImportMapper)(define(object, _map_child=None))
        with self.assertRaisesRegex(ValueError, "Ported defines _map_child"):
            self.unit(ImportMapper)

    def test_c28_a_hook_that_is_called_is_no_former_one(self):
        define(ExportMapChild, format_items=lambda self, values: values)
        define(RecordImporter, _must_skip=lambda self: None, _create_data=lambda self, map_record: {})
        define(ImportMapper, finalize=lambda self, map_record, values: values)

    def test_c28_what_is_called_here_is_not_among_the_former_hooks(self):
        from odoo.addons import connector

        units = [
            unit for unit in vars(connector).values() if isinstance(unit, type) and issubclass(unit, ConnectorUnit)
        ]
        for unit in units:
            for base in unit.__mro__:
                known = FORMER_HOOKS.get(base.__name__, {})
                self.assertFalse(known.keys() & set(dir(base)), base)

    def test_c28_the_former_context_key_is_refused_where_something_would_be_exported(self):
        on_record_write.subscribe(delay_export, model_names="test.shop.partner")
        # by a function of this addon: what another one unsubscribes stays for us
        self.addCleanup(lambda: on_record_write.unsubscribe(delay_export, model_names="test.shop.partner"))
        partner = self.partner("7")
        for value in (True, 1, "yes"):
            with self.assertRaisesRegex(ValueError, r"connector_no_export .* without_export\(records"):
                partner.with_context(connector_no_export=value).name = "Eve"
        partner.with_context(connector_no_export=False).name = "Bob"
        self.assertTrue(forbids_all(without_export(partner).env.context))

    def test_c28_an_option_that_a_mapping_sets_is_there(self):
        class Mapper(ImportMapper):
            @mapping
            def first(self, record):
                seen.append((self.options.colour, self.options["size"]))
                self.options.colour = record["colour"]

            @mapping
            def second(self, record):
                return {"nickname": self.options["colour"]}

        seen = []
        mapper = Mapper(self.environment())
        values = mapper.map_records([{"colour": "red"}, {"colour": "blue"}]).values(size="L")
        self.assertEqual(values, [{"nickname": "red"}, {"nickname": "blue"}])
        self.assertEqual(seen, [(None, "L"), (None, "L")])
        self.assertEqual(mapper.map_record({"colour": "red"}).values(colour="black"), {"nickname": "red"})

    def test_c28_an_option_that_no_attribute_can_be_is_refused(self):
        class Mapper(ImportMapper):
            @mapping
            def first(self, record):
                self.options.items = 1

        with self.assertRaisesRegex(AttributeError, "cannot be called 'items'"):
            Mapper(self.environment()).map_record({}).values()

    def test_c28_a_job_opens_its_record_with_a_binder_that_returns_ids(self):
        class IdBinder(Binder):
            _model_name = "test.shop.partner"

            def unwrap_binding(self, binding):
                return self.model.browse(getattr(binding, "id", binding)).odoo_id.id

        class BindingIdBinder(IdBinder):
            def to_internal(self, external_id, unwrap=False):
                return super().to_internal(external_id, unwrap).id

        partner = self.partner("7")
        jobs = [
            export_record.delay(self.session, "test.shop.partner", partner.id),
            import_record.delay(self.session, "test.shop.partner", self.backend.id, "7"),
        ]
        registered = webshop._registrations[:]
        for binder in (IdBinder, BindingIdBinder):
            webshop._registrations[:] = registered
            webshop(binder)
            for job in jobs:
                action = self.env["queue.job"].browse(job.id).button_related()
                self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", partner.odoo_id.id))
