"""Origin of an address: the server to which a request goes, and our credentials with it."""

from typing import Any, NamedTuple

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port of an address; each is None if it has none."""

    scheme: str | None
    host: str | None
    port: int | None


def origin_of(address: Any) -> Origin:
    r"""Return the origin of an address, in small letters, with the port that its scheme implies.

    It is found as the sender of requests finds it: others disagree about where to send
    ``https://one\@two``. Of what is no address, all is the host.

    :param address: text, or False
    """
    text = str(address or "").strip()
    try:
        url = parse_url(text)
    except LocationParseError:
        return Origin(None, text, None)
    scheme = url.scheme and url.scheme.lower()
    return Origin(scheme, url.host and url.host.lower(), url.port or _PORTS.get(scheme or ""))
