"""Aspect of ``connector.flow``: which records of Odoo an export flow is for."""

from psycopg2 import Error

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import InvalidBackend
from ..unit.binding.selection import Selection, record_model
from ..unit.flow import ExportFlow, declared_domain, flow_class


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    domain = fields.Char(
        string="Only",
        tracking=True,
        help="The records that are exported. Those that have no binding yet get one. Empty: all that are bound",
    )
    record_model = fields.Char(compute="_compute_record_model", help="The model of these records")
    domain_error = fields.Char(compute="_compute_domain_error", help="Why the filter cannot be used")

    @api.depends("model_name", "direction")
    def _compute_record_model(self):
        for flow in self:
            model = self.env.get(flow.model_name)
            flow.record_model = flow.direction == "export" and model is not None and record_model(model)

    @api.depends("domain", "record_model")
    def _compute_domain_error(self):
        for flow in self:
            flow.domain_error = flow._domain_error()

    def _domain_error(self):
        if not self.domain or not self.record_model:
            return False
        try:
            self._selection().domain  # noqa: B018  # it is built now
        except FailedJobError as error:
            return str(error)
        return False

    @api.constrains("domain")
    def _check_domain(self):
        for flow in self.filtered(lambda flow: flow.domain and flow.record_model):
            if flow.domain == declared_domain(flow._class()):
                continue  # if it cannot be used, the flow says so: the addon must still be installed
            if error := flow._domain_error():
                raise ValidationError(error)
            selection = flow._selection()
            try:
                with self.env.cr.savepoint():
                    self.env[flow.model_name].sudo().search(selection.of_bindings(), limit=1)
            except (Error, TypeError, UserError, ValueError) as error:
                raise ValidationError(str(selection._unusable(error))) from error

    def _selection(self, domain=None):
        """Return the :class:`Selection` of an export flow with a domain, else None.

        :param domain: one that it had; None: its own
        """
        domain = domain or self.domain
        if self.direction != "export" or not domain:
            return None
        return Selection(self.env[self.model_name], domain, self.name)

    @api.model
    @tools.ormcache("binding_model")
    def _chosen_exports(self, binding_model):
        """Return the ids of the backends where people have chosen what of a model is exported.

        Only those count whose flow is on.
        """
        session = ConnectorSession.from_env(self.env)
        backends = self.env[self.env[binding_model]._fields["backend_id"].comodel_name].sudo()
        found = []
        for backend in backends.search([("active", "=", True)]):
            try:
                flow = flow_class(backend.get_backend(), session, binding_model, ExportFlow)
            except InvalidBackend:
                continue  # the export says so, if the record is bound to that backend
            settings = flow and self._settings(backend._name, backend.id).get(flow.code)
            if settings and settings.is_on and settings.domain:
                found.append(backend.id)
        return tuple(found)

    @api.model
    def _domain_of(self, backend, code):
        """Return the domain of an export flow of a backend as this process knows it, else None."""
        settings = self._settings(backend._name, backend.id).get(code)
        return settings and settings.domain
