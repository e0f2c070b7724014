"""Contract of secrets: no message, no log and no stored exchange shows our credentials."""

import json
import logging
from base64 import b64encode
from contextlib import contextmanager

from ...backend import reference
from ...credentials.secret_char import SecretChar
from ..server import Answer
from .case import ContractCase

_SHORTEST = 6  # a shorter secret is in a text by chance
_STATUSES = (401, 403, 404, 409, 422, 429, 500, 503)


class SecretContract(ContractCase):
    def test_no_credential_is_in_any_message(self):
        secrets = self._secrets()
        self.backend.exchange_log = "all"
        self.add(*self.ids(1))
        shown = []
        with self._logged() as logged:
            for status in _STATUSES:
                self.trouble = lambda request, status=status: self.refuse(status, self._repeated(request))
                shown += self._texts(self.import_all())
                self.trouble = lambda request, status=status: Answer(self._repeated(request), status)
                shown += self._texts(self.import_one(self.ids(1)[0]))
                self.backend._set_ready()  # a system that asks to wait is asked all the same
            self.trouble = lambda request: Answer(self._repeated(request))
            shown += self._texts(self.import_all())
        shown += [*self._stored(), *logged]
        for name, secret in self._sent_secrets(secrets):
            for text in shown:
                self.assertNotIn(secret, text, f"{name} is shown")

    def test_no_credential_is_in_what_the_connection_test_tells(self):
        secrets, shown = self._secrets(), []
        for status in (*_STATUSES, 200):
            self.trouble = lambda request, status=status: self.refuse(status, self._repeated(request))
            if status == 200:
                self.trouble = lambda request: Answer(self._repeated(request))
            shown += self.press_test_connection().mapped("text")
        for name, secret in self._sent_secrets(secrets):
            for text in shown:
                self.assertNotIn(secret, text, f"{name} is shown")

    # How the tests find out

    def _secrets(self):
        """Return the secrets of the backend: a dict, name to text."""
        model = self.env[self.backend_model]
        names = [name for name, field in model._fields.items() if isinstance(field, SecretChar)]
        secrets = {name: self.backend_values[name] for name in names if self.backend_values.get(name)}
        if not secrets:
            self.skipTest(f"{self.backend_model} keeps no secret: backend_values gives none to a SecretChar")
        for name, secret in secrets.items():
            if len(secret) < _SHORTEST:
                self.fail(f"backend_values: {name} is {secret!r}, which is in texts by chance: give a longer one")
        return secrets

    def _sent_secrets(self, secrets):
        """Yield each secret, and each form in which it was sent."""
        yield from secrets.items()
        for name, secret in secrets.items():
            yield f"{name} in base64", b64encode(secret.encode()).decode()
        for value in {request.headers.get("Authorization") or "" for request in self.server.requests}:
            scheme, _, sent = value.partition(" ")
            if scheme == "Basic" and sent:  # user and password together
                yield "The header Authorization", sent

    @staticmethod
    def _repeated(request):
        """Return a message of a system that repeats all that it was sent."""
        headers = "; ".join(f"{name}: {value}" for name, value in request.headers.items())
        body = request.body.decode(errors="replace")
        return f"You have sent {request.method} {request.path}?{json.dumps(request.params)} {headers} {body}"

    def _texts(self, jobs):
        return [str(job[name]) for job in jobs for name in ("name", "message", "exc_info", "result", "payload")]

    def _stored(self):
        """Return all texts that are stored about the backend."""
        exchanges = self.env["connector.exchange"].search([("backend_id", "=", reference(self.backend))])
        names = [name for name, field in exchanges._fields.items() if field.type in ("char", "text") and field.store]
        yield from (str(exchange[name]) for exchange in exchanges for name in names)
        yield from self.asked().mapped("message")
        yield from map(str, self.backend.message_ids.mapped("body"))
        yield from map(str, self.backend.activity_ids.mapped("note"))
        yield str(self.backend.state_reason)

    @contextmanager
    def _logged(self):
        """Give a list of the messages that are logged in the block."""
        logged = []
        handler = logging.Handler()
        handler.emit = lambda record: logged.append(handler.format(record))
        logging.getLogger().addHandler(handler)
        try:
            yield logged
        finally:
            logging.getLogger().removeHandler(handler)
