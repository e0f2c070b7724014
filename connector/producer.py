"""Fires the events of records: each of the three methods asks first whether anybody listens."""

from odoo import api, models

from .event import on_record_create, on_record_unlink, on_record_write
from .session import ConnectorSession


class Base(models.AbstractModel):
    _inherit = "base"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        if on_record_create.consumers(self.pool, self._name):
            session = ConnectorSession.from_env(self.env)
            for record_id, vals in zip(records._ids, vals_list, strict=True):
                on_record_create.fire(session, self._name, record_id, dict(vals))
        return records

    def write(self, vals):
        result = super().write(vals)
        if on_record_write.consumers(self.pool, self._name):
            session = ConnectorSession.from_env(self.env)
            for record_id in filter(None, self._ids):  # an onchange writes on records that do not exist
                on_record_write.fire(session, self._name, record_id, dict(vals))
        return result

    def unlink(self):
        if on_record_unlink.consumers(self.pool, self._name):
            session = ConnectorSession.from_env(self.env)
            for record_id in self._ids:
                on_record_unlink.fire(session, self._name, record_id)
        return super().unlink()
