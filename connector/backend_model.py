"""The two abstract models a connector builds on: the backend, and the binding of a record to it."""

import re

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.jobs_queue.models.plain_fields import PlainMany2one
from odoo.addons.jobs_queue.session import ConnectorSession

from .backend import get_backend
from .backend_language import working_language
from .connector import Environment

#: Models of what a backend leaves behind, with a reference to it and its company, by which their rules go.
_LEFT_BEHIND = (
    "connector.checkpoint",
    "connector.exchange",
    "connector.export.intent",
    "connector.webhook.delivery",
)


class ConnectorBackend(models.AbstractModel):
    """An external system: where it is and how to speak with it. A connector inherits it in a model of its own::

    class ShopBackend(models.Model):
        _name = "shop.backend"
        _inherit = "connector.backend"
        _description = "Shop Backend"
        _backend_type = "shop"

        version = fields.Selection(selection_add=[("2.0", "2.0")])
    """

    _name = "connector.backend"
    _inherit = ["queue.checked.access", "mail.thread", "mail.activity.mixin"]
    _description = "Connector Backend"
    _backend_type = None  # the service of a Backend
    _written_by_code = ("channel_id",)

    name = fields.Char(required=True)
    version = fields.Selection([])
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    default_lang_id = fields.Many2one(
        "res.lang", string="Default Language", help="Language in which records are exchanged with the external system"
    )
    verify_ssl = fields.Boolean(
        string="Verify the Certificate",
        default=True,
        help="Refuse a server that cannot show by a valid certificate that it is the one of the address. "
        "Leave it on, unless you know why the server has none.",
    )
    channel_id = fields.Many2one(
        "queue.job.channel",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="Where the jobs of this backend go, unless the connector or their function names another channel",
    )

    @api.model_create_multi
    def create(self, vals_list):
        backends = super().create(vals_list)
        for backend in backends:
            backend._create_channel()
        return backends

    def write(self, vals):
        names = {backend: backend._channel_name() for backend in self} if "name" in vals else {}
        result = super().write(vals)
        for backend, name in names.items():
            channel = backend.sudo().channel_id
            # a name that somebody has given to the channel stays
            if channel.name == name and backend._channel_name() != name:
                channel.name = backend._channel_name()
        if "company_id" in vals:
            self._share_channels()
            self._take_along()
        return result

    def _register_hook(self):
        """Have the channel of the service before its backends are created: two that are created at once do not wait for each other.

        Backends that are older than this have none yet, or one that all companies see.
        """
        super()._register_hook()
        if self.env.registry.updated_modules and not self._abstract:
            self._service_channel()
            backends = self.search([("active", "in", (True, False))])
            for backend in backends.filtered(lambda backend: not backend.channel_id):
                backend._create_channel()
            backends._share_channels()
            backends._take_along()

    def _service_channel(self):
        service = (self._backend_type or self._name).replace(".", "_")
        return self.env["queue.job.channel"].sudo()._ensure(f"root.{service}")

    def _create_channel(self):
        """Create the backend's channel, as ``root.shop.berlin-7`` for the backend “Berlin” with the id 7 of the service “shop”."""
        service = self._service_channel()
        self.sudo().channel_id = service.create({"name": self._channel_name(), "parent_id": service.id})
        self._share_channels()

    def _share_channels(self):
        """Let the channels of these backends be seen by those who see the backends: they are named after them, and stop their jobs."""
        for backend in self.sudo():
            if backend.channel_id.company_id != backend.company_id:
                backend.channel_id._share_with(backend.company_id)

    def _take_along(self):
        """Give what these backends have left behind to their companies, so that who sees no such backend sees nothing of it.

        By SQL, as there may be very many exchanges. A row that is written at the same time by a job has the company from before: it tells
        of that time.
        """
        for backend in self.sudo():
            backend.watermark_ids.company_id = backend.company_id
            for model_name in _LEFT_BEHIND:
                model = self.env[model_name]
                model.flush_model(["backend_id", "company_id"])
                self.env.cr.execute(
                    SQL(
                        "UPDATE %s SET company_id = %s WHERE backend_id = %s AND company_id IS DISTINCT FROM %s",
                        SQL.identifier(model._table),
                        backend.company_id.id or None,
                        f"{backend._name},{backend.id}",
                        backend.company_id.id or None,
                    )
                )
                model.invalidate_model(["company_id"])

    def _channel_name(self):
        words = re.sub(r"\W+", "-", self.sudo().name.lower()).strip("-")
        return f"{words}-{self.id}"

    watermark_ids = fields.One2many(
        "connector.watermark",
        "backend_id",
        domain=lambda self: [("backend_model", "=", self._name)],
        groups="connector.group_connector_user",
        help="Up to where records were synchronized",
    )

    def unlink(self):
        """Delete what belongs to the backend too: its channel, and the watermarks, which no foreign key ties to one of many models."""
        self.sudo().watermark_ids.unlink()
        channels = self.sudo().channel_id
        result = super().unlink()
        # refused while there are jobs, with what to do
        channels.unlink()
        return result

    @api.private
    def get_backend(self):
        """Return the :class:`~odoo.addons.connector.backend.Backend` that serves this record.

        :raise InvalidBackend: none is declared for the model's ``_backend_type`` and the record's version
        """
        self.ensure_one()
        return get_backend(self._backend_type, self.sudo().version or None)

    @api.private
    def work_on(self, model_name, session=None):
        """Open an :class:`~odoo.addons.connector.connector.Environment` for a model, in the company and the language of the
        backend: ``with backend.work_on("shop.product") as environment``. What its units tell the user stays in the user's language.

        :param model_name: name of the model to work with
        :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`, by default one of this record's environment
        """
        return self._open_environment(model_name, session or ConnectorSession.from_env(self.env))

    def _open_environment(self, model_name, session):
        self.ensure_one()
        user_lang = session.env.lang
        lang = working_language(self, session)
        session = session.with_company(self.sudo().company_id).with_context(lang=lang)
        return Environment(self, session, model_name, user_lang or "en_US")

    def _get_admin_url(self, binding):
        """Return the address of the page of the external system that shows a record; None where there is none; a hook.

        :param binding: binding of the record, with an external id
        """
        return None


