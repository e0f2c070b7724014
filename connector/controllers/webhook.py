"""The address to which external systems send what has happened."""

import hmac
import logging

from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge, Unauthorized, UnsupportedMediaType

from odoo import SUPERUSER_ID
from odoo.http import Controller, HttpDispatcher, request, route

from ..exception import NoConnectorUnitError
from ..models.connector_webhook_delivery import TakenBefore
from ..unit.webhook_receiver import WebhookReceiver

_logger = logging.getLogger(__name__)

#: Bytes of the longest body that is taken.
LONGEST = 5_000_000
#: Characters of the longest id and topic of a delivery that are taken.
_LONGEST_NAME = 250
#: Digits of the longest id of a backend.
_LONGEST_ID = 18


class WebhookDispatcher(HttpDispatcher):
    """Keeps the body as it was sent, which is what was signed; of a form Odoo keeps the values alone."""

    routing_type = "connector_webhook"

    def dispatch(self, endpoint, args):
        if self.request.httprequest.mimetype == "multipart/form-data":
            raise UnsupportedMediaType()
        # a body that does not say how long it is was cut at the limit of the route, which is one byte more
        if len(self.request.httprequest.get_data()) > LONGEST:
            raise RequestEntityTooLarge()
        return super().dispatch(endpoint, args)


class WebhookController(Controller):
    @route(
        "/connector/webhook/<string:name>/<string:token>",
        type=WebhookDispatcher.routing_type,
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
        max_content_length=LONGEST + 1,
    )
    def receive(self, name, token, **_parameters):
        """Check who sends, store what was sent, delay a job for it, and answer.

        Nothing is stored of what is refused. What was received before is accepted and not processed again, so that its sender is content.

        :param name: model and id of the backend, as ``shop.backend-7``
        :param token: the backend's ``webhook_token``
        """
        backend = self._find_backend(name, token)
        headers, body = request.httprequest.headers, request.httprequest.get_data()
        if any("\0" in value for value in headers.values()):
            raise BadRequest()
        with backend.work_on(backend._name) as environment:
            try:
                receiver = environment.get_connector_unit(WebhookReceiver)
            except NoConnectorUnitError:
                raise NotFound() from None
            if reason := receiver.refuse(headers, body):
                self._refuse(backend, reason)
            names = receiver.delivery_key(headers, body), receiver.topic(headers)
            if any(len(name or "") > _LONGEST_NAME for name in names):
                raise BadRequest()
            deliveries = request.env(user=SUPERUSER_ID)["connector.webhook.delivery"]
            try:
                is_new = deliveries._receive(receiver, headers, body)
            except TakenBefore as error:
                self._refuse(backend, error)
        return request.make_json_response({"status": "accepted" if is_new else "known"})

    def _refuse(self, backend, reason):
        _logger.warning("A webhook for %s from %s was refused: %s", backend, request.httprequest.remote_addr, reason)
        raise Unauthorized()

    def _find_backend(self, name, token):
        """Return the backend of an address; that it does not exist and that the token is wrong look the same from outside."""
        env = request.env(user=SUPERUSER_ID)
        model_name, _dash, record_id = name.rpartition("-")
        is_id = record_id.isdecimal() and len(record_id) <= _LONGEST_ID
        if is_id and model_name in dict(env["connector.webhook.delivery"]._select_backends()):
            backend = env[model_name].search([("id", "=", int(record_id))])
            if hmac.compare_digest((backend.stored_webhook_token or "").encode(), token.encode()):
                return backend
        raise NotFound()
