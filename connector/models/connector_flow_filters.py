"""Aspect of ``connector.flow``: which records of the other system an import flow is for."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import ConnectorException
from ..unit.backend_adapter.crud import BackendAdapter
from ..unit.backend_adapter.filters import sent_values
from ..unit.importer.batch import chosen_key


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    filters = fields.Json(
        string="What Is Imported", help="What people have chosen of what the connector offers: name to value"
    )
    declared_filters = fields.Json(compute="_compute_declared_filters", help="What the connector offers")
    chosen_in_words = fields.Char(compute="_compute_chosen_in_words", string="Imported")
    filters_error = fields.Char(compute="_compute_filters_error", help="Why the choice cannot be used")
    lists_all = fields.Boolean(
        compute="_compute_lists_all", help="Whether the next run looks at all records, as the choice is another one"
    )

    @api.depends_context("lang")
    @api.depends("code", "direction", "filters")
    def _compute_declared_filters(self):
        for flow in self:
            offered = flow._offered()
            told = [{**found.told(name, self.env), **flow._not_known(found)} for name, found in offered.items()]
            gone = [{"name": name, "label": name, "kind": "gone"} for name in flow.filters or {} if name not in offered]
            flow.declared_filters = [*told, *gone] or False

    @api.depends_context("lang")
    @api.depends("code", "direction", "filters")
    def _compute_chosen_in_words(self):
        for flow in self:
            flow.chosen_in_words = bool(flow._offered()) and flow._chosen_in_words()

    @api.depends_context("lang")
    @api.depends("code", "direction", "filters")
    def _compute_filters_error(self):
        for flow in self:
            flow.filters_error = flow._filters_error()

    @api.depends("filters")
    def _compute_lists_all(self):
        for flow in self:
            found = flow.sudo()._watermark() if flow.direction == "import" and flow._class() else None
            flow.lists_all = bool(found and found.value and (found.chosen or "") != chosen_key(flow.filters or {}))

    def _not_known(self, offered):
        """Return why people can choose nothing of a filter: none of its records is bound yet."""
        model_name = getattr(offered, "model", None)
        if model_name not in self.env:
            return {}
        backend, model = self.sudo()._backend(), self.env[model_name]
        bound = [("backend_id", "=", backend.id), ("external_id", "!=", False)]
        if model.sudo().search_count(bound, limit=1):
            return {}
        flows = self.sudo().search([*self._of_backend(backend), ("model_name", "=", model_name)])
        flow = flows.filtered(lambda flow: flow.direction == "import")[:1]
        return {
            "not_known": self.env._("None is known yet. Run “%s” first.", flow.name)
            if flow
            else self.env._("None is known yet: they are imported with what refers to them.")
        }

    def _offered(self):
        """Return what the adapter of the flow lets people choose, a dict of name to filter."""
        if self.direction != "import" or self.model_name not in self.env or not self._class():
            return {}
        session = ConnectorSession.from_env(self.env)
        try:
            adapter = (
                self.sudo()._backend().get_backend().get_class(BackendAdapter, session, self.model_name, self.code)
            )
        except ConnectorException:
            return {}
        return getattr(adapter, "filters", {})

    def _filters_error(self):
        if not self.filters or self.direction != "import":
            return False
        try:
            sent_values(self._offered(), self.filters, self.sudo()._backend())
        except FailedJobError as error:
            return str(error)
        return False

    @api.constrains("filters")
    def _check_filters(self):
        for flow in self:
            if error := flow._filters_error():
                raise ValidationError(error)

    def write(self, vals):
        """Keep of what is chosen only what has a value, and note it for who follows the flow.

        An import that runs meanwhile moves no watermark: its pages leave out what is not chosen by
        then, even if people choose that again before it ends.
        """
        if "filters" in vals:
            chosen = {
                name: value for name, value in (vals["filters"] or {}).items() if value not in (None, False, "", [])
            }
            vals = {**vals, "filters": chosen or False}
        before = {flow.id: flow.filters or {} for flow in self} if "filters" in vals else {}
        result = super().write(vals)
        for flow in self.filtered(lambda flow: flow.id in before and (flow.filters or {}) != before[flow.id]):
            flow.sudo().times_off += 1
            flow._message_log(body=self.env._("What is imported was changed: %s", flow._chosen_in_words()))
        return result

    def _chosen_in_words(self):
        """Return what is chosen as a text, such as “Status: Paid”."""
        chosen = self.filters or {}
        words = [
            f"{offered.label_of(name, self.env)}: {offered.in_words(chosen[name], self.env)}"
            for name, offered in self._offered().items()
            if name in chosen
        ]
        return ", ".join(words) or self.env._("Everything")