class _OdooUnique(models.Constraint):
    """The constraint that a record has one binding a backend; a model that binds no record, without ``odoo_id``, has none."""

    def apply_to_database(self, model):
        if "odoo_id" in model._fields:
            super().apply_to_database(model)


SYNC_STATES = [
    ("never", "Never Synchronized"),
    ("in_sync", "In Sync"),
    ("to_export", "To Export"),
    ("to_import", "To Import"),
    ("conflict", "Conflict"),
    ("error", "Error"),
    ("missing", "Missing There"),
]


class ExternalBinding(models.AbstractModel):
    """The link of a record to a backend. A connector inherits it in a model per model and backend::

        class ShopPartner(models.Model):
            _name = "shop.res.partner"
            _inherit = "external.binding"
            _inherits = {"res.partner": "odoo_id"}
            _description = "Shop Partner"

            backend_id = fields.Many2one("shop.backend", required=True, ondelete="restrict")
            odoo_id = fields.Many2one("res.partner", required=True, ondelete="cascade")

    Two bindings of a model never have the same external id on the same backend, nor the same record: the database sees to it. A model
    that may bind a record several times defines ``_odoo_uniq`` anew, as ``UNIQUE(backend_id, store_id, odoo_id)`` for instance.
    """

    _name = "external.binding"
    _inherit = "queue.checked.access"
    _description = "External Binding"

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
    export_checksum = fields.Char(readonly=True, copy=False, help="Of the values that were last exported")
    last_job_id = PlainMany2one("queue.job", string="Last Job", readonly=True, copy=False)
    no_export = fields.Boolean(string="Not Exported", copy=False, help="Changes made here stay here")
    admin_url = fields.Char(string="Address There", compute="_compute_admin_url")

    _external_uniq = models.Constraint(
        "UNIQUE(backend_id, external_id)", "Another record is already bound to this external ID on this backend."
    )
    _odoo_uniq = _OdooUnique("UNIQUE(backend_id, odoo_id)", "This record is already bound on this backend.")
    # only what somebody has to look at: an import, which ends with the others, has nothing to add to it
    _sync_state_idx = models.Index("(backend_id, sync_state) WHERE sync_state NOT IN ('never', 'in_sync')")

    @api.depends("external_id", "backend_id")
    def _compute_admin_url(self):
        for binding in self:
            binding.admin_url = binding.external_id and binding._get_admin_url()

    def _get_admin_url(self):
        """Return the address of the page of the external system that shows the record; None where there is none.

        It is asked for bindings with an external id only. By default the backend says it.
        """
        return self.backend_id._get_admin_url(self)

    def action_open_admin(self):
        """Open the record in the external system."""
        self.ensure_one()
        self.check_access("read")
        return {"type": "ir.actions.act_url", "url": self.admin_url, "target": "new"}

    @api.model
    def _has_field_access(self, field, operation):
        """Return whether the user may use a field: which record is bound, and so what it gives to its binding, is for those who may read
        such records.

        Odoo asks for that right when an inherited field is read, not when it is searched, ordered, grouped or added up: each of them goes
        through the field that points to the record. The rules of the record's model count for its bindings anyway.
        """
        return super()._has_field_access(field, operation) and (
            self.env.su or field.type != "many2one" or not field.delegate or _may_read(self.env[field.comodel_name])
        )

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Describe the fields, also those that point to a record that the user may not read: the screens name them."""
        descriptions = super().fields_get(allfields, attributes)
        for name in self._inherits.values():
            if name not in descriptions and (not allfields or name in allfields):
                descriptions[name] = self._fields[name].get_description(self.env, attributes=attributes)
        return descriptions

    @api.model
    def _add_sql_constraints(self):
        if "backend_id" not in self._fields:
            raise TypeError(
                f"The model {self._name} inherits external.binding, so it must declare backend_id, a many2one to its backend"
            )
        return super()._add_sql_constraints()


def _may_read(model):
    """Return whether the user may read records of a model, and of those that it inherits in turn."""
    return model.has_access("read") and all(_may_read(model.env[name]) for name in model._inherits)


connector_backend = ConnectorBackend
external_binding = ExternalBinding
