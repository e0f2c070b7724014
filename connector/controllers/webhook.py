"""HTTP controller that receives the webhooks of external systems."""

import hmac
import logging

from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge, Unauthorized, UnsupportedMediaType

from odoo import SUPERUSER_ID
from odoo.http import Controller, HttpDispatcher, request, route

from ..exception import NoConnectorUnitError
from ..models.connector_webhook_delivery import TakenBefore
from ..unit.webhook_receiver import WebhookReceiver

_logger = logging.getLogger(__name__)

#: Maximum length of a body, in bytes.
LONGEST = 5_000_000
#: Maximum length of the id and of the topic of a delivery, in characters.
_LONGEST_NAME = 250
#: Maximum length of the id of a backend, in digits.
_LONGEST_ID = 18


class WebhookDispatcher(HttpDispatcher):
    """Dispatcher that keeps the body as it was sent.

    The signature is made of this body. Of a form, Odoo keeps only the values.
    """

    routing_type = "connector_webhook"

    def dispatch(self, endpoint, args):
        if self.request.httprequest.mimetype == "multipart/form-data":
            raise UnsupportedMediaType()
        # A body of unknown length was cut at the limit of the route, which is one byte more
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
        """Check the sender, store the delivery, delay a job for it, and answer.

        Nothing of a refused delivery is stored. A repeated delivery is answered with success, so
        that its sender is satisfied, but it is not processed again.

        :param name: model and id of the backend, as ``shop.backend-7``
        :param token: ``webhook_token`` of the backend
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
        """Return the backend of an address.

        :raise NotFound: it does not exist, or the token is wrong; from outside both look the same
        """
        env = request.env(user=SUPERUSER_ID)
        model_name, _dash, record_id = name.rpartition("-")
        is_id = record_id.isdecimal() and len(record_id) <= _LONGEST_ID
        if is_id and model_name in dict(env["connector.webhook.delivery"]._select_backends()):
            backend = env[model_name].search([("id", "=", int(record_id))])
            if hmac.compare_digest((backend.stored_webhook_token or "").encode(), token.encode()):
                return backend
        raise NotFound()
