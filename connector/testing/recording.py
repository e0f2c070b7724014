"""An external system that is played from recordings of its answers.

Tests that use them need neither the system nor a network.
"""

import inspect
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from odoo.tests.common import _super_send
from odoo.tools import mute_logger

from ..unit.backend_adapter.masking import is_secret, masked_text, masked_url, without

#: Environment variable: if it is set, tests record again
RECORD = "CONNECTOR_RECORD"


class RecordedExchanges:
    """Mixin of test cases for connectors whose adapters use ``requests``.

    The recordings are those of the library vcrpy.

    ::

        def test_an_order_is_imported(self):
            with self.recorded("order", secrets=[self.backend.api_key]):
                import_record.delay(self.session, "shop.sale.order", self.backend.id, 42)
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
    request.headers = _without_secret(request.headers)
    request.uri = masked_url(request.uri, secrets)
    request.body = _mask(request.body, secrets)
    return request


def _mask_response(response, secrets):
    response["headers"] = {
        name: [without(value, secrets) for value in values]
        for name, values in _without_secret(response["headers"]).items()
    }
    response["body"]["string"] = _mask(response["body"]["string"], secrets)
    return response


def _without_secret(headers):
    return {name: value for name, value in headers.items() if not is_secret(name)}


def _mask(content, secrets):
    """Return a body without its secrets, in the type that it has.

    A body that is not text is returned unchanged.
    """
    if isinstance(content, bytes):
        with suppress(UnicodeDecodeError):
            return masked_text(content.decode(), secrets).encode()
    return masked_text(content, secrets) if isinstance(content, str) else content
