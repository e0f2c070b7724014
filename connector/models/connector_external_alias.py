"""External aliases: further ids of external records whose Odoo record is one.

Odoo merges partners, bank accounts and accounts by SQL. It moves what points to the merged record,
and deletes what cannot be moved. Of two bindings for one backend, the second cannot be moved: one
record has one binding. So its external id becomes an alias of the binding that is kept. By the
alias, an order of the second customer still finds its customer here.

A duplicate there becomes an alias too, where the policy of the flow takes it for the same record.
"""

from odoo import api, fields, models

from ..backend import reference
from ..event.no_export import without_export


class ConnectorExternalAlias(models.Model):
    _name = "connector.external.alias"
    _description = "External Alias"
    _order = "id"
    _rec_name = "external_id"

    model = fields.Char(string="Binding Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        string="Binding", model_field="model", required=True, readonly=True, help="The binding that is kept"
    )
    backend_id = fields.Reference(
        selection=lambda self: self.env["connector.checkpoint"]._select_backends(), required=True, readonly=True
    )
    company_id = fields.Many2one("res.company", readonly=True)
    external_id = fields.Char(
        string="External ID",
        required=True,
        readonly=True,
        help="Identifier of the merged record in the external system",
    )

    _external_uniq = models.UniqueIndex("(model, backend_id, external_id)")
    _binding_idx = models.Index("(model, res_id)")

    def action_take_apart(self):
        """Delete the aliases: the next import of such a record creates a record of its own."""
        self.check_access("unlink")
        self.unlink()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.model
    def _of(self, binding_model, backend, external_ids):
        """Return the ids of the bindings of which some external ids are aliases.

        :param external_ids: ids as text
        :return: dict, external id to id of the binding
        """
        aliases = self.sudo().search_fetch(
            [
                ("model", "=", binding_model),
                ("backend_id", "=", reference(backend)),
                ("external_id", "in", list(external_ids)),
            ],
            ["external_id", "res_id"],
        )
        # a binding that PostgreSQL deletes together with its record leaves its aliases
        known = self.env[binding_model].sudo().browse(aliases.mapped("res_id")).exists().ids
        return {alias.external_id: alias.res_id for alias in aliases if alias.res_id in known}

    # Merges

    @api.model
    def _merge_bindings(self, model_name, sources, kept):
        """Prepare the merge of records: no binding is lost.

        A binding whose backend has none for the kept record is moved to it. Another one becomes an
        alias of the binding that is kept: what points to it is moved, and it is removed here. It is
        not deleted in the external system.

        :param model_name: name of the model of the records
        :param sources: recordset of the records that are merged into another one
        :param kept: that record
        """
        for name in sorted(self.env.registry.descendants(["external.binding"], "_inherit")):
            model = self.env[name].sudo().with_context(active_test=False)
            field = model._fields.get("odoo_id")
            if model._abstract or field is None or field.comodel_name != model_name:
                continue
            bound = {binding.backend_id: binding for binding in model.search([("odoo_id", "=", kept.id)])}
            for binding in without_export(model.search([("odoo_id", "in", sources.ids)], order="id")):
                if other := bound.get(binding.backend_id):
                    self._merge_binding(binding, other)
                else:
                    binding.odoo_id = kept
                    bound[binding.backend_id] = binding
        self.env.flush_all()

    def _merge_binding(self, source, kept):
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._update_foreign_keys_generic(source._name, source, kept)
        wizard._update_reference_fields_generic(source._name, source, kept)
        self._move_references(source, kept)
        external_id = source.external_id
        source.unlink()
        if external_id:
            self._add(kept, external_id)

    @api.model
    def _add(self, binding, external_id):
        """Let an external id lead to a binding that has another one."""
        place = {
            "model": binding._name,
            "backend_id": reference(binding.backend_id),
            "external_id": external_id,
        }
        self.search([(name, "=", value) for name, value in place.items()]).unlink()  # of a deleted binding
        self.create({**place, "res_id": binding.id, "company_id": binding.backend_id.company_id.id})

    @api.model
    def _move_references(self, sources, kept):
        """Move the checkpoints and aliases of records to the record into which they are merged."""
        of_sources = [("model", "=", kept._name), ("record_id", "in", sources.ids)]
        self.env["connector.checkpoint"].sudo().search(of_sources).record_id = kept.id
        self.sudo().search([("model", "=", kept._name), ("res_id", "in", sources.ids)]).res_id = kept.id
