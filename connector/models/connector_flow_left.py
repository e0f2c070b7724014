"""Aspect of ``connector.flow``: what was exported, and is not chosen any more."""

from contextlib import suppress

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..unit.binding.selection import Selection, UnusableDomain
from ..unit.exporter.left import delay_leaving
from ..unit.exporter.record import RecordExporter

#: Names in a checkpoint.
_MOST_NAMES = 10


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    left_count = fields.Integer(
        compute="_compute_left_count",
        help="Exported records that are not chosen any more, and about which somebody has to decide",
    )

    def _compute_left_count(self):
        members = self.env["connector.flow.member"].sudo()
        for flow in self:
            flow.left_count = flow.direction == "export" and members.search_count(
                [("flow_id", "=", flow.id), ("state", "=", "asked")], limit=10_001
            )

    def write(self, vals):
        """Note which records a flow has exported so far, when other ones are chosen."""
        if "domain" not in vals:
            return super().write(vals)
        former = {flow: flow.domain for flow in self}
        result = super().write({**vals, "domain": self._rule_or_none(vals["domain"])})
        for flow, domain in former.items():
            flow._note_before(domain)
        return result

    def _rule_or_none(self, domain):
        """Return a domain, False for one without a rule: it must not choose all records."""
        return False if (domain or "").strip() in ("", "[]") else domain

    def _note_before(self, former):
        """Note what was exported, by the policy that holds now.

        :param former: the domain until now
        """
        members = self.env["connector.flow.member"].sudo()
        if self.direction != "export" or self.model_name not in self.env or (self.domain or False) == (former or False):
            return
        if not self.domain:
            members.search([("flow_id", "=", self.id)]).unlink()
        elif not self._class() or self._is_in_bulk() or self._unit().unit_for(RecordExporter).policy("left") == "keep":
            return
        elif not former:
            members._note(self, Domain.TRUE, "before")
        else:
            with suppress(UnusableDomain):  # it has exported nothing
                members._note(self, self._selection(former).of_bindings(), "chosen")

    def action_open_left(self):
        """Open the bindings about which somebody has to decide."""
        members = self.env["connector.flow.member"].sudo()
        action = self._open_bindings([])
        action["domain"] = [("id", "in", members._asked(self).ids)]
        action["context"] = {"active_test": False}
        return action

    def action_delete_left(self):
        """Delete there, in the background, what is not chosen any more."""
        self._check_may_run()
        self._check_on()
        jobs = []
        for flow in self.sudo():
            jobs += delay_leaving(flow._unit().environment, flow.env["connector.flow.member"]._asked(flow))
        return self._answer(jobs)

    def action_keep_left(self):
        """Leave there what is not chosen any more; nobody is asked about it again."""
        self._check_may_run()
        self._forget_asked()

    def _forget_asked(self):
        """Forget about which records somebody has to decide: jobs that wait do nothing."""
        self.env["connector.flow.member"].sudo().search([("flow_id", "in", self.ids), ("state", "=", "asked")]).unlink()


class ConnectorFlowMember(models.Model):
    """A bound record that an export flow with a domain is for, or was for.

    There are rows only where the policy ``left`` is not to keep what leaves the domain: a record
    that never was in it must not be taken for one that has left it.
    """

    _name = "connector.flow.member"
    _description = "Record of an Export Flow"
    _log_access = False
    _rec_name = "record_id"

    flow_id = fields.Many2one("connector.flow", required=True, readonly=True, ondelete="cascade")
    record_id = fields.Integer(required=True, readonly=True, help="The id of its binding")
    state = fields.Selection(
        [
            ("chosen", "Chosen"),
            ("before", "Bound before anybody chose"),
            ("asked", "Not chosen any more"),
        ],
        required=True,
        readonly=True,
    )

    _record_uniq = models.UniqueIndex("(flow_id, record_id)")

    def _note(self, flow, chosen, state):
        """Insert the rows of exported bindings that have none yet, by one query.

        :param flow: the export flow
        :param chosen: domain of bindings
        """
        model = self._bindings_of(flow)
        query = model._search(self._exported(flow) & Domain(chosen), order="id")
        values = query.select(SQL("%s", flow.id), SQL.identifier(model._table, "id"), SQL("%s", state))
        self.env.cr.execute(
            SQL("INSERT INTO connector_flow_member (flow_id, record_id, state) %s ON CONFLICT DO NOTHING", values)
        )
        self.invalidate_model()

    def _left(self, flow, selection: Selection, state):
        """Return the exported bindings in a state that are not chosen any more."""
        outside = ~selection.of_bindings()
        return self._bindings_of(flow).search(self._exported(flow) & self._in_state(flow, state) & outside, order="id")

    def _back(self, flow, selection: Selection):
        """Return the bindings about which somebody was asked, and that are chosen again."""
        return self._bindings_of(flow).search(self._in_state(flow, "asked") & selection.of_bindings(), order="id")

    def _asked(self, flow):
        """Return the bindings about which somebody has to decide."""
        return self._bindings_of(flow).search(self._in_state(flow, "asked"), order="id")

    def _become(self, flow, bindings, state):
        self.search([("flow_id", "=", flow.id), ("record_id", "in", bindings.ids)]).write({"state": state})

    def _forget(self, flow, bindings):
        self.search([("flow_id", "=", flow.id), ("record_id", "in", bindings.ids)]).unlink()

    def _ask(self, flow, bindings):
        """Ask about bindings, and return the sentence of the checkpoint."""
        self._become(flow, bindings, "asked")
        names = ", ".join(binding.display_name or str(binding.id) for binding in bindings[:_MOST_NAMES])
        return self.env._(
            "Records that the flow “%(flow)s” has exported to %(backend)s, and that are not chosen any more: %(count)s. They are still "
            "there: %(names)s%(others)s. Delete them there, or leave them: the flow has a button for each.",
            flow=flow.name,
            backend=flow.backend_name,
            count=len(bindings),
            names=names,
            others=" …" if len(bindings) > _MOST_NAMES else "",
        )

    def _bindings_of(self, flow):
        return self.env[flow.model_name].sudo().with_context(active_test=False)

    def _exported(self, flow):
        return Domain([("backend_id", "=", flow.backend_id), ("external_id", "!=", False), ("no_export", "=", False)])

    def _lock_asked(self, flow, binding):
        """Return whether nobody has decided about a binding, and lock its row.

        Who decides to leave it there meanwhile waits for the end of the job.
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                "SELECT FROM connector_flow_member WHERE flow_id = %s AND record_id = %s AND state = 'asked' FOR UPDATE",
                flow.id,
                binding.id,
            )
        )
        return bool(self.env.cr.rowcount)

    def _in_state(self, flow, state):
        self.flush_model()

        def has_row(_model, alias, _query):
            return SQL(
                "EXISTS (SELECT FROM connector_flow_member m WHERE m.flow_id = %s AND m.state = %s AND m.record_id = %s)",
                flow.id,
                state,
                SQL.identifier(alias, "id"),
            )

        return Domain.custom(to_sql=has_row)
