"""The test kit of connectors: jobs that run for real inside a test's own transaction, and an external system made of recordings."""

import contextlib
from urllib.parse import urlsplit

from odoo.tests.common import _super_send

from odoo.addons.jobs_queue import testing

from ..event.after_commit import tell
from ..event.notes import take_notes
from .recording import RecordedExchanges
from .server import local_server


class JobsCase(testing.JobsCase):
    """A test case that runs what it has delayed, and tells consumers of ``on_record_change`` before the first job and after each."""

    def tell_changes(self):
        """Call the consumers of ``on_record_change`` for what the test has changed so far, as they are called after a commit."""
        tell(take_notes(self.env.cr), lambda: contextlib.nullcontext(self.env.cr))

    after_commit = tell_changes


class ConnectorCase(RecordedExchanges, JobsCase):
    """A test case of a connector: it runs jobs, and has an external system that is played from recordings or by a server of its own."""

    def serve(self, answer):
        """Play the external system on this machine until the end of the test.

        :param answer: ``function(request)`` that returns an :class:`~.server.Answer`
        :return: the server: its address is ``url``, what it was asked is the list ``requests``
        """
        return self.enterContext(local_server(answer))

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        """Requests to this machine keep the time-out that they ask for, which Odoo's tests would lengthen; others are refused."""
        if urlsplit(request.url).hostname in ("127.0.0.1", "localhost"):
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **{**options, "timeout": None})
