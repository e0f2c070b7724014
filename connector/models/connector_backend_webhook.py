"""Aspect of ``connector.backend``: its webhook, with an address, a secret, and topics."""

import logging
import secrets
from contextlib import contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import ConnectorException
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import reference
from ..exception import IDMissingInBackend, InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from ..unit.webhook_receiver import WebhookReceiver

_logger = logging.getLogger(__name__)


class ConnectorBackend(models.AbstractModel):
    """The address and the secret of a backend's webhook."""

    _inherit = "connector.backend"

    def _compute_has_webhook(self):
        for backend in self:
            receiver = backend._webhook_receiver()
            backend.has_webhook = receiver is not None
            backend.has_webhook_topics = bool(receiver and receiver.webhooks)

    def _webhook_receiver(self):
        """Return the class of the webhook receiver, None if there is none."""
        try:
            return self.get_backend().get_class(WebhookReceiver, ConnectorSession.from_env(self.env), self._name)
        except (InvalidBackend, NoConnectorUnitError, ManyConnectorUnitError):
            return None

    @api.depends("stored_webhook_token")
    def _compute_webhook_url(self):
        for backend in self:
            token = backend.stored_webhook_token
            address = f"{backend.get_base_url()}/connector/webhook/{backend._name}-{backend.id}/{token}"
            backend.webhook_url = token and address

    def _compute_webhook_secret(self):
        self.webhook_secret = False

    def _inverse_webhook_secret(self):
        for backend in self.filtered("webhook_secret"):
            backend.sudo().stored_webhook_secret = backend.webhook_secret.strip()
        self.invalidate_recordset(["webhook_secret"], flush=False)

    def action_renew_webhook(self):
        """Give these backends new webhook addresses.

        The former addresses are not known any more.
        """
        self.check_access("write")
        for backend in self:
            backend.sudo().stored_webhook_token = secrets.token_urlsafe(32)
        # the other system sends to the former address
        self._topics().filtered(lambda topic: topic.state == "registered").state = "elsewhere"

    # The topics that Odoo registers by itself

    def action_check_webhooks(self):
        """Look which topics the other system has registered, and where it sends them."""
        self.ensure_one()
        self.check_access("write")
        with self._told_to_user(), self._open_receiver() as receiver:
            self._note_topics(receiver, receiver.list_webhooks())

    def action_repair_webhooks(self):
        """Register the topics that are missing, and remove what leads to former addresses of ours.

        What others have registered stays. Of an archived backend, all of ours are removed.

        :raise UserError: the backend has no address yet, somebody else does it now, this database
            is a copy, or the other system refuses
        """
        self.ensure_one()
        self.check_access("write")
        self._check_may_change_webhooks()
        if not self.sudo().webhook_url:
            # the other system may look at once whether the address answers: it has to be committed
            raise UserError(self.env._("Press “Create the Address” first."))
        # else two persons who press it at once would register each topic twice. New bindings may
        # refer to the backend meanwhile
        self.sudo().lock_for_update(allow_referencing=True)
        with self._told_to_user(), self._open_receiver() as receiver:
            ours = [hook for hook in receiver.list_webhooks() if self._is_ours(hook.address)]
            address, right = self.sudo().webhook_url, {}
            if self.active:
                right = {
                    hook.topic: hook for hook in ours if hook.address == address and hook.topic in receiver.webhooks
                }
                # first what is missing: a delivery may come twice meanwhile, but none is lost
                for topic in receiver.webhooks:
                    if topic not in right:
                        receiver.register_webhook(topic, address)
            for hook in ours:
                if right.get(hook.topic) is not hook:
                    self._remove_webhook(receiver, hook)
            self._note_topics(receiver, receiver.list_webhooks())

    def _remove_webhook(self, receiver, hook):
        with suppress(IDMissingInBackend):  # somebody else has removed it
            receiver.remove_webhook(hook.id)

    def _check_may_change_webhooks(self):
        if not store.database.is_original(self.env.cr):
            raise UserError(
                self.env._(
                    "This database is a copy, so it changes no webhooks: the other system would send to it what it should send to the "
                    "production database. A button on the screen of workers makes this database the production database."
                )
            )

    @contextmanager
    def _told_to_user(self):
        try:
            yield
        except ConnectorException as error:
            raise UserError(str(error)) from error

    @contextmanager
    def _open_receiver(self):
        with self.work_on(self._name) as environment:
            yield environment.get_connector_unit(WebhookReceiver)

    def _is_ours(self, address):
        """Return whether an address leads to this backend.

        It does if it is below the present address of Odoo, with whatever token; or if it has our
        token, which nobody else knows, below a former address of Odoo.
        """
        path = f"/connector/webhook/{self._name}-{self.id}/"
        token = self.sudo().stored_webhook_token
        try:
            own, given = urlsplit(self.get_base_url()), urlsplit(address or "")
        except ValueError:  # somebody else's
            return False
        is_below = own[:2] == given[:2] and given.path.startswith(own.path.rstrip("/") + path)
        return is_below or bool(token and given.path.endswith(path + token))

    def _note_topics(self, receiver, hooks):
        """Note what the other system has registered, in a transaction of its own.

        What was changed there stays changed if the caller's transaction is rolled back.
        """
        address, found = self.sudo().webhook_url, {}
        for hook in hooks:
            if address and hook.address == address:
                found[hook.topic] = "registered"
            else:
                found.setdefault(hook.topic, "elsewhere")
        states = {topic: found.get(topic, "missing") for topic in receiver.webhooks}
        with store.sql.own_cursor(self.env) as cr:
            self.env["connector.webhook.topic"].with_env(self.env(cr=cr, su=True))._note(
                self, receiver.webhooks, states
            )
        self.env["connector.webhook.topic"].invalidate_model()

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active") is False:
            for backend in self.filtered(lambda backend: backend.has_webhook_topics and backend.sudo().webhook_url):
                self.env.cr.postcommit.add(partial(_remove_webhooks, self.env.registry, backend._name, backend.id))
        return result

    def _topics(self):
        topics = self.env["connector.webhook.topic"].sudo()
        return topics.search([("backend_model", "=", self._name), ("backend_id", "in", self.ids)])

    def _remove_webhooks(self):
        """Have the other system forget what leads to this archived backend.

        One that cannot be removed keeps no other one from being removed.

        :return: what went wrong, as a list of texts
        """
        errors = []
        with self._open_receiver() as receiver:
            for hook in receiver.list_webhooks():
                if self._is_ours(hook.address):
                    try:
                        self._remove_webhook(receiver, hook)
                    except ConnectorException as error:
                        errors.append(str(error))
            self._note_topics(receiver, receiver.list_webhooks())
        return errors

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_it_receives(self):
        for backend in self.filtered("active"):
            if "registered" in backend._topics().mapped("state"):
                raise UserError(
                    self.env._(
                        "Archive %s first: its webhooks are removed from the other system then.", backend.display_name
                    )
                )

    def unlink(self):
        topics, keys = self._topics(), [reference(backend) for backend in self]
        result = super().unlink()
        topics.unlink()
        self.env["connector.webhook.delivery"].sudo().search([("backend_id", "in", keys)]).unlink()
        return result


def _remove_webhooks(registry, model_name, backend_id):
    """Remove the webhooks of a backend whose archiving is committed; tell people of errors.

    The backend stays archived, whatever its system says. What still comes is refused, and “Repair”
    tries again.
    """
    try:
        with registry.cursor() as cr:
            backend = api.Environment(cr, SUPERUSER_ID, {})[model_name].browse(backend_id).exists()
            if not backend or backend.active or not store.database.is_original(cr):
                return
            errors = backend._remove_webhooks()
    except Exception as error:
        errors = [str(error)]
    if not errors:
        return
    _logger.warning("Webhooks of %s %s are not removed: %s", model_name, backend_id, "; ".join(errors))
    with registry.cursor() as cr:
        backend = api.Environment(cr, SUPERUSER_ID, {})[model_name].browse(backend_id).exists()
        if backend:
            backend.message_post(
                body=backend.env._(
                    "Webhooks could not be removed from the other system. Press “Repair”, or remove them there: %s",
                    "; ".join(errors),
                )
            )
