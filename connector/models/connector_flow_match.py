"""Aspect of ``connector.flow``: match by hand before the first import."""

from odoo import fields, models
from odoo.exceptions import UserError

from ..exception import NoConnectorUnitError
from ..unit.backend_adapter.crud import CRUDAdapter
from ..unit.importer.record import RecordImporter
from ..unit.matcher import list_matches
from .queue_job import function_name

#: The methods of an adapter of which one at least lists the records there
_LISTS = ("search", "search_read", "list_pages")


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    match_count = fields.Integer(
        string="To Match", compute="_compute_match_count", help="Records there that are not bound, as last listed"
    )

    def _compute_match_count(self):
        matches = self.env["connector.match"]
        for flow in self:
            is_import = flow.direction == "import" and matches.has_access("read")
            flow.match_count = is_import and matches.search_count(flow._matches(), limit=10_001)

    def _matches(self):
        """Return the domain of the rows of the flow."""
        return [*self._of_backend(self._backend()), ("model_name", "=", self.model_name), ("flow", "=", self.code)]

    def action_match(self):
        """List what the first import would bring beside what is here, in the background."""
        self._check_may_run()
        self._check_on()
        self._check_lists()
        answer = self._answer(self._delay(list_matches))
        return self.env["connector.match"]._opening(answer, self.action_open_matches())

    def action_open_matches(self):
        """Open the list of the records there that are not bound, as it was last made."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["connector.match"]._open(self._backend(), self.model_name)
        return {**action, "domain": self._matches(), "name": self.env._("Match %s", self.name)}

    def _can_match(self):
        """Return whether the records there can be listed, and are found here by a key."""
        try:
            importer = self.direction == "import" and self._unit().unit_for(RecordImporter)
            self._check_lists()
        except (NoConnectorUnitError, UserError):
            return False
        return bool(importer) and importer._is_overridden("_match_key")

    def _was_matched(self):
        """Return whether what exists on both sides was listed once."""
        listed = [("channel_id", "=", self.channel_id.id), ("function", "=", function_name(list_matches))]
        return bool(self.env["queue.job"].sudo().search_count([*listed, ("state", "=", "done")], limit=1))

    def _check_lists(self):
        """Check that the adapter can list the records there.

        :raise UserError: it cannot
        """
        for flow in self:
            try:
                adapter = type(flow._unit().unit_for(RecordImporter).backend_adapter)
            except NoConnectorUnitError:
                adapter = CRUDAdapter
            if all(getattr(adapter, name, None) is getattr(CRUDAdapter, name) for name in _LISTS):
                raise UserError(
                    self.env._(
                        "The connector cannot ask %(backend)s for the list of %(flow)s, so there is nothing to match before the import.",
                        backend=flow.backend_name,
                        flow=flow.name,
                    )
                )

    def action_switch_on(self):
        """Let these flows run again; one with picks is on then, but does not run before *Bind*.

        *Bind* needs the flow on, so what was picked must keep no flow off.
        """
        answer = super().action_switch_on()
        picked = self.filtered(lambda flow: flow.date_begun and flow._count_picked())
        if answer or not picked:
            return answer
        return self.env["connector.match"]._told(
            self.env._(
                "Switched on, and not run yet: %s. Press “Bind” in the list of matches, and then “Run Now”.",
                ", ".join(picked.mapped("name")),
            )
        )

    def _count_picked(self):
        """Return the number of picks that are not bound yet, 10,001 at most; 0 for an export."""
        if self.direction != "import":
            return 0
        picked = [*self._matches(), ("decision", "=", "bind")]
        return self.env["connector.match"].sudo().search_count(picked, limit=10_001)

    def _run(self, again=False):
        """Refuse to import while somebody has picked records here that are not bound yet.

        Each of them would wait in a job of its own.
        """
        for flow in self:
            if count := flow._count_picked():
                raise UserError(
                    self.env._(
                        "%(flow)s: %(count)s records were matched by hand and are not bound yet. Press “Bind” in the list of matches "
                        "first, or take the decisions back.",
                        flow=flow.name,
                        count=count,
                    )
                )
        return super()._run(again)
