"""Models of a connector as the documentation of OCA's connector describes them.

The backend has the methods that the benchmarks call.
"""

import time

from odoo import fields, models

from benchmarks import source


class BenchmarkBackend(models.Model):
    _name = "benchmark.backend"
    _inherit = "connector.backend"
    _description = "Benchmark Backend"

    name = fields.Char(required=True)
    generation = fields.Integer()
    changed_at = fields.Datetime(default=fields.Datetime.now)

    def delay_import(self, kind, first, count):
        """Delay the import of ``count`` records, numbered from ``first`` on."""
        self.env[source.MODELS[kind]].with_delay().import_batch(self, {"first": first, "count": count})

    def map_values(self, count):
        """Map a record with 25 fields ``count`` times; return the seconds it took."""
        with self.work_on("benchmark.wide") as work:
            mapper = work.component(usage="import.mapper")
            began = time.perf_counter()
            for _number in range(count):
                mapper.map_record(source.WIDE_RECORD).values(for_create=True)
            return time.perf_counter() - began

    def look_up(self, count):
        """Look up a component ``count`` times; return the seconds it took."""
        with self.work_on("benchmark.wide") as work:
            work.component(usage="import.mapper")
            began = time.perf_counter()
            for _number in range(count):
                work.component(usage="import.mapper")
            return time.perf_counter() - began


class BenchmarkBinding(models.AbstractModel):
    _name = "benchmark.binding"
    _inherit = "external.binding"
    _description = "Benchmark Binding"

    backend_id = fields.Many2one("benchmark.backend", required=True, ondelete="restrict")
    external_id = fields.Char(index=True)

    def import_batch(self, backend, filters):
        """Import the records that match the filters."""
        with backend.work_on(self._name) as work:
            work.component(usage="batch.importer").run(filters)

    def import_record(self, backend, external_id, force=False):
        """Import a record."""
        with backend.work_on(self._name) as work:
            return work.component(usage="record.importer").run(external_id, force)


class BenchmarkPartner(models.Model):
    _name = "benchmark.res.partner"
    _inherit = "benchmark.binding"
    _inherits = {"res.partner": "odoo_id"}
    _description = "Benchmark Partner"

    odoo_id = fields.Many2one("res.partner", required=True, ondelete="cascade")

    _external_uniq = models.Constraint("UNIQUE(backend_id, external_id)", "It is bound already.")


class BenchmarkProduct(models.Model):
    _name = "benchmark.product.product"
    _inherit = "benchmark.binding"
    _inherits = {"product.product": "odoo_id"}
    _description = "Benchmark Product"

    odoo_id = fields.Many2one("product.product", required=True, ondelete="cascade")

    _external_uniq = models.Constraint("UNIQUE(backend_id, external_id)", "It is bound already.")


class BenchmarkWide(models.Model):
    _name = "benchmark.wide"
    _description = "Benchmark Record With Many Fields"

    vars().update({f"field_{number}": fields.Char() for number in range(25)})
