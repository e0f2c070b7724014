"""Units of a connector; everything else comes from the framework."""

try:
    from odoo.addons.connector import Backend, ConnectorUnit, CRUDAdapter, ImportMapper, mapping
except ImportError:  # a commit that is older than the front door
    from odoo.addons.connector.backend import Backend
    from odoo.addons.connector.connector import ConnectorUnit
    from odoo.addons.connector.unit.backend_adapter import CRUDAdapter
    from odoo.addons.connector.unit.mapper import ImportMapper, mapping

from benchmarks import source

benchmark = Backend("benchmark")


@benchmark
class Adapter(CRUDAdapter):
    def search(self, filters=None):
        first = self.backend_record.listed_from
        return list(range(first, first + self.backend_record.listed_count))

    def read(self, external_id, fields=None):
        backend = self.backend_record
        make = source.RECORDS[source.KINDS[self.environment.model_name]]
        return make(int(external_id), backend.generation, str(backend.changed_at))


@benchmark
class PartnerMapper(ImportMapper):
    _model_name = source.MODELS["partner"]
    direct = source.DIRECT["partner"]


@benchmark
class ProductMapper(ImportMapper):
    _model_name = source.MODELS["product"]
    direct = source.DIRECT["product"]


@benchmark
class WideMapper(ImportMapper):
    _model_name = "benchmark.wide"
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
    benchmark.register_class(type(f"Unit{number}", (ConnectorUnit,), {"_model_name": f"benchmark.model.{number}"}))
