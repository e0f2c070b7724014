"""Send HTTP requests, and read answers within limits of size and time.

Without limits an answer may be longer than the memory of this process, or never end.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter

#: Bytes of an answer that are read and decompressed at once: gzip makes at most a thousand times as
#: many of them.
_PIECE = 8192
#: Seconds after which a connection is shut once more, if it was not open yet when the time was over
_AGAIN = 0.1


class AnswerTooLong(requests.RequestException):
    """An answer has more bytes than are read."""


class AnswerTooSlow(requests.Timeout):
    """An answer has not ended in time."""


def ask(
    session: requests.Session, method: str, url: str, longest: int, seconds: float, **options: Any
) -> requests.Response:
    """Send a request and return its response, a :class:`requests.Response` with its content.

    :param session: a :class:`TimedSession`
    :param longest: maximum bytes of the content, after decompression
    :param seconds: maximum time from before the request is sent until the content is complete; the
        time-out of the request limits the time between two bytes
    :param options: as of :meth:`requests.Session.request`
    :raise AnswerTooLong: there are more bytes; the connection is closed
    :raise AnswerTooSlow: it takes longer; the connection is closed
    :raise requests.RequestException: there is no answer
    """
    with _Deadline(seconds) as deadline:
        response = deadline.response = session.request(method, url, stream=True, **options)
        try:
            _read(response, longest)
        except BaseException:
            response.close()
            raise
    return response


def _read(response: requests.Response, longest: int) -> None:
    # compressed twice, a piece would become a million times as long
    if "," in response.headers.get("Content-Encoding", ""):
        raise AnswerTooLong(request=response.request)
    pieces: list[bytes] = []
    length = 0
    for piece in response.iter_content(_PIECE):
        pieces.append(piece)
        length += len(piece)
        if length > longest:
            raise AnswerTooLong(request=response.request)
    response._content = b"".join(pieces)


# The deadline of the request that the current thread sends
_deadline: ContextVar[_Deadline | None] = ContextVar("deadline of the request", default=None)


class _Deadline:
    """A time limit for a whole request.

    When the time is over, a separate thread shuts the connection, whatever the request waits for. A
    time-out of each read is not enough: every read may get one byte in time, in the headers too.
    """

    def __init__(self, seconds: float) -> None:
        self.connection: Any = None
        self.response: Any = None
        self._seconds = seconds
        self._is_over = False
        self._ended = threading.Event()
        # serialises the end and a shutdown: after the end another request may use the connection
        self._ending = threading.Lock()

    def __enter__(self) -> Self:
        self._before = _deadline.set(self)
        threading.Thread(target=self._watch, name="deadline of a request", daemon=True).start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: Any, _traceback: TracebackType | None) -> None:
        with self._ending:
            self._ended.set()
        _deadline.reset(self._before)
        # the headers or content of a cut answer may look complete
        if self._is_over and (error is None or isinstance(error, requests.RequestException)):
            raise AnswerTooSlow(request=(self.response if error is None else error).request) from error

    def _watch(self) -> None:
        seconds = self._seconds
        while not self._ended.wait(seconds):
            with self._ending:
                if not self._ended.is_set():
                    self._is_over = True
                    self._shut()
            seconds = _AGAIN

    def _shut(self) -> None:
        connected: Any = getattr(self.connection, "sock", None)
        # TLS within TLS has a socket. A TLS shutdown would change the state that the other thread
        # reads from
        with suppress(OSError, TypeError):  # it has just ended
            socket.socket.shutdown(getattr(connected, "socket", connected), socket.SHUT_RDWR)
        # if the connection ends with the answer, it does not hold the socket any more
        with suppress(
            AttributeError, OSError, RuntimeError, ValueError
        ):  # it has just ended, or urllib3 is older than 2.3
            self.response.raw.shutdown()


class TimedSession(requests.Session):
    """A session that tells the deadline of each request which connection it uses."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Transport())


class _Transport(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _let_deadlines_know(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        _let_deadlines_know(manager)
        return manager


def _let_deadlines_know(manager: Any) -> None:
    pools = manager.pool_classes_by_scheme.items()
    manager.pool_classes_by_scheme = {scheme: _known_to_deadlines(pool) for scheme, pool in pools}


@cache
def _known_to_deadlines(pool: type) -> type:
    return pool if issubclass(pool, _Pool) else type(pool.__name__, (_Pool, pool), {})


class _Pool:
    def _get_conn(self, *args: Any, **options: Any) -> Any:
        connection = super()._get_conn(*args, **options)  # type: ignore[misc]  # of the pool that it is combined with
        if deadline := _deadline.get():
            deadline.connection = connection
        return connection
