"""Local HTTP server for tests, which answers as the test says and keeps the requests."""

import json
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """A request that the server has received."""

    method: str
    path: str
    params: dict
    headers: object
    body: bytes


@dataclass
class Answer:
    """An answer of the server.

    A body that is neither text nor bytes is sent as JSON. With ``None`` as status, the connection
    is dropped. The headers ``Date`` and ``Content-Length`` are added, unless they are given.
    """

    body: object = b""
    status: int = 200
    headers: dict = field(default_factory=dict)


@contextmanager
def local_server(answer, port=0):
    """Run a server until the end of the block.

    :param answer: ``function(request)`` that returns an :class:`Answer`; it is called in a thread
        of its own
    :param port: port number; 0: any free port
    :return: the server; ``url`` is its address, ``requests`` is the list of requests that it has
        received
    :raise Exception: the first exception that ``answer`` has raised, at the end of the block. The
        client gets its traceback with the status 500.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a body is not held back until its head is acknowledged

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
            self.send_response_only(answered.status)
            usual = {"Date": self.date_time_string(), "Content-Length": str(len(content))}
            for name, value in {**usual, **answered.headers}.items():
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
    """Return the answer to a request.

    An exception is added to ``errors``, and its traceback is the answer.
    """
    try:
        answered = answer(request)
        if not isinstance(answered, Answer):
            raise TypeError(f"The answer to {request.method} {request.path} is {answered!r}, not an Answer")
        return answered
    except Exception as error:
        errors.append(error)
        return Answer(traceback.format_exc(), status=500)
