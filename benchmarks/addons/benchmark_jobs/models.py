"""Model whose methods are the jobs of the benchmarks.

Such a job notes that it ran. One of them also writes.
"""

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
        """Do nothing: one of the many further jobs."""
