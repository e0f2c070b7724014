"""Webhooks: receive deliveries of the external system, and process them in jobs."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from werkzeug.datastructures import MultiDict

from odoo import api
from odoo.exceptions import MissingError

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.jobs.stored import StoredJob
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import InvalidDataError
from .backend_adapter.decoding import form_in_utf8, form_values, header_text, json_value
from .connector_unit import ConnectorUnit
from .types import ExternalId


class RegisteredWebhook(NamedTuple):
    """A webhook as the external system knows it."""

    id: ExternalId
    topic: str
    #: Where the system sends what has happened
    address: str


class WebhookReceiver(ConnectorUnit):
    """Receiver of webhook deliveries: it checks them, and processes them in jobs.

    A connector defines how its system signs deliveries, and how they are processed::

        @shop
        class ShopWebhook(WebhookReceiver):
            _signature_header = "X-Shop-Hmac-Sha256"
            _delivery_header = "X-Shop-Webhook-Id"
            _topic_header = "X-Shop-Topic"

            def process(self, topic, payload):
                backend_id, order_id = self.backend_record.id, payload["id"]
                import_record.delay(self.session, "shop.order", backend_id, order_id)
                return "..."

    The model of the environment is the backend's own. The signature is an HMAC with the backend's
    webhook secret.
    """

    #: Header with the signature, hexadecimal or in base64. None: the system does not sign, and
    #: everybody who knows the address may send
    _signature_header: str | None = "X-Signature"
    #: Text before the signature, such as ``sha256=``
    _signature_prefix: str = ""
    #: Name of the hash function, as of ``hashlib``
    _digest: str = "sha256"
    #: Header with the time of sending, in seconds since 1970, which is signed too. None: the system
    #: does not send it
    _timestamp_header: str | None = None
    #: Seconds by which that time may differ from ours
    _tolerance: float = 300
    #: Seconds for which the same signed content is accepted only once, under whatever id it comes,
    #: so that nobody can send it again. 0: a second change may have the same content as the first.
    #: Set it for a system that signs something unique, but no time. If the time is signed, the same
    #: content is accepted once anyway, as long as that time is not too old
    _replay_window: float = 0
    #: Whether the system sends the same content under several topics. If it does not, signed
    #: content is refused under another topic for as long as deliveries are kept: the topic header
    #: is not signed, so everybody who has seen a delivery could send it under another topic
    _topics_share_content: bool = False
    #: Header with the id of the delivery, by which a repeated delivery is recognised. None: the
    #: system does not send it
    _delivery_header: str | None = None
    #: Header with the topic of the delivery. None: the content tells it
    _topic_header: str | None = None
    #: Topics that Odoo registers by itself, and what they are about, for the user:
    #: ``{"order.created": "Orders"}``. It needs the three methods below
    webhooks: Mapping[str, str] = {}

    def list_webhooks(self) -> Iterable[RegisteredWebhook]:
        """Return all webhooks that the system has registered, also those of others."""
        raise NotImplementedError(f"{type(self).__name__} has webhooks, so it needs list_webhooks()")

    def register_webhook(self, topic: str, address: str) -> object:
        """Have the system send what happens under a topic to an address.

        :param topic: one of :attr:`webhooks`
        :param address: the address of the backend's webhook
        """
        raise NotImplementedError(f"{type(self).__name__} has webhooks, so it needs register_webhook()")

    def remove_webhook(self, external_id: ExternalId) -> object:
        """Have the system forget a webhook; one that is not there any more is no error.

        :param external_id: ``id`` of a :class:`RegisteredWebhook`
        """
        raise NotImplementedError(f"{type(self).__name__} has webhooks, so it needs remove_webhook()")

    def process(self, topic: str | None, payload: Any) -> Any:
        """Process a delivery; it is called in a job.

        :param topic: topic as text, None without ``_topic_header``
        :param payload: the result of :meth:`parse` or, for a form, of :meth:`parse_form`
        :return: what was done, for the user
        """
        raise NotImplementedError(f"{type(self).__name__} does not define process()")

    def parse(self, body: str) -> Any:
        """Return the value of a body, a text: by default the value of its JSON.

        :raise InvalidDataError: it cannot be read
        """
        try:
            return json_value(body)
        except ValueError as error:
            raise InvalidDataError(self._("The webhook's content is not JSON: %s", error)) from None

    def parse_form(self, body: str) -> Any:
        """Return the values of a form in UTF-8, given as text, as a dict of name to text.

        If a name comes several times, the value is the first one; ``getlist(name)`` returns all.
        """
        return MultiDict(form_values(body))

    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        """Return the bytes that are signed.

        They are the body, or the time of sending, a dot and the body if the time is sent.
        """
        if self._timestamp_header:
            return headers.get(self._timestamp_header, "").encode() + b"." + body
        return body

    def refuse(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the reason why a delivery is refused, None if it is accepted.

        :param headers: dict-like, its keys in any case
        :param body: bytes
        """
        if self._signature_header and not self._is_authentic(headers, body):
            return "its signature is wrong, or the backend has no webhook secret"
        if self._timestamp_header and not self._is_recent(headers.get(self._timestamp_header, "")):
            return "it is too old: somebody may send once more what was sent before"
        return None

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the id of a delivery, None if the system sends none.

        Deliveries with the same id are the same.
        """
        return (self._delivery_header and header_text(headers.get(self._delivery_header, ""))) or None

    def content_key(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return a text that identifies the signed content, None without a signature.

        The same content under another topic is refused. The same content within
        :attr:`replay_window` is a replay. The topic is not signed: it is part of the key only if
        the system sends the same content under several topics.
        """
        if not self._signature_header:
            return None
        content = self.signed(headers, body)
        if self._topics_share_content:
            content = (self.topic(headers) or "").encode() + b"\0" + content
        return hashlib.sha256(content).hexdigest()

    @property
    def replay_window(self) -> float:
        """Seconds for which the same content is not accepted again; 0: it is accepted.

        It lasts at least until the time of sending is too old.
        """
        return max(self._replay_window, 2 * self._tolerance if self._timestamp_header else 0)

    def topic(self, headers: Mapping[str, str]) -> str | None:
        """Return the topic of a delivery, None if no header has it."""
        return (self._topic_header and header_text(headers.get(self._topic_header, ""))) or None

    def _is_authentic(self, headers: Mapping[str, str], body: bytes) -> bool:
        secret = self.backend_record.sudo().stored_webhook_secret
        given = headers.get(self._signature_header, "")  # type: ignore[arg-type]  # refuse() has asked
        if not secret or not given.startswith(self._signature_prefix):
            return False
        digest = hmac.new(secret.encode(), self.signed(headers, body), getattr(hashlib, self._digest)).digest()
        signature = given.removeprefix(self._signature_prefix).encode()
        # in constant time: the time must not tell how much of the signature is right
        return hmac.compare_digest(signature.lower(), digest.hex().encode()) or hmac.compare_digest(
            signature, base64.b64encode(digest)
        )

    def _is_recent(self, timestamp: str) -> bool:
        try:
            return abs(time.time() - float(timestamp)) <= self._tolerance
        except ValueError:
            return False


