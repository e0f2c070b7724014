"""Backends: the external systems with which connectors work.

A backend has a channel for its jobs, and opens the environments in which connectors work on it.
"""

import re

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import get_backend, reference
from ..unit.connector_unit import Environment
from .connector_backend_status import STATES
from .res_lang import working_language

#: Models of the records that a backend leaves behind. They refer to it and have its company, on
#: which their access rules depend.
_LEFT_BEHIND = (
    "connector.checkpoint",
    "connector.exchange",
    "connector.export.intent",
    "connector.external.alias",
    "connector.webhook.delivery",
)


class ConnectorBackend(models.AbstractModel):
    """An external system: its address and the way to speak with it.

    A connector inherits it in a model of its own::

    class ShopBackend(models.Model):
        _name = "shop.backend"
        _inherit = "connector.backend"
        _description = "Shop Backend"
        _backend_type = "shop"

        version = fields.Selection(selection_add=[("2.0", "2.0")])
    """

    _name = "connector.backend"
    _inherit = [
        "queue.checked.access",
        "connector.default.access",
        "connector.default.screens",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _description = "Connector Backend"
    _backend_type = None  # the service of a Backend
    _written_by_code = ("channel_id", "in_first_run", "connection_tested", "connection_findings")

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
    watermark_ids = fields.One2many(
        "connector.watermark",
        "backend_id",
        domain=lambda self: [("backend_model", "=", self._name)],
        groups="connector.group_connector_user",
        help="Up to where records were synchronized",
    )
    listing_ids = fields.One2many(
        "connector.listing",
        "backend_id",
        domain=lambda self: [("backend_model", "=", self._name)],
        groups="connector.group_connector_user",
        help="Long lists that are being imported, or wait for a job that has failed",
    )

    # what is synchronised, and when: connector_backend_flows.py
    flow_ids = fields.One2many(
        "connector.flow",
        "backend_id",
        string="Flows",
        domain=lambda self: [("backend_model", "=", self._name)],
        groups="connector.group_connector_user",
    )

    # what earlier imports have left: connector_backend_import.py
    needs_import = fields.Boolean(
        readonly=True,
        copy=False,
        help="What earlier versions have imported may be wrong. Import all again, so that it is compared.",
    )

    # its state, its circuit breaker and its rate limit: connector_backend_breaker.py
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        default=lambda self: self.env.user,
        domain="[('share', '=', False)]",
        help="Is told when the backend needs attention",
    )
    state = fields.Selection(STATES, compute="_compute_state", search="_search_state")
    state_reason = fields.Char(compute="_compute_state")
    breaker_threshold = fields.Integer(
        string="Pause After",
        default=5,
        aggregator=None,
        help="After so many network failures one after the other the backend is paused: its jobs wait, it is probed now and then, and when "
        "it answers they go on. 0 means never.",
    )
    rate_limit = fields.Integer(
        aggregator=None,
        help="So many requests are sent in a period, by all workers together; 0 means without limit",
    )
    rate_limit_period = fields.Integer(string="Period (s)", default=1, aggregator=None)

    # what is held back: unit/backend_adapter/rehearsal.py
    is_rehearsal = fields.Boolean(
        string="Rehearsal",
        tracking=True,
        copy=False,
        help="Nothing that writes is sent to the other system: what would be sent is in its exchanges, and stays to be exported. Only "
        "deletions do not: what is deleted here meanwhile stays there. What reads is sent, so imports are done.",
    )

    # what of its exchanges is kept: connector_backend_exchanges.py
    exchange_log = fields.Selection(
        [("off", "Nothing"), ("errors", "Errors"), ("all", "All Requests")],
        string="Keep",
        default="errors",
        required=True,
        help="Which requests and responses are kept, for managers to look at. Secrets are left out; other data are not.",
    )
    exchange_log_days = fields.Integer(string="Days", default=14, aggregator=None)

    # the address and the secret of its webhook: connector_backend_webhook.py
    has_webhook = fields.Boolean(compute="_compute_has_webhook")
    has_webhook_topics = fields.Boolean(compute="_compute_has_webhook")
    webhook_topic_ids = fields.One2many(
        "connector.webhook.topic",
        "backend_id",
        domain=lambda self: [("backend_model", "=", self._name)],
        groups="connector.group_connector_manager",
    )
    stored_webhook_token = fields.Char(copy=False, prefetch=False, groups=fields.NO_ACCESS)
    stored_webhook_secret = fields.Char(copy=False, prefetch=False, groups=fields.NO_ACCESS)
    webhook_url = fields.Char(
        string="Webhook Address",
        compute="_compute_webhook_url",
        compute_sudo=True,
        groups="connector.group_connector_manager",
        help="Where the other system sends what has happened there. Who knows the address may send; keep it to yourselves.",
    )
    webhook_secret = fields.Char(
        compute="_compute_webhook_secret",
        inverse="_inverse_webhook_secret",
        copy=False,
        help="With it the other system signs what it sends. It is stored, but never shown again.",
    )

    # who authorises us: connector_backend_authorization.py
    needs_authorization = fields.Boolean(compute="_compute_is_authorized")
    is_authorized = fields.Boolean(compute="_compute_is_authorized")
    was_authorized = fields.Boolean(compute="_compute_is_authorized")
    authorization_callback = fields.Char(
        string="Callback Address",
        compute="_compute_authorization_callback",
        help="Enter it in the other system, where our client is registered. It leads you back to Odoo.",
    )

    _exchange_log_days_check = models.Constraint(
        "CHECK (exchange_log_days > 0)", "Exchanges are kept for a day at least. To keep none, choose to keep nothing."
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
        """Create the channel of the service before the backends of the service are created.

        Two backends that are created at once then do not wait for each other. Older backends have
        no channel yet, or one that all companies see. Here they get their own.
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
        """Create the backend's channel, such as ``root.shop.berlin-7``.

        That is the channel of the backend “Berlin” with the id 7 of the service “shop”.
        """
        service = self._service_channel()
        self.sudo().channel_id = service.create({"name": self._channel_name(), "parent_id": service.id})
        self._share_channels()

    def _share_channels(self):
        """Let the same people see the channels of these backends as the backends.

        A channel has the name of its backend, and by it people can stop the backend's jobs.
        """
        for backend in self.sudo():
            if backend.channel_id.company_id != backend.company_id:
                backend.channel_id._share_with(backend.company_id)

    def _take_along(self):
        """Give the records that these backends have left behind to the backends' companies.

        A user who does not see such a backend then sees none of these records. It is done by SQL,
        as there may be very many exchanges. A row that a job writes at the same time keeps the
        company from before, as it tells of that time.
        """
        for backend in self.sudo():
            flows = backend.with_context(active_test=False).flow_ids
            matches = self.env["connector.match"].sudo()
            matches = matches.search(matches._of_backend(backend))
            records = (
                backend.watermark_ids,
                backend.webhook_topic_ids,
                backend.listing_ids,
                flows,
                flows.policy_id,
                matches,
            )
            for of_backend in records:
                of_backend.company_id = backend.company_id
            for model_name in _LEFT_BEHIND:
                model = self.env[model_name]
                model.flush_model(["backend_id", "company_id"])
                self.env.cr.execute(
                    SQL(
                        "UPDATE %s SET company_id = %s WHERE backend_id = %s AND company_id IS DISTINCT FROM %s",
                        SQL.identifier(model._table),
                        backend.company_id.id or None,
                        reference(backend),
                        backend.company_id.id or None,
                    )
                )
                model.invalidate_model(["company_id"])

    def _channel_name(self):
        words = re.sub(r"\W+", "-", self.sudo().name.lower()).strip("-")
        return f"{words}-{self.id}"

    def unlink(self):
        """Delete also the channel, the watermarks and the noted fields of the backend.

        No foreign key ties them to a backend, because backends are of many models.
        """
        self.sudo().watermark_ids.unlink()
        self.sudo().listing_ids.unlink()
        self.sudo().with_context(active_test=False).flow_ids.unlink()
        for model_name in ("connector.external.field", "connector.listing.count", "connector.match"):
            of_backends = [("backend_model", "=", self._name), ("backend_id", "in", self.ids)]
            self.env[model_name].sudo().search(of_backends).unlink()
        channels = self.sudo().channel_id
        result = super().unlink()
        # refused while the channel has jobs; the error says what to do
        channels.unlink()
        return result

    @api.private
    def get_backend(self):
        """Return the :class:`~odoo.addons.connector.backend.Backend` that serves this record.

        :raise InvalidBackend: none is declared for the model's ``_backend_type`` and the record's
            version
        """
        self.ensure_one()
        return get_backend(self._backend_type, self.sudo().version or None)

    @api.private
    def work_on(self, model_name, session=None):
        """Open an environment for a model, in the company and the language of the backend.

        For example ``with backend.work_on("shop.product") as environment``. The messages of its
        units to the user stay in the user's language.

        :param model_name: name of the model to work with
        :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`, by default one of
            this record's environment
        :return: :class:`~odoo.addons.connector.connector.Environment`
        """
        return self._open_environment(model_name, session or ConnectorSession.from_env(self.env))

    def _open_environment(self, model_name, session):
        self.ensure_one()
        user_lang = session.env.lang
        lang = working_language(self, session)
        session = session.with_company(self.sudo().company_id).with_context(lang=lang)
        return Environment(self, session, model_name, user_lang or "en_US")

    def _get_admin_url(self, binding):
        """Return the address of the external system's page for a record, or None; a hook.

        :param binding: binding of the record, with an external id
        :return: None if there is no such page
        """
        return None

    def action_open_units(self):
        """Open the list of the classes that serve the backend."""
        self.ensure_one()
        self.check_access("read")
        units = self.env["connector.backend.unit"]._list(self.get_backend())
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Units of %s", self.display_name),
            "res_model": units._name,
            "view_mode": "list,form",
            "domain": [("id", "in", units.ids)],
            "context": {"search_default_group_by_model": True},
        }
