"""Reads what another system answers, within limits: it may send more than this process can hold, or never end."""

import threading
from contextlib import contextmanager, suppress

import requests

#: Bytes of an answer that are read, and decompressed, at once: gzip makes a thousand times as many of them at most.
_PIECE = 8192


class AnswerTooLong(requests.RequestException):
    """An answer has more bytes than are read."""


class AnswerTooSlow(requests.Timeout):
    """An answer has begun, but has not ended in time."""


def read_answer(response, longest, seconds):
    """Read the content of a response that was asked for with ``stream=True``; ``response.content`` is there afterwards.

    :param response: :class:`requests.Response`
    :param longest: bytes, after decompression
    :param seconds: until the content has to be there; between two of its bytes the time-out of the request counts
    :raise AnswerTooLong: there are more bytes; the connection is closed
    :raise AnswerTooSlow: it takes longer; the connection is closed
    """
    pieces, length = [], 0
    try:
        # compressed twice, a piece would become a million times as long
        if "," in response.headers.get("Content-Encoding", ""):
            raise AnswerTooLong(request=response.request)
        with _deadline(response, seconds):
            for piece in response.iter_content(_PIECE):
                pieces.append(piece)
                length += len(piece)
                if length > longest:
                    raise AnswerTooLong(request=response.request)
    except BaseException:
        response.close()
        raise
    response._content = b"".join(pieces)


@contextmanager
def _deadline(response, seconds):
    """End the reading of a response after so many seconds: a thread of its own shuts the connection, as each read may wait for bytes that
    come one by one."""
    expired = threading.Event()

    def expire():
        expired.set()
        with suppress(OSError, ValueError, AttributeError):  # it has just ended, or urllib3 is older than 2.3
            response.raw.shutdown()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except requests.RequestException:
        if not expired.is_set():
            raise
    finally:
        timer.cancel()
    if expired.is_set():
        raise AnswerTooSlow(request=response.request)


def json_content(response):
    """Return what the JSON of a response says.

    :raise ValueError: it is not JSON, or nested too deep to be read
    """
    try:
        return response.json()
    except RecursionError:
        raise ValueError("nested too deep") from None
