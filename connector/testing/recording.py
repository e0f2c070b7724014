"""Mixin for tests: record exchanges without their secrets, and play them back.

Tests that use them need neither the system nor a network.
"""

import inspect
import os
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from odoo.tests.common import _super_send
from odoo.tools import mute_logger

from ..unit.backend_adapter.decoding import charset
from ..unit.backend_adapter.masking import is_secret, masked_header, masked_text, masked_url

#: Environment variable: if it is set, tests record again
RECORD = "CONNECTOR_RECORD"


class RecordedExchanges:
    """Mixin of test cases for connectors whose adapters use ``requests``.

    The recordings are those of the library vcrpy.

    ::

        def test_an_order_is_imported(self):
            with self.recorded("order", secrets=[self.backend.api_key]):
                import_record.delay(session, "shop.sale.order", self.backend.id, 42)
                self.assertDone(self.run_jobs())

    The recording is the file ``recorded/order.yaml`` beside the test. It is made once, against the
    real system::

        CONNECTOR_RECORD=1 odoo -d test --test-tags /connector_shop --stop-after-init

    Read the recording before you commit it.
    """

    @property
    def recordings(self):
        """The folder of the recordings: ``recorded`` beside the test."""
        return Path(inspect.getfile(type(self))).parent / "recorded"

    @contextmanager
    def recorded(self, name, secrets=()):
        """Play back the requests of the block from a recording; each exchange is played once.

        A request is recognised by its method, path, query and body. The address of the system does
        not matter.

        :param name: name of the recording
        :param secrets: texts that are replaced by ``***`` wherever they occur in the recording.
            Values whose names sound like a secret, such as the tokens of OAuth, are replaced too,
            as in the exchange log. Headers that authenticate are left out.
        :raise FileNotFoundError: there is no recording
        """
        import vcr  # tests that record nothing do without

        file = self.recordings / f"{name}.yaml"
        if os.environ.get(RECORD):
            file.unlink(missing_ok=True)
        elif not file.exists():
            raise FileNotFoundError(
                f"{file} does not exist: set {RECORD}=1 and run this test against the real system once"
            )
        recorder = vcr.VCR(
            record_mode="once" if os.environ.get(RECORD) else "none",
            match_on=("method", "path", "query", "body"),
            decode_compressed_response=True,
            before_record_request=lambda request: _mask_request(request, secrets),
            before_record_response=lambda response: _mask_response(response, secrets),
        )
        # Odoo's tests let no request leave this machine; the recorder works on a lower layer
        passing = patch.object(
            type(self), "_request_handler", lambda *request, **options: _super_send(*request, **options)
        )
        # the library logs each exchange before it is masked
        with passing, mute_logger("vcr.cassette", "vcr.stubs"), recorder.use_cassette(str(file)):
            yield


def _mask_request(request, secrets):
    # the library has copied the request, but not its headers
    request.body = _mask(request.body, secrets, _content_type(request.headers))
    request.headers = _without_secret(request.headers, secrets)
    request.uri = masked_url(request.uri, secrets)
    return request


def _mask_response(response, secrets):
    content_type = _content_type(response["headers"])
    response["headers"] = _without_secret(response["headers"], secrets)
    response["body"]["string"] = _mask(response["body"]["string"], secrets, content_type)
    return response


def _without_secret(headers, secrets):
    """Return headers without those that authenticate, and with masked secrets in the others."""
    return {name: _masked_value(value, secrets) for name, value in headers.items() if not is_secret(name)}


def _masked_value(value, secrets):
    if isinstance(value, list):
        return [_masked_value(one, secrets) for one in value]
    return masked_header(value, secrets)


def _content_type(headers):
    found = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    return found[0] if isinstance(found, list) and found else found


def _mask(content, secrets, content_type):
    """Return a body without its secrets, in the type that it has.

    What is no text in it stays as it is.
    """
    if isinstance(content, str):
        return masked_text(content, secrets)
    if not isinstance(content, bytes):
        return content
    encoding = charset(content_type) if isinstance(content_type, str) else None
    try:
        text = content.decode(encoding := encoding or "utf-8")
    except UnicodeDecodeError:
        text = content.decode(encoding := "utf-8", errors="surrogateescape")
    masked = masked_text(text, secrets)
    return content if masked == text else masked.encode(encoding, errors="surrogateescape")
