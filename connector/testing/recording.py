"""An external system made of recordings: what it has answered once is played back, so that tests need neither it nor a network."""

import inspect
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from odoo.tests.common import _super_send
from odoo.tools import mute_logger

from ..unit.backend_adapter.masking import is_secret, masked_text, masked_url, without

#: Set this variable of the environment to record anew
RECORD = "CONNECTOR_RECORD"


class RecordedExchanges:
    """For test cases of connectors whose adapters use ``requests``; the recordings are those of the library vcrpy.

    ::

        def test_an_order_is_imported(self):
            with self.recorded("order", secrets=[self.backend.api_key]):
                import_record.delay(self.session, "shop.sale.order", self.backend.id, 42)
                self.assertDone(self.run_jobs())

    The recording is ``recorded/order.yaml`` beside the test. It is made once against the real system::

        CONNECTOR_RECORD=1 odoo -d test --test-tags /connector_shop --stop-after-init

    Read it before you commit it.
    """

    @property
    def recordings(self):
        """The folder of the recordings: ``recorded`` beside the test."""
        return Path(inspect.getfile(type(self))).parent / "recorded"

    @contextmanager
    def recorded(self, name, secrets=()):
        """Play the requests of the block back from a recording; each recorded exchange is played once.

        A request is recognised by its method, path, query and body. The address of the system does not matter.

        :param name: of the recording
        :param secrets: texts that are replaced by ``***`` in the recording, wherever they occur. So are values whose names sound like a
            secret, such as the tokens of OAuth, as in the exchange log; headers that authenticate are left out
        :raise FileNotFoundError: it was never recorded
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
        # Odoo's tests let no request leave this machine; the recorder stands further down
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
    """Return a body without its secrets, of the type that it has; what is no text stays as it is."""
    if isinstance(content, bytes):
        with suppress(UnicodeDecodeError):
            return masked_text(content.decode(), secrets).encode()
    return masked_text(content, secrets) if isinstance(content, str) else content
