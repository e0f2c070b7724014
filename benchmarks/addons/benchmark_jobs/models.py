"""What a job of the benchmarks does: note that it ran and, if asked, write."""

from odoo import fields, models

from benchmarks import journal


class BenchmarkRecord(models.Model):
    _name = "benchmark.record"
    _description = "Benchmark Record"

    number = fields.Integer()

    def noop(self, number):
        """Do nothing in the database."""
        journal.note(number)

    def write_one(self, number):
        """Write one field of this record."""
        journal.note(number)
        self.write({"number": number})

    def unmeasured(self, number):
        """Be one of the many other jobs."""
