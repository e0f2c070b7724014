"""Components of a connector on OCA's framework, where each connector writes its importers."""

from odoo import fields

from odoo.addons.component.core import AbstractComponent, Component
from odoo.addons.connector.components.mapper import mapping

from benchmarks import source

BINDINGS = list(source.MODELS.values())


class BaseComponent(AbstractComponent):
    _name = "benchmark.base"
    _inherit = "base.connector"
    _collection = "benchmark.backend"


class Binder(Component):
    _name = "benchmark.binder"
    _inherit = ["base.binder", "benchmark.base"]
    _apply_on = BINDINGS


class Adapter(Component):
    _name = "benchmark.adapter"
    _inherit = ["base.backend.adapter.crud", "benchmark.base"]
    _apply_on = BINDINGS

    def search(self, filters):
        return list(range(filters["first"], filters["first"] + filters["count"]))

    def read(self, external_id):
        backend = self.backend_record
        make = source.RECORDS[source.KINDS[self.model._name]]
        return make(external_id, backend.generation, str(backend.changed_at))


class BatchImporter(Component):
    """Batch importer: it delays a job for each record."""

    _name = "benchmark.batch.importer"
    _inherit = ["base.importer", "benchmark.base"]
    _usage = "batch.importer"
    _apply_on = BINDINGS

    def run(self, filters):
        for external_id in self.backend_adapter.search(filters):
            self.model.with_delay().import_record(self.backend_record, external_id)


class RecordImporter(Component):
    """Importer of one record.

    It reads the record, and leaves it if it has not changed. Else it locks and maps the record,
    creates or updates it, and binds it.
    """

    _name = "benchmark.record.importer"
    _inherit = ["base.importer", "benchmark.base"]
    _usage = "record.importer"
    _base_mapper_usage = "import.mapper"
    _apply_on = BINDINGS

    def run(self, external_id, force=False):
        record = self.backend_adapter.read(external_id)
        binding = self.binder.to_internal(external_id)
        if binding and not force and fields.Datetime.to_datetime(record["updated_at"]) <= binding.sync_date:
            return "Already up to date."
        self.advisory_lock_or_retry(f"import {self.backend_record.id} {self.model._name} {external_id}")
        mapped = self.mapper.map_record(record)
        if binding:
            binding.with_context(connector_no_export=True).write(mapped.values())
        else:
            values = {**mapped.values(for_create=True), "backend_id": self.backend_record.id}
            binding = self.model.with_context(connector_no_export=True).create(values)
        self.binder.bind(external_id, binding)
        return "Imported."


class PartnerMapper(Component):
    _name = "benchmark.partner.mapper"
    _inherit = ["base.import.mapper", "benchmark.base"]
    _apply_on = [source.MODELS["partner"]]

    direct = source.DIRECT["partner"]


class ProductMapper(Component):
    _name = "benchmark.product.mapper"
    _inherit = ["base.import.mapper", "benchmark.base"]
    _apply_on = [source.MODELS["product"]]

    direct = source.DIRECT["product"]


class WideMapper(Component):
    _name = "benchmark.wide.mapper"
    _inherit = ["base.import.mapper", "benchmark.base"]
    _apply_on = ["benchmark.wide"]

    direct = source.WIDE

    @mapping
    def twenty(self, record):
        return {"field_20": record["source_20"]}

    @mapping
    def twenty_one(self, record):
        return {"field_21": record["source_21"]}

    @mapping
    def twenty_two(self, record):
        return {"field_22": record["source_22"]}

    @mapping
    def twenty_three(self, record):
        return {"field_23": record["source_23"]}

    @mapping
    def twenty_four(self, record):
        return {"field_24": record["source_24"]}


for number in range(source.FURTHER_UNITS):
    type(
        f"Component{number}",
        (Component,),
        {
            "__module__": __name__,
            "_name": f"benchmark.component.{number}",
            "_inherit": "benchmark.base",
            "_usage": f"usage.{number}",
        },
    )
