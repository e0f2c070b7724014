"""Base exporter of this connector: it takes its policies from the backend record.

The policies say what happens where the two sides disagree.
"""

from odoo.addons.connector import RecordExporter

from ..backend import odoo


@odoo
class OdooExporter(RecordExporter):
    """Exports a record to the other Odoo."""

    @property
    def _conflict_policy(self):
        return self.backend_record.conflict_policy

    @property
    def _missing_policy(self):
        return self.backend_record.missing_policy
