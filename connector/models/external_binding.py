"""Bindings: links of records to their counterparts in a backend."""

from odoo import api, fields, models

from odoo.addons.jobs_queue.models.plain_fields import PlainMany2one

from .binding_links import BackendLink, BoundLink, drop_links_to_nothing


class _OdooUnique(models.Constraint):
    """The constraint that a record has one binding per backend.

    A model without ``odoo_id`` binds no record, and does not get the constraint.
    """

    def apply_to_database(self, model):
        if "odoo_id" in model._fields:
            super().apply_to_database(model)


SYNC_STATES = [
    ("never", "Never Synchronized"),
    ("in_sync", "In Sync"),
    ("to_export", "To Export"),
    ("to_import", "To Import"),
    ("different", "Different There"),
    ("conflict", "Conflict"),
    ("error", "Error"),
    ("missing", "Missing There"),
]


class ExternalBinding(models.AbstractModel):
    """The link of a record to a backend.

    A connector inherits it in a model per model and backend::

        class ShopPartner(models.Model):
            _name = "shop.res.partner"
            _inherit = "external.binding"
            _inherits = {"res.partner": "odoo_id"}
            _description = "Shop Partner"
            _backend_model = "shop.backend"

    So it has the fields ``odoo_id`` and ``backend_id``, which point to the record and the backend.
    A field of that name in the class replaces ours as a whole. A model that inherits no record has
    no ``odoo_id``.

    Two bindings of a model never have the same external id on the same backend, nor the same
    record: constraints of the database ensure it. A model that may bind a record several times
    defines ``_odoo_uniq`` anew, for instance as ``UNIQUE(backend_id, store_id, odoo_id)``.
    """

    _name = "external.binding"
    _inherit = ["queue.checked.access", "connector.default.access", "connector.default.screens"]
    _description = "External Binding"
    _company_path = "backend_id.company_id"
    _backend_model: str | None = None  # name of the model of the backends

    #: True: its records are values such as payment methods, which nothing imports. People pick ours
    #: for theirs in the list of matches
    _matched_by_hand = False

    backend_id = BackendLink(required=True, ondelete="restrict")
    odoo_id = BoundLink(required=True, index=True, ondelete="cascade")
    external_id = fields.Char(string="External ID", copy=False, help="Identifier of the record in the external system")
    external_version = fields.Char(
        copy=False,
        help="What the external system calls the state that was last imported: its date of change, its revision, its etag",
    )
    sync_date = fields.Datetime(string="Last Synchronization", readonly=True, copy=False)
    sync_state = fields.Selection(
        SYNC_STATES, string="Synchronization", default="never", required=True, readonly=True, copy=False
    )
    sync_error = fields.Text(
        string="Last Error", readonly=True, copy=False, help="What the last synchronization said when it failed"
    )
    import_checksum = fields.Char(readonly=True, copy=False, help="Of the values that were last imported")
    given_checksum = fields.Char(
        readonly=True, copy=False, help="Of the imported values that are stored otherwise than they were given"
    )
    export_checksum = fields.Char(readonly=True, copy=False, help="Of the values that were last exported")
    last_job_id = PlainMany2one("queue.job", string="Last Job", readonly=True, copy=False)
    no_export = fields.Boolean(string="Not Exported", copy=False, help="Changes made here stay here")
    external_alias_ids = fields.One2many(
        "connector.external.alias",
        "res_id",
        string="Merged IDs",
        domain=lambda self: [("model", "=", self._name)],
        groups="connector.group_connector_user",
        help="Records of the external system that were merged into this one here",
    )
    admin_url = fields.Char(string="Address There", compute="_compute_admin_url")

    _external_uniq = models.Constraint(
        "UNIQUE(backend_id, external_id)", "Another record is already bound to this external ID on this backend."
    )
    _odoo_uniq = _OdooUnique("UNIQUE(backend_id, odoo_id)", "This record is already bound on this backend.")
    # Only the states that somebody has to look at. An import ends with one of the others, so it
    # adds nothing to the index
    _sync_state_idx = models.Index("(backend_id, sync_state) WHERE sync_state NOT IN ('never', 'in_sync')")

    @api.depends("external_id", "backend_id")
    def _compute_admin_url(self):
        for binding in self:
            binding.admin_url = binding.external_id and binding._get_admin_url()

    def _get_admin_url(self):
        """Return the address of the external system's page for the record, or None.

        It is called only for bindings with an external id. By default the backend gives the
        address.

        :return: None if there is no such page
        """
        return self.backend_id._get_admin_url(self)

    def _export_group(self):
        """Return the record whose exports run one after the other; a hook.

        By default it is the binding itself. Bindings that are about one thing, such as the
        deliveries, the invoice and the tracking numbers of an order, return that thing.
        """
        return self

    def unlink(self):
        """Delete also the aliases of the bindings; as there are many models, no key ties them."""
        self.env["connector.external.alias"].sudo().search(
            [("model", "=", self._name), ("res_id", "in", self.ids)]
        ).unlink()
        return super().unlink()

    def action_open_admin(self):
        """Open the record in the external system."""
        self.ensure_one()
        self.check_access("read")
        return {"type": "ir.actions.act_url", "url": self.admin_url, "target": "new"}

    @api.model
    def _has_field_access(self, field, operation):
        """Return whether the user may use a field.

        The field that points to the bound record is only for users who may read such records, and
        so are the values that the record gives to its binding. Odoo asks for that right when an
        inherited field is read. It does not ask when the field is searched, ordered, grouped or
        added up, but each of these goes through the field that points to the record. The rules of
        the record's model count for its bindings anyway.
        """
        return super()._has_field_access(field, operation) and (
            self.env.su or field.type != "many2one" or not field.delegate or _may_read(self.env[field.comodel_name])
        )

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Describe the fields, also those that point to a record that the user may not read.

        The screens name these fields.
        """
        descriptions = super().fields_get(allfields, attributes)
        for name in self._inherits.values():
            if name not in descriptions and (not allfields or name in allfields):
                descriptions[name] = self._fields[name].get_description(self.env, attributes=attributes)
        return descriptions

    @api.model
    def _post_model_setup__(self):
        super()._post_model_setup__()
        drop_links_to_nothing(self)


def _may_read(model):
    """Return whether the user may read records of a model.

    He must be able to read those of the models that it inherits, too, and so on.
    """
    return model.has_access("read") and all(_may_read(model.env[name]) for name in model._inherits)
