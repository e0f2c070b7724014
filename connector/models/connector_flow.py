"""Flows of backends: what people have decided about what a connector synchronises."""

import logging
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.registration import addon_of
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import InvalidBackend
from ..extension import written_class
from ..unit.flow import ExportFlow, declared_domain, flow_class, flow_classes, label_of
from ..unit.policy import POLICIES

_logger = logging.getLogger(__name__)

_NOW = f"""
SELECT flow.is_on, flow.times_off, flow.domain, flow.filters, {", ".join(f"policy.{name}" for name in POLICIES)}
FROM connector_flow flow LEFT JOIN connector_flow_policy policy ON policy.id = flow.policy_id
WHERE (flow.backend_model, flow.backend_id, flow.code) = (%s, %s, %s)
"""


class Now(NamedTuple):
    """What the database says of a flow at the time of a job."""

    is_on: bool
    times_off: int
    domain: str | None
    filters: dict
    choices: dict  # of the policies, empty without a row


class Settings(NamedTuple):
    """What this process knows of a flow; without a row it is on."""

    is_on: bool = True
    channel_id: int | None = None
    domain: str | None = None


class ConnectorFlow(models.Model):
    """What is synchronised between Odoo and a backend: the records of a model, in one direction.

    The connector declares it, see :class:`~odoo.addons.connector.unit.flow.Flow`. A row keeps what
    people have decided. Jobs never write it: that would serialize them. What it tells of them comes
    from its channel and from the jobs.
    """

    _name = "connector.flow"
    _inherit = ["connector.backend.part", "mail.thread"]
    _description = "Flow of a Connector"
    _order = "backend_model, backend_id, sequence, id"
    _rec_name = "name"
    _written_by_code = (
        "backend_model",
        "backend_id",
        "company_id",
        "code",
        "model_name",
        "direction",
        "sequence",
        "active",
        "addon",
        "is_on",
        "times_off",
        "date_off",
        "date_on",
        "date_begun",
        "channel_id",
        "policy_id",
    )

    code = fields.Char(required=True, readonly=True)
    name = fields.Char(compute="_compute_name", compute_sudo=True, string="Flow")
    backend_name = fields.Char(compute="_compute_name", compute_sudo=True, string="Backend")
    model_name = fields.Char(required=True, readonly=True)
    direction = fields.Selection([("import", "Import"), ("export", "Export")], required=True, readonly=True)
    sequence = fields.Integer(readonly=True, help="Its place in a first run")
    active = fields.Boolean(default=True, readonly=True, help="Whether an installed addon declares it")
    addon = fields.Char(readonly=True, help="The addon that declares it")
    is_on = fields.Boolean(string="On", readonly=True, tracking=True)
    times_off = fields.Integer(
        readonly=True,
        help="How often it was switched off, what it imports was chosen anew, or all was asked for again. "
        "An import that runs meanwhile moves no watermark",
    )
    date_off = fields.Datetime(string="Switched Off", readonly=True)
    date_on = fields.Datetime(string="Switched On", readonly=True)
    date_begun = fields.Datetime(
        string="First Run", readonly=True, help="Its schedule counts from then on, so that a new backend can be set up"
    )
    channel_id = fields.Many2one("queue.job.channel", readonly=True, ondelete="restrict")
    expression = fields.Char(
        string="Runs At",
        tracking=True,
        help="As cron has it: minute, hour, day of the month, month, day of the week. “*/15 * * * *”: every 15 minutes. Empty: by hand",
    )
    comparison = fields.Char(
        string="Compares At", tracking=True, help="When both sides are compared, likewise. Empty: by hand"
    )
    policy_id = fields.Many2one("connector.flow.policy", readonly=True, ondelete="cascade")
    conflict = fields.Selection(related="policy_id.conflict", readonly=False, tracking=True)
    missing = fields.Selection(related="policy_id.missing", readonly=False, tracking=True)
    deleted = fields.Selection(related="policy_id.deleted", readonly=False, tracking=True)
    archived = fields.Selection(related="policy_id.archived", readonly=False, tracking=True)
    left = fields.Selection(related="policy_id.left", readonly=False, tracking=True)
    duplicates = fields.Selection(related="policy_id.duplicates", readonly=False, tracking=True)

    _code_uniq = models.UniqueIndex("(backend_model, backend_id, code)")
    _channel_uniq = models.UniqueIndex("(channel_id)")

    @api.constrains("expression", "comparison")
    def _check_times(self):
        for flow in self:
            for expression in (flow.expression, flow.comparison):
                schedule = {"name": flow.name, "expression": expression, "timezone": "UTC"}
                if expression:
                    self.env["queue.job.schedule"].new(schedule)._tick_after(self.env.cr.now())

    # What code declares

    @api.model
    def _classes(self, backend):
        """Return the flows that a backend has in this database, a dict of code to class.

        It is empty if the version of the backend is not declared (any more).
        """
        try:
            return flow_classes(backend.get_backend(), ConnectorSession.from_env(self.env))
        except InvalidBackend:
            return {}

    def _class(self):
        """Return the class of the flow, None if no installed addon declares it."""
        backend = self._backend()
        return self._classes(backend).get(self.code) if backend else None

    def _comes_after(self):
        """Return the flows of the backend that come before this one in a first run."""
        codes = self._class().after
        return self._backend().flow_ids.filtered(lambda flow: flow.code in codes)

    @api.depends("code", "backend_model", "backend_id")
    def _compute_name(self):
        for flow in self:
            found = flow._class()
            flow.name = label_of(found, self.env) if found else flow.code
            flow.backend_name = flow._backend().display_name

    @api.model
    def _sync(self, backend, is_new=False):
        """Create the flows of a backend that are declared and missing, and hide the others.

        Imports are on. Exports are off, so that nothing is sent before somebody wants it. Only a
        backend from before there were flows keeps what it did: its exports are on, and nothing runs
        at times that nobody has chosen.

        If the declarations cannot be used together, the flows stay as they are.

        :param is_new: whether the backend is being created
        """
        try:
            classes = flow_classes(backend.get_backend(), ConnectorSession.from_env(self.env))
        except InvalidBackend as error:
            _logger.error("The flows of %s stay as they are: %s", backend.display_name, error)
            return
        flows = self.sudo().with_context(active_test=False).search(self._of_backend(backend))
        is_former = not flows and not is_new
        by_code = {flow.code: flow for flow in flows}
        for sequence, (code, found) in enumerate(classes.items(), 1):
            values = {
                "model_name": found._model_name,
                "direction": found.direction,
                "sequence": sequence,
                "addon": addon_of(written_class(found).__module__),
                "active": True,
            }
            if flow := by_code.pop(code, None):
                changed = {name: value for name, value in values.items() if flow[name] != value}
                if changed:
                    flow.write(changed)
            else:
                self._add(backend, found, values, is_former)
        for flow in by_code.values():
            flow._hide()
        # another flow may be the first of its model now: then the jobs name this one
        flows.exists()._apply_schedules()

    @api.model
    def _add(self, backend, found, values, is_former):
        now = self.env.cr.now()
        is_on = is_former or found.direction == "import"
        parent = backend.sudo().channel_id
        flow = self.sudo().create(
            {
                **self._backend_values(backend),
                **values,
                "code": found.code,
                "is_on": is_on,
                "date_begun": is_former and now,
                "expression": not is_former and found.schedule,
                "comparison": not is_former and found.comparison,
                "domain": not is_former and declared_domain(found),
                "channel_id": parent.create({"name": found.code, "parent_id": parent.id}).id,
                "policy_id": self._policy(backend, found._model_name).id,
            }
        )
        return flow

    @api.model
    def _policy(self, backend, model_name):
        policies = self.env["connector.flow.policy"].sudo()
        found = policies.search([*self._of_backend(backend), ("model_name", "=", model_name)])
        return found or policies.create({**self._backend_values(backend), "model_name": model_name})

    def _hide(self):
        """Hide a flow that nobody declares, or delete it with its addon."""
        is_gone = self.addon and not self.env["ir.module.module"].sudo().search_count(
            [("name", "=", self.addon), ("state", "in", ("installed", "to upgrade", "to install"))]
        )
        # a channel with jobs cannot be deleted: the next update of the backend's addon tries again
        if is_gone and not self.channel_id._unfinished_job():
            self.unlink()
        elif self.active:
            self.write({"active": False})

    def _delete_with_addon(self):
        """Delete these flows; a channel that still has jobs stays, and no flow is kept by it."""
        self.filtered(lambda flow: flow.channel_id._unfinished_job()).write({"channel_id": False})
        self.unlink()

    def _register_hook(self):
        """Delete the flows and policies of backends whose addon was removed."""
        super()._register_hook()
        if self.env.registry.updated_modules:
            for model in (self, self.env["connector.flow.policy"]):
                rows = model.sudo().with_context(active_test=False).search([("backend_model", "!=", False)])
                rows.filtered(lambda row: row._is_of_no_model())._delete_with_addon()

    # What units and jobs ask

    @api.model
    def _is_on(self, backend, code):
        """Return whether a flow of a backend is on; one without a row is.

        It is what this process knows: another one may have switched it a moment ago. Jobs ask
        :meth:`_switch_now`.
        """
        return self._settings(backend._name, backend.id).get(code, Settings()).is_on

    @api.model
    def _switch_now(self, backend, code):
        """Return of a flow in the database: is it on, how often it was off, and its policies.

        They are those that people have chosen: a dict, name to choice or None. It is one query, as
        each job of a flow asks for it.

        A page of an import that ends because the flow is off must not be one of a listing that
        moves the watermark. The first job of the listing sees the flow on, and how often it was off
        by then. A page that sees it off begins after somebody has switched it off since. The job
        that moves the watermark begins after the pages have ended, so it sees a larger number, and
        does not move it. A process may remember an older state, so it is read anew.
        """
        now = self._now(backend, code)
        return now.is_on, now.times_off

    @api.model
    def _now(self, backend, code):
        """Return what the database says of a flow, by one query: a :class:`Now`."""
        self.flush_model(["is_on", "times_off", "domain", "filters", "policy_id"])
        self.env["connector.flow.policy"].flush_model(list(POLICIES))
        self.env.cr.execute(_NOW, (backend._name, backend.id, code))
        is_on, times_off, domain, filters, *choices = self.env.cr.fetchone() or (True, 0, None, None)
        choices = dict(zip(POLICIES, choices, strict=False))
        return Now(bool(is_on), times_off or 0, domain or None, filters or {}, choices)

    @api.model
    @tools.ormcache("binding_model")
    def _are_exports_off(self, binding_model):
        """Return whether the export of a binding model is switched off on all backends."""
        session = ConnectorSession.from_env(self.env)
        backends = (
            self.env[self.env[binding_model]._fields["backend_id"].comodel_name].sudo().search([("active", "=", True)])
        )
        try:
            flows = [flow_class(backend.get_backend(), session, binding_model, ExportFlow) for backend in backends]
        except InvalidBackend:
            return False  # the export says so, if the record is bound to that backend
        return all(
            flow is not None and not self._is_on(backend, flow.code)
            for backend, flow in zip(backends, flows, strict=True)
        )

    @api.model
    def _channel_id(self, backend, code):
        """Return the id of the channel of a flow of a backend, None if it has no row."""
        return self._settings(backend._name, backend.id).get(code, Settings()).channel_id

    @api.model
    @tools.ormcache("backend_model", "backend_id")
    def _settings(self, backend_model, backend_id):
        """Return what jobs ask of the flows of a backend: a dict, code to :class:`Settings`."""
        backend = self.env[backend_model].browse(backend_id)
        flows = self.sudo().with_context(active_test=False).search(self._of_backend(backend))
        return {flow.code: Settings(flow.is_on, flow.channel_id.id, flow.domain or None) for flow in flows}

    # Writes

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        flows = super().create(vals_list)
        flows._apply_schedules()
        return flows

    def write(self, vals):
        self._check_backends()
        self._check_fixed(vals)
        result = super().write(vals)
        if not vals.keys().isdisjoint(("is_on", "active", "code", "channel_id", "domain")):
            self.env.registry.clear_cache()
        if not vals.keys().isdisjoint(("is_on", "active", "date_begun", "expression", "comparison", "company_id")):
            self._apply_schedules()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        self.env["queue.job.schedule"].sudo()._of(self).unlink()
        policies, channels = self.policy_id, self.sudo().channel_id
        result = super().unlink()
        used = self.sudo().with_context(active_test=False).search([("policy_id", "in", policies.ids)]).policy_id
        (policies - used).sudo().unlink()
        channels.unlink()  # refused while one of them has jobs; the error says what to do
        return result

    def _check_fixed(self, vals):
        """Check that no policy is written that the connector has fixed.

        :raise UserError: one is
        """
        policies = self.env["connector.flow.policy"]
        for flow in self if vals.keys() & POLICIES.keys() else ():
            if refused := sorted(vals.keys() & set(flow._fixed())):
                labels = ", ".join(policies._fields[name]._description_string(self.env) for name in refused)
                raise UserError(self.env._("The connector decides about it, and nobody else can: %s", labels))

    def _fixed(self):
        """Return the names of the policies of the flow's model that the connector has fixed."""
        _declared, fixed = self.env["connector.flow.policy"]._declared(self._backend(), self.model_name)
        return fixed
