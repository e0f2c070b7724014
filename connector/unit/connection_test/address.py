"""Checks of the address and of the certificate, by a request without credentials."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import requests

from ...credentials.origin import origin_of
from ...exception import UnreadableAnswer
from ..backend_adapter.errors import innermost, what_happened
from ..backend_adapter.http import HttpAdapter
from ..backend_adapter.masking import without_userinfo
from .finding import NOT_ASKED, OK, UNKNOWN, WRONG

#: Numbers of OpenSSL for what is wrong with a certificate (``X509_V_ERR_...``).
_NOT_YET_VALID = 9
_EXPIRED = 10
_UNKNOWN_ISSUER = (18, 19, 20, 21)
_OTHER_NAME = (62, 64)

#: Outcome and sentence of a check.
Result = tuple[str, str]


def reach(adapter: HttpAdapter) -> tuple[Result, Result]:
    """Return the outcome and the sentence for the address of a system, and for its certificate.

    What the address answers does not count: many systems have nothing at their base address.
    """
    try:
        response = adapter._send_once("GET", adapter._base_url, None)
    except requests.RequestException as error:
        return _without_answer(adapter, error)
    certificate = _certificate(adapter)
    there = response.headers.get("Location", "")
    base, target = origin_of(adapter._base_url), origin_of(there)
    if response.is_redirect and base.scheme == "http" and target.scheme == "https" and base.host == target.host:
        text = adapter._(
            "%(address)s leads to %(there)s: enter https:// in the address, as no request is sent on from there.",
            address=_address(adapter),
            there=adapter._mask(there),
        )
        return (WRONG, text), certificate
    return _reached(adapter), certificate


def _reached(adapter: HttpAdapter) -> Result:
    return OK, adapter._("%s answers.", _address(adapter))


def _certificate(adapter: HttpAdapter) -> Result:
    """Return what is to be said of the certificate of a system that was reached."""
    if origin_of(adapter._base_url).scheme != "https":
        return UNKNOWN, adapter._(
            "There is none, as the address begins with http. So whoever is on the way can read our credentials."
        )
    if not adapter.backend_record.sudo().verify_ssl:
        return UNKNOWN, adapter._(
            "It was not verified, as “Verify the Certificate” is off: another system may have answered."
        )
    return OK, adapter._("It is valid.")


def _without_answer(adapter: HttpAdapter, error: requests.RequestException) -> tuple[Result, Result]:
    cause = innermost(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _reached(adapter), (WRONG, _of_certificate(adapter, cause))
    if isinstance(adapter._no_answer(error), UnreadableAnswer):
        return _reached(adapter), _certificate(adapter)
    return (WRONG, _of_address(adapter, error, cause)), (NOT_ASKED, adapter._("Not asked."))


def _of_address(adapter: HttpAdapter, error: requests.RequestException, cause: BaseException) -> str:
    """Return the sentence for an address that does not answer."""
    _scheme, host, port = origin_of(adapter._base_url)
    said: dict[str, Any] = {"host": host, "port": port, "message": adapter._mask(what_happened(error))}
    if isinstance(error, requests.exceptions.ProxyError):
        return adapter._(
            "The proxy of this server cannot be used: %(message)s. It is set where this server is started.", **said
        )
    if isinstance(cause, socket.gaierror):
        return adapter._("Nobody knows the host %(host)s: check how it is spelled.", **said)
    if isinstance(cause, ConnectionRefusedError):
        return adapter._(
            "%(host)s refuses a connection to port %(port)s: check the port, and whether the system runs.", **said
        )
    if isinstance(error, requests.Timeout):
        return adapter._(
            "%(host)s has not answered at port %(port)s for %(seconds)s s: check the address, and whether a firewall is on the way.",
            seconds=adapter._traffic.limited(None),
            **said,
        )
    if isinstance(cause, ssl.SSLError):
        return adapter._(
            "%(host)s does not speak https at port %(port)s (%(message)s): check the port, or enter http:// in the address.",
            **said,
        )
    if not isinstance(error, requests.ConnectionError):
        return adapter._(
            "%(address)s is not an address (%(message)s): enter one such as https://shop.example.com.",
            address=_address(adapter),
            **said,
        )
    return adapter._("%(host)s cannot be reached at port %(port)s: %(message)s. Check the address.", **said)


def _of_certificate(adapter: HttpAdapter, cause: ssl.SSLCertVerificationError) -> str:
    """Return the sentence for a certificate that is not valid."""
    host, code = origin_of(adapter._base_url).host, cause.verify_code
    if code == _EXPIRED:
        return adapter._("The certificate of %s has expired: who runs the system has to renew it.", host)
    if code == _NOT_YET_VALID:
        return adapter._("The certificate of %s is not valid yet: check the clock of this server.", host)
    if code in _OTHER_NAME:
        return adapter._("The certificate is for another name than %s: enter the address for which it was made.", host)
    if code in _UNKNOWN_ISSUER:
        return adapter._(
            "The certificate of %(host)s is of nobody whom this server trusts (%(message)s): let the system send all "
            "certificates up to a known authority, or let this server trust its authority.",
            host=host,
            message=cause.verify_message,
        )
    return adapter._("The certificate of %(host)s is not valid: %(message)s.", host=host, message=cause.verify_message)


def _address(adapter: HttpAdapter) -> str:
    return without_userinfo(str(adapter._base_url))
