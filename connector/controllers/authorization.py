"""HTTP controller to which other systems lead persons back who have authorised us."""

from odoo.http import Controller, request, route

from odoo.addons.jobs_queue.exception import ConnectorException

from ..models.connector_backend_authorization import CALLBACK


class AuthorizationController(Controller):
    @route(f"{CALLBACK}/<string:name>", type="http", auth="user", methods=["GET"], readonly=False)
    def come_back(self, name, state="", code="", error="", error_description="", **_parameters):
        """Take the code that a person brings, and show the backend; or say what went wrong.

        Each backend has an address of its own. So a code of one system never goes to another one
        (RFC 9700, section 4.4).

        :param name: model and id of the backend, as ``shop.backend-7``
        :param state: which authorisation it is
        :param code: what the token is given for
        :param error: why there is no code (RFC 6749, section 4.1.2.1)
        """
        taken = request.env["connector.authorization"]._take(state)
        if taken is None:
            return self._refused(
                request.env._(
                    "This address is not valid any more: it can be used once, within ten minutes. Press the button on the backend again."
                )
            )
        backend = request.env[taken["backend_model"]].browse(taken["backend_id"]).exists()
        if not backend:
            return self._refused(request.env._("The backend does not exist any more."))
        backend.check_access("write")
        if (
            name != f"{taken['backend_model']}-{taken['backend_id']}"
            or taken["callback"] != backend.authorization_callback
        ):
            return self._refused(
                request.env._("The address of Odoo has changed. Press the button on the backend again.")
            )
        if not code:
            said = error_description or error or request.env._("it gives no code")
            return self._refused(request.env._("The other system has not authorised us: %s", said), backend)
        try:
            backend.authorize_with(taken["model_name"], code, taken["verifier"], taken["callback"])
        except ConnectorException as refusal:
            return self._refused(str(refusal), backend)
        return request.redirect(_address(backend))

    def _refused(self, message, backend=None):
        values = {"message": message, "address": _address(backend) if backend else "/odoo"}
        return request.render("connector.authorization_refused", values, status=400)


def _address(backend):
    return f"/odoo/{backend._name}/{backend.id}"
