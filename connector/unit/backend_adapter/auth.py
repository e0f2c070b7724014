"""Authentication methods for HTTP requests: basic, bearer token and HMAC.

Each is an auth object of ``requests``, and names its secrets, so that they can be left out of
messages. Auth objects take precedence over a ``.netrc``. The headers that they add are not sent to
another host.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Any

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from odoo.addons.jobs_queue.exception import FailedJobError


def header_value(text: str) -> bytes:
    """Return a text that authenticates as the value of a header.

    :raise FailedJobError: no header can have it; the message does not tell it
    """
    if not text.isprintable():
        raise FailedJobError("The credentials have a line break or another control character: enter them again.")
    return text.encode()


class BasicAuth(HTTPBasicAuth):
    """User and password, as text in any script."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__(user.encode(), password.encode())
        # a system may repeat the header
        self.secrets = (password, b64encode(f"{user}:{password}".encode()).decode())


class BearerAuth(AuthBase):
    """A token in the header ``Authorization``."""

    def __init__(self, token: str) -> None:
        self.secrets = (token,)
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = header_value(f"Bearer {self._token}")
        return request


class HmacAuth(AuthBase):
    """A signature of the body in a header.

    For a system that signs more than the body, override :meth:`signed`.

    :param key: the shared secret
    :param header: name of the header
    :param digest: name of the hash function, as of ``hashlib``
    :param prefix: text before the hexadecimal signature, such as ``sha256=``
    """

    def __init__(self, key: str, header: str = "X-Signature", digest: str = "sha256", prefix: str = "") -> None:
        self.secrets = (key,)
        self._key, self._header, self._digest, self._prefix = key, header, digest, prefix

    def signed(self, request: PreparedRequest) -> bytes:
        """Return the bytes that are signed.

        :param request: :class:`requests.PreparedRequest`
        """
        body: Any = request.body or b""  # a text or bytes, see sending.py
        return body.encode() if isinstance(body, str) else body

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        signature = hmac.new(self._key.encode(), self.signed(request), getattr(hashlib, self._digest)).hexdigest()
        request.headers[self._header] = self._prefix + signature
        return request
