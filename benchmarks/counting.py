"""Counting proxy: it counts the messages and statements that a program sends to PostgreSQL."""

import struct
import threading
from collections import Counter, defaultdict

from chaos.proxy import Proxy

_LENGTH = struct.Struct("!i")


class CountingProxy(Proxy):
    """Proxy that counts queries, and the statements that the server executes for each.

    It counts messages that ask for something. A message is a round trip: psycopg2 waits for its
    answer before it sends the next one on a connection. Of the protocol
    (https://www.postgresql.org/docs/current/protocol-message-formats.html) only ``Query``,
    ``CommandComplete`` and ``ReadyForQuery`` count.

    :ivar messages: Counter, beginning of a message's text to how often it was sent
    :ivar statements: Counter, the same to how many statements were executed for it
    """

    def __init__(self, folder, server):
        self._lock = threading.Lock()
        self._buffers = defaultdict(bytes)
        self._greeted = set()
        self._asked = {}
        self.clear()
        super().__init__(folder, server)

    def clear(self):
        """Reset the counts to zero."""
        with self._lock:
            self.messages, self.statements = Counter(), Counter()

    def per_job(self, jobs):
        """Return ``(messages, statements)`` per job, as whole numbers.

        The count of each text is divided by the number of jobs and rounded. So what is sent once a
        second, or for a share of the jobs, is left out. A statement that is prepared anew once a
        second counts as one.
        """
        with self._lock:
            return tuple(
                sum(round(count / jobs) for count in counts.values()) for counts in (self.messages, self.statements)
            )

    def _relay(self, data, source, target):
        with self._lock:
            self._buffers[source] += data
            if any(source is client for client, _server in self._lines):
                self._read_client(source, target)
            else:
                self._read_server(source)
        super()._relay(data, source, target)

    def _read_client(self, source, target):
        if source not in self._greeted:
            # the first message has no type
            buffer = self._buffers[source]
            if len(buffer) < 4 or len(buffer) < _LENGTH.unpack_from(buffer)[0]:
                return
            self._greeted.add(source)
            self._buffers[source] = buffer[_LENGTH.unpack_from(buffer)[0] :]
        for kind, body in self._whole_messages(source):
            if kind == b"Q":
                self._asked[target] = _beginning(body)
                self.messages[_beginning(body)] += 1

    def _read_server(self, source):
        for kind, _body in self._whole_messages(source):
            if kind == b"C" and source in self._asked:
                self.statements[self._asked[source]] += 1
            elif kind == b"Z":
                self._asked.pop(source, None)

    def _whole_messages(self, source):
        """Return the complete messages as ``(type, content)``; keep an incomplete one for later."""
        buffer, messages, at = self._buffers[source], [], 0
        while len(buffer) >= at + 5:
            end = at + 1 + _LENGTH.unpack_from(buffer, at + 1)[0]
            if len(buffer) < end:
                break
            messages.append((buffer[at : at + 1], buffer[at + 5 : end]))
            at = end
        self._buffers[source] = buffer[at:]
        return messages


def _beginning(body):
    """Return the beginning of a message's text, without the digits that differ from job to job."""
    return "".join(char for char in body[:60].decode(errors="replace") if not char.isdigit())
