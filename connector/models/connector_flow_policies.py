"""Aspect of ``connector.flow``: what the connector says where people have chosen no policy."""

from odoo import api, fields, models

from ..exception import ConnectorException
from ..unit.conflict_policy import ConflictPolicy
from ..unit.exporter.record import RecordExporter
from ..unit.importer.record import RecordImporter
from ..unit.policy import POLICIES
from ..unit.synchronizer import Deleter

#: The unit that is asked for a policy.
_ASKED = {
    "conflict": ConflictPolicy,
    "missing": RecordExporter,
    "deleted": Deleter,
    "archived": RecordExporter,
    "left": RecordExporter,
    "duplicates": RecordImporter,
}


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    fixed_policies = fields.Json(compute="_compute_declared", help="Policies about which the user cannot decide")
    declared_conflict = fields.Char(compute="_compute_declared")
    declared_missing = fields.Char(compute="_compute_declared")
    declared_deleted = fields.Char(compute="_compute_declared")
    declared_archived = fields.Char(compute="_compute_declared")
    declared_left = fields.Char(compute="_compute_declared")
    declared_duplicates = fields.Char(compute="_compute_declared")

    @api.depends_context("uid")
    def _compute_declared(self):
        policies = self.env["connector.flow.policy"]
        for flow in self:
            declared = flow._declared()
            flow.fixed_policies = sorted(flow._fixed() if flow.has_access("write") else POLICIES)
            for name in POLICIES:
                labels = dict(policies._fields[name]._description_selection(self.env))
                flow[f"declared_{name}"] = self.env._("As the connector says: %s", labels[declared[name]])

    def _declared(self):
        """Return what the connector says: a dict, name of each policy to the choice."""
        backend = self.sudo()._backend()
        declared, _fixed = self.env["connector.flow.policy"]._declared(backend, self.model_name)
        return {name: declared.get(name) or self._of_unit(backend, name) for name in POLICIES}

    def _of_unit(self, backend, name):
        try:
            with backend.work_on(self.model_name) as environment:
                unit = environment.get_connector_unit(_ASKED[name])
        except ConnectorException:
            return POLICIES[name][0]
        return getattr(unit, f"_{name}_policy", None) or POLICIES[name][0]
