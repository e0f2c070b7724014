"""Keep bindings when Odoo merges records; see ``models/connector_external_alias.py``."""

from odoo import api, models


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys_generic(self, model, src_records, dst_record):
        # Odoo's own SQL deletes all rows of a table where one of them cannot be moved
        aliases = self.env["connector.external.alias"].sudo()
        aliases._merge_bindings(model, src_records, dst_record)
        aliases._move_references(src_records, dst_record)
        return super()._update_foreign_keys_generic(model, src_records, dst_record)
