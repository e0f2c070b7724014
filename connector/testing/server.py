"""A server on this machine that answers as a test says, and remembers what it was asked."""

import json
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    params: dict
    headers: object
    body: bytes


@dataclass
class Answer:
    """What the server answers; a body that is no text and no bytes is sent as JSON. ``None`` as status drops the connection."""

    body: object = b""
    status: int = 200
    headers: dict = field(default_factory=dict)


@contextmanager
def local_server(answer, port=0):
    """Serve until the end of the block.

    :param answer: ``function(request)`` that returns an :class:`Answer`, called in a thread of its own
    :param port: by default any free one
    :return: the server: its address is ``url``, what it was asked is the list ``requests``
    :raise Exception: what ``answer`` has raised first, at the end of the block; who has asked gets its traceback with the status 500
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, url.path, dict(parse_qsl(url.query)), self.headers, body)
            server.requests.append(request)
            answered = _answered(answer, request, server.errors)
            if answered.status is None:
                self.close_connection = True
                return
            content = answered.body
            if not isinstance(content, bytes):
                content = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(answered.status)
            for name, value in {"Content-Length": str(len(content)), **answered.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

        def setup(self):
            super().setup()
            server.connections.append(self.connection)

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request, client_address):
            pass  # who asked has gone: the test knows why

    with Server(("127.0.0.1", port), Handler) as server:
        server.requests, server.connections, server.errors = [], [], []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    if server.errors:
        raise server.errors[0]


def _answered(answer, request, errors):
    """Return what ``answer`` says to a request; what it raises is added to ``errors``, and told."""
    try:
        answered = answer(request)
        if not isinstance(answered, Answer):
            raise TypeError(f"The answer to {request.method} {request.path} is {answered!r}, not an Answer")
        return answered
    except Exception as error:
        errors.append(error)
        return Answer(traceback.format_exc(), status=500)