def open_delivery(session: ConnectorSession, job: StoredJob) -> dict[str, Any] | None:
    """Open the delivery of a job."""
    deliveries = session.env["connector.webhook.delivery"].search([("job_id", "=", job.id)])
    return deliveries.get_formview_action() if deliveries else None


def received(env: api.Environment, model_name: str, delivery_id: int) -> tuple[str | None, None]:
    """Return the external id of the delivery of a job, and None for its name."""
    delivery = env(su=True)[model_name].browse(delivery_id).with_context(prefetch_fields=False)
    try:
        return delivery.delivery_key or None, None
    except MissingError:
        # the job itself reports that
        return None, None


@job(related_action=open_delivery, about=received, former_names=["odoo.addons.connector.unit.webhook.process_webhook"])
def process_webhook(session: ConnectorSession, model_name: str, delivery_id: int) -> Any:
    """Deal with what an external system has sent

    :param delivery_id: id of the ``connector.webhook.delivery``
    """
    delivery = session.env[model_name].browse(delivery_id).exists()
    if not delivery or not delivery.backend_id.exists():
        return session.env._("The delivery or its backend does not exist any more.")
    backend = delivery.backend_id
    with backend.work_on(backend._name, session) as environment:
        receiver = environment.get_connector_unit(WebhookReceiver)
        body = delivery.body or ""
        if delivery._is_form():
            try:
                form = form_in_utf8(body, delivery.content_type)
            except UnicodeDecodeError as error:
                raise InvalidDataError(session.env._("The webhook's form is not in its encoding: %s", error)) from None
            payload = receiver.parse_form(form)
        else:
            payload = receiver.parse(body)
        return receiver.process(delivery.topic or None, payload)


@job(former_names=["odoo.addons.connector.unit.webhook.process_again"])
def process_again(session: ConnectorSession, model_name: str, delivery_ids: list[int]) -> str:
    """Deal once more with what an external system has sent

    :param delivery_ids: ids of the ``connector.webhook.delivery``; the caller of ``delay`` has
        checked the user's rights to them
    """
    deliveries = session.env[model_name].browse(delivery_ids).exists()
    return session.env._("Deliveries that are processed in the background: %s.", len(deliveries.sudo()._delay()))
