"""A server that gives the answers that a test has prepared, whatever it is asked."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def server_that_answers(body="", status=200, headers=None):
    """Serve one and the same answer to every POST; the value is the server's location."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response_only(status)  # without headers of its own
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args):
            pass

    with _serving(Handler) as location:
        yield location


@contextmanager
def server_that_does_not_answer():
    """Accept requests and leave them without an answer until the end of the block."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            over.wait()

    with _serving(Handler) as location:
        try:
            yield location
        finally:
            over.set()


@contextmanager
def _serving(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
