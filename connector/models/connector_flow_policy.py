"""Policies of the binding models of backends, as people have chosen them."""

from odoo import api, fields, models

from ..unit.policy import POLICIES


class ConnectorFlowPolicy(models.Model):
    """What a backend does with the records of a binding model where the two sides disagree.

    Imports and exports obey the same policies, so all flows of the model share them. An empty one
    means what the connector says.
    """

    _name = "connector.flow.policy"
    _inherit = "connector.backend.part"
    _description = "Policies of a Connector"
    _rec_name = "model_name"
    _written_by_code = ("backend_model", "backend_id", "company_id", "model_name")

    model_name = fields.Char(required=True, readonly=True)
    conflict = fields.Selection(
        [
            ("odoo_wins", "Ours wins"),
            ("external_wins", "Theirs wins"),
            ("newest", "The newest wins"),
            ("ask", "Ask"),
        ],
        string="Changed on Both Sides",
        help="To find out that a record was changed there too, an export reads it first, unless ours wins.",
    )
    missing = fields.Selection(
        [
            ("fail", "Fail, and say what to do"),
            ("recreate", "Create it there again"),
            ("archive", "Archive it here"),
        ],
        string="Deleted There",
        help="What is done with a record that the other system does not have any more",
    )
    deleted = fields.Selection(
        [("delete", "Delete it there"), ("keep", "Leave it there")],
        string="Deleted Here",
        help="What is done there with a record that was deleted here, if the connector tells of deletions at all",
    )
    archived = fields.Selection(
        [
            ("export", "Send it like any change"),
            ("keep", "Send nothing"),
            ("delete", "Delete it there"),
        ],
        string="Archived Here",
        help="What an export does with a record that is archived here",
    )
    left = fields.Selection(
        [("keep", "Leave it there"), ("archive", "Delete it there"), ("ask", "Ask")],
        string="Not Chosen Any More",
        help="What is done there with an exported record that is not among what is exported any more",
    )
    duplicates = fields.Selection(
        [
            ("ask", "Import none, and ask"),
            ("create", "Create another one"),
            ("bind_first", "Take it for the same one"),
        ],
        string="Duplicates There",
        help="What an import does with a new record whose match key, such as the SKU or the e-mail address, another record has too",
    )

    _place_uniq = models.UniqueIndex("(backend_model, backend_id, model_name)")

    def write(self, vals):
        self._check_backends()
        result = super().write(vals)
        if vals.get("left") == "keep":  # also what somebody was asked about, and what waits to be deleted
            flows = self.env["connector.flow"].sudo().with_context(active_test=False)
            flows.search([("policy_id", "in", self.ids)])._forget_asked()
        return result

    def _delete_with_addon(self):
        self.unlink()

    @api.model
    def _chosen(self, backend, model_name, choices=None):
        """Return what holds for a model: what people have chosen, else what its flows declare.

        It is read anew each time: what a process remembers may come from a transaction that began
        before the choice.

        :param choices: what people have chosen, if it was read: a dict, name of a policy to the
            choice or None
        :return: dict, name of a policy to the choice; of others nobody says anything
        """
        backend = backend.sudo()
        if choices is None:
            row = self.sudo().search([*self._of_backend(backend), ("model_name", "=", model_name)])
            choices = {name: row[name] for name in POLICIES}
        declared, fixed = self._declared(backend, model_name)
        return {**declared, **{name: choice for name, choice in choices.items() if choice and name not in fixed}}

    @api.model
    def _declared(self, backend, model_name):
        """Return what the flows of a model declare, and the names of the policies that they fix."""
        declared, fixed = {}, set()
        for flow in self.env["connector.flow"]._classes(backend).values():
            if flow._model_name == model_name:
                declared = {**flow.policies, **declared}
                fixed.update(flow._fixed_policies)
        return declared, fixed
