"""Models of a connector, and the operations on its backend that the benchmarks call."""

import time

from odoo import fields, models

try:
    from odoo.addons.connector import ConnectorSession, ImportMapper, external_id_text, import_batch, without_export
except ImportError:  # a commit that is older than the front door
    from odoo.addons.connector.connector import external_id_text
    from odoo.addons.connector.no_export import without_export
    from odoo.addons.connector.session import ConnectorSession
    from odoo.addons.connector.unit.batch_importer import import_batch
    from odoo.addons.connector.unit.mapper import ImportMapper

from benchmarks import source


class BenchmarkBackend(models.Model):
    _name = "benchmark.backend"
    _inherit = "connector.backend"
    _description = "Benchmark Backend"
    _backend_type = "benchmark"

    generation = fields.Integer()
    changed_at = fields.Datetime(default=fields.Datetime.now)
    listed_from = fields.Integer(help="Number of the first record that the system lists")
    listed_count = fields.Integer(help="How many records it lists")

    def delay_import(self, kind, first, count):
        """Delay the import of all that the system lists: ``count`` records from ``first`` on.

        It is the import that an action of Odoo delays every day: it moves a watermark at its end.
        """
        self.write({"listed_from": first, "listed_count": count})
        import_batch.delay(ConnectorSession.from_env(self.env), source.MODELS[kind], self.id)

    def create_records(self, kind, first, count, page_size):
        """Create bindings by Odoo's ``create()``, commit each page; return the seconds it took."""
        mapped, read = source.DIRECT[kind], source.RECORDS[kind]
        model = without_export(self.env[source.MODELS[kind]].with_context(tracking_disable=True))
        common = {"backend_id": self.id, "sync_state": "in_sync", "sync_date": fields.Datetime.now()}
        began = time.perf_counter()
        for start in range(first, first + count, page_size):
            numbers = range(start, min(start + page_size, first + count))
            records = [read(number, self.generation, "") for number in numbers]
            model.create(
                [
                    {target: record[name] for name, target in mapped}
                    | common
                    | {"external_id": external_id_text(record["id"]), "import_checksum": "0" * 32}
                    for record in records
                ]
            )
            self.env.cr.commit()
        return time.perf_counter() - began

    def map_values(self, count):
        """Map a record with 25 fields ``count`` times; return the seconds it took."""
        with self.work_on("benchmark.wide") as environment:
            mapper = environment.get_connector_unit(ImportMapper)
            began = time.perf_counter()
            for _number in range(count):
                mapper.map_record(source.WIDE_RECORD).values(for_create=True)
            return time.perf_counter() - began

    def look_up(self, count):
        """Look up a unit ``count`` times; return the seconds it took."""
        with self.work_on("benchmark.wide") as environment:
            find, session = environment.backend.get_class, environment.session
            find(ImportMapper, session, "benchmark.wide")
            began = time.perf_counter()
            for _number in range(count):
                find(ImportMapper, session, "benchmark.wide")
            return time.perf_counter() - began


class BenchmarkPartner(models.Model):
    _name = "benchmark.res.partner"
    _inherit = "external.binding"
    _inherits = {"res.partner": "odoo_id"}
    _description = "Benchmark Partner"
    _default_access = False  # older commits have no default company rule: all are measured without it

    backend_id = fields.Many2one("benchmark.backend", required=True, ondelete="restrict")
    odoo_id = fields.Many2one("res.partner", required=True, ondelete="cascade")


class BenchmarkProduct(models.Model):
    _name = "benchmark.product.product"
    _inherit = "external.binding"
    _inherits = {"product.product": "odoo_id"}
    _description = "Benchmark Product"
    _default_access = False

    backend_id = fields.Many2one("benchmark.backend", required=True, ondelete="restrict")
    odoo_id = fields.Many2one("product.product", required=True, ondelete="cascade")


class BenchmarkWide(models.Model):
    _name = "benchmark.wide"
    _description = "Benchmark Record With Many Fields"

    vars().update({f"field_{number}": fields.Char() for number in range(25)})
