"""Test cases of connectors: ``JobsCase`` and ``ConnectorCase``.

Jobs run for real inside the transaction of the test. The external system is played from recordings
or by a local server.
"""

import contextlib
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.tests.common import _super_send

from odoo.addons.jobs_queue import testing

from ..event.after_commit import tell
from ..event.notes import take_notes
from ..models.connector_put_right import KEY
from .recording import RecordedExchanges
from .server import local_server


class JobsCase(testing.JobsCase):
    """A test case that runs the jobs that it has delayed.

    It calls the consumers of ``on_record_change`` before the first job and after each job.
    """

    def tell_changes(self):
        """Call the consumers of ``on_record_change`` for what the test has changed so far.

        Outside tests, they are called after a commit.
        """
        tell(take_notes(self.env.cr), lambda: contextlib.nullcontext(self.env.cr))

    def after_commit(self):
        """Call the consumers, and close what the last job has put right."""
        self.tell_changes()
        if self.env.cr.postcommit.data.pop(KEY, None):
            self.close_what_was_put_right()

    def close_what_was_put_right(self):
        """Close the failed jobs and checkpoints that jobs of this test have put right.

        Outside tests, that is done after the commit of such a job.
        """
        cr = self.env.cr
        with patch.object(cr, "commit", lambda: None):
            self.env["connector.put.right"].sudo()._settle(lambda env: contextlib.nullcontext(cr))


class ConnectorCase(RecordedExchanges, JobsCase):
    """A test case of a connector: it runs jobs and plays the external system.

    The external system is played from recordings or by a server of the test.
    """

    def serve(self, answer):
        """Play the external system on this machine until the end of the test.

        :param answer: ``function(request)`` that returns an :class:`~.server.Answer`
        :return: the server; ``url`` is its address, ``requests`` is the list of requests that it
            has received
        """
        return self.enterContext(local_server(answer))

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        """Send requests to this machine with the timeout that they ask for, and refuse others.

        Odoo's tests would lengthen the timeout.
        """
        if urlsplit(request.url).hostname in ("127.0.0.1", "localhost"):
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **{**options, "timeout": None})
