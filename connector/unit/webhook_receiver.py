"""Webhooks: what the external system sends when something has happened there, and the job that deals with it."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict

from odoo.exceptions import MissingError

from odoo.addons.jobs_queue.jobs import job

from ..exception import InvalidDataError
from .connector_unit import ConnectorUnit


class WebhookReceiver(ConnectorUnit):
    """Checks what comes in, and deals with it in a job. A connector says how its system signs, and what to do::

        @shop
        class ShopWebhook(WebhookReceiver):
            _signature_header = "X-Shop-Hmac-Sha256"
            _delivery_header = "X-Shop-Webhook-Id"
            _topic_header = "X-Shop-Topic"

            def process(self, topic, payload):
                import_record.delay(self.session, "shop.order", self.backend_record.id, payload["id"])
                return "..."

    The environment's model is the backend's own. A signature is of HMAC, with the backend's webhook secret.
    """

    #: Header with the signature, hexadecimal or in base64; None: the system signs nothing, and who knows the address may send
    _signature_header = "X-Signature"
    #: What stands before the signature, such as ``sha256=``
    _signature_prefix = ""
    #: Name of the hash function, as of ``hashlib``
    _digest = "sha256"
    #: Header with the time of sending, in seconds since 1970, that is signed too; None: the system sends none
    _timestamp_header: str | None = None
    #: So many seconds that time may differ from ours
    _tolerance = 300
    #: For so many seconds what is signed is taken once, under whatever id it comes, so that nobody can send it again. 0: a second change
    #: may have the same content as the first. It is for a system that signs something unique, but no time; where the time is signed,
    #: what it has sent is taken once anyway, for as long as that time is not too old
    _replay_window = 0
    #: Whether the system sends the same content under several topics. Where it does not, what is signed is refused under another topic for
    #: as long as deliveries are kept: the header of the topic is not signed, so whoever has seen a delivery could name another one
    _topics_share_content = False
    #: Header with the id of the delivery, by which one that the system sends once more is known; None: it sends none
    _delivery_header: str | None = None
    #: Header that says what has happened; None: the content does
    _topic_header: str | None = None

    def process(self, topic, payload):
        """Deal with a delivery; runs in a job.

        :param topic: what has happened, text; None without ``_topic_header``
        :param payload: what :meth:`parse` or, for a form, :meth:`parse_form` returned
        :return: what was done, for the user
        """
        raise NotImplementedError(f"{type(self).__name__} does not define process()")

    def parse(self, body):
        """Return what a body, text, says: by default what its JSON does.

        :raise InvalidDataError: it cannot be read
        """
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidDataError(self._("The webhook's content is not JSON: %s", error)) from None

    def parse_form(self, body):
        """Return what a form, text, says: a dict, name to text. Of a name that comes several times it gives the first value, and all by
        ``getlist(name)``."""
        return MultiDict(parse_qsl(body, keep_blank_values=True))

    def signed(self, headers, body):
        """Return the bytes that are signed: the body, after the time of sending and a dot where one is sent."""
        if self._timestamp_header:
            return headers.get(self._timestamp_header, "").encode() + b"." + body
        return body

    def refuse(self, headers, body):
        """Return why a delivery is refused, None when it is not.

        :param headers: dict-like, its keys in any case
        :param body: bytes
        """
        if self._signature_header and not self._is_authentic(headers, body):
            return "its signature is wrong, or the backend has no webhook secret"
        if self._timestamp_header and not self._is_recent(headers.get(self._timestamp_header, "")):
            return "it is too old: somebody may send once more what was sent before"
        return None

    def delivery_key(self, headers, body):
        """Return the id of a delivery: one with the same is the same. None where the system sends none."""
        return (self._delivery_header and headers.get(self._delivery_header)) or None

    def content_key(self, headers, body):
        """Return the text that identifies what is signed. None where nothing is.

        The same under another topic is refused, the same within :attr:`replay_window` is a replay. The topic, which no signature covers,
        counts with it only where the system sends the same content under several topics.
        """
        if not self._signature_header:
            return None
        content = self.signed(headers, body)
        if self._topics_share_content:
            content = (self.topic(headers) or "").encode() + b"\0" + content
        return hashlib.sha256(content).hexdigest()

    @property
    def replay_window(self):
        """For how many seconds the same content is not taken again: as long as its time of sending is not too old, at least. 0: it is."""
        return max(self._replay_window, 2 * self._tolerance if self._timestamp_header else 0)

    def topic(self, headers):
        """Return what has happened, None where no header says it."""
        return (self._topic_header and headers.get(self._topic_header)) or None

    def _is_authentic(self, headers, body):
        secret = self.backend_record.sudo().stored_webhook_secret
        given = headers.get(self._signature_header, "")
        if not secret or not given.startswith(self._signature_prefix):
            return False
        digest = hmac.new(secret.encode(), self.signed(headers, body), getattr(hashlib, self._digest)).digest()
        signature = given.removeprefix(self._signature_prefix).encode()
        # in a time that does not tell how much of it is right
        return hmac.compare_digest(signature.lower(), digest.hex().encode()) or hmac.compare_digest(
            signature, base64.b64encode(digest)
        )

    def _is_recent(self, timestamp):
        try:
            return abs(time.time() - float(timestamp)) <= self._tolerance
        except ValueError:
            return False


def open_delivery(session, job):
    """Open the delivery that a job is about."""
    deliveries = session.env["connector.webhook.delivery"].search([("job_id", "=", job.id)])
    return deliveries.get_formview_action() if deliveries else None


def received(env, model_name, delivery_id):
    """Return the numbers of the delivery that a job is about: what the external system calls it."""
    delivery = env(su=True)[model_name].browse(delivery_id).with_context(prefetch_fields=False)
    try:
        return delivery.delivery_key or None, None
    except MissingError:
        # the job says so
        return None, None


@job(related_action=open_delivery, about=received, former_names=["odoo.addons.connector.unit.webhook.process_webhook"])
def process_webhook(session, model_name, delivery_id):
    """Deal with what an external system has sent

    :param delivery_id: id of the ``connector.webhook.delivery``
    """
    delivery = session.env[model_name].browse(delivery_id).exists()
    if not delivery or not delivery.backend_id.exists():
        return session.env._("The delivery or its backend does not exist any more.")
    backend = delivery.backend_id
    with backend.work_on(backend._name, session) as environment:
        receiver = environment.get_connector_unit(WebhookReceiver)
        parse = receiver.parse_form if delivery._is_form() else receiver.parse
        return receiver.process(delivery.topic or None, parse(delivery.body or ""))


@job(former_names=["odoo.addons.connector.unit.webhook.process_again"])
def process_again(session, model_name, delivery_ids):
    """Deal once more with what an external system has sent

    :param delivery_ids: ids of the ``connector.webhook.delivery``; who delays it has looked at the user's rights to them
    """
    deliveries = session.env[model_name].browse(delivery_ids).exists()
    return session.env._("%s deliveries are processed in the background.", len(deliveries.sudo()._delay()))
