"""Proxy: a line to PostgreSQL that can be cut silently.

Then nothing is forwarded any more, and nobody is told.
"""

import socket
import threading
from contextlib import suppress
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Proxy:
    """A Unix socket that forwards to the socket of a server.

    :param folder: where the socket is made; the host that a client names
    :param server: folder of the server's socket
    """

    def __init__(self, folder, server):
        self._server = str(Path(server) / SOCKET)
        self._open = threading.Event()
        self._open.set()
        self._lines = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(folder) / SOCKET))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Stop forwarding."""
        self._open.clear()

    def mend(self):
        """Close the lines that were cut, and forward what comes over new lines."""
        lines, self._lines = self._lines, []
        for line in lines:
            for end in line:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._open.set()

    def _accept(self):
        while True:
            client, _address = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._server)
            except OSError:
                client.close()
                continue
            self._lines.append((client, server))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                self._relay(data, source, target)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _relay(self, data, source, target):
        self._open.wait()
        target.sendall(data)
