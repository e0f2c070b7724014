"""Events of records: fire them when records are created, written or deleted.

Each of the three methods first asks, by one look-up, whether anybody listens.
"""

from odoo import api, models

from odoo.addons.jobs_queue.session import ConnectorSession

from ..event import on_record_create, on_record_unlink, on_record_write
from ..event.after_commit import note_change
from ..event.change import old_values
from ..event.record import listeners
from ..event.unchanged import told_values


class Base(models.AbstractModel):
    _inherit = "base"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        heard = listeners(self.pool, self._name)
        if heard is None:
            return records
        if heard.change:
            for record, vals in zip(records, vals_list, strict=True):
                note_change("create", record, vals)
        if heard.create:
            session = ConnectorSession.from_env(self.env)
            for record_id, vals in zip(records._ids, vals_list, strict=True):
                on_record_create.fire(session, self._name, record_id, dict(vals))
        return records

    def write(self, vals):
        heard = listeners(self.pool, self._name)
        if heard is None:
            return super().write(vals)
        # an onchange writes on records that do not exist: their ids are false
        saved = self if all(self._ids) else self.filtered("id")
        old = old_values(saved, heard.change, vals)
        result = super().write(vals)
        for records, told in told_values(saved, vals):
            if heard.change:
                note_change("write", records, told, old)
            if heard.write:
                session = ConnectorSession.from_env(self.env)
                for record_id in records._ids:
                    on_record_write.fire(session, self._name, record_id, dict(told))
        return result

    def unlink(self):
        heard = listeners(self.pool, self._name)
        if heard is None:
            return super().unlink()
        if heard.unlink:
            session = ConnectorSession.from_env(self.env)
            for record_id in self._ids:
                on_record_unlink.fire(session, self._name, record_id)
        old = old_values(self, heard.change)
        result = super().unlink()
        if heard.change:
            note_change("unlink", self, (), old)
        return result
