"""Protocols of remote procedures: calls as bodies of requests, and results or faults of answers."""

from __future__ import annotations

import json
import re
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, Protocol
from xml.parsers.expat import ExpatError

import requests

from ..exception import InvalidDataError
from ..unit.backend_adapter.decoding import TooManyValues, json_content, text_of
from ..unit.backend_adapter.errors import message_in
from ..unit.backend_adapter.sending import json_body

# Characters that XML may not have, not even escaped
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Fault:
    """The answer of a system that a call has failed.

    :param code: number or text
    :param message: message of the system
    :param name: name of the exception there, None if it is not told. An Odoo tells it beside a code
        that is the same for all
    """

    code: Any
    message: str
    name: str | None = None

    def is_one_of(self, codes: Any) -> bool:
        """Return whether the code is among these, also where one is a text and one a number.

        The name is as good as the code.
        """
        return not {str(self.code), self.name}.isdisjoint(map(str, codes))


class RpcProtocol(Protocol):
    """How calls are written and answers are read.

    :param takes_names: whether calls have arguments by name
    :param takes_positions: whether calls have arguments by position
    :param method_in_path: whether the name of the method is the last part of the path
    """

    content_type: str
    takes_names: bool
    takes_positions: bool
    method_in_path: bool

    def body(self, method: str, arguments: Any) -> bytes:
        """Return the body of a request.

        :raise InvalidDataError: an argument has no form; the message names its place
        """

    def read(self, answer: requests.Response, most: int) -> Any:
        """Return the result in an answer, or a :class:`Fault`.

        :param most: maximum number of values
        :raise TooManyValues: there are more
        :raise ValueError: it is neither
        """


class XmlRpc:
    """XML-RPC. Dates of an answer are texts as the system writes them, bytes are base64."""

    content_type = "text/xml"
    takes_names = False
    takes_positions = True
    method_in_path = False

    def body(self, method: str, arguments: Any) -> bytes:
        values = tuple(json.loads(json_body(arguments)))
        try:
            text = xmlrpc.client.dumps(values, method, allow_none=True)
        except (OverflowError, TypeError) as error:
            raise InvalidDataError(f"An argument of {method} has no form in XML-RPC: {error}") from None

        if found := _NO_XML.search(text):
            raise InvalidDataError(f"An argument of {method} has the character {found[0]!r}, which no XML may have")
        return text.encode()

    def read(self, answer: requests.Response, most: int) -> Any:
        content = answer.content.lstrip()  # PHP may send spaces before the XML
        if content.count(b"<value") > most:
            raise TooManyValues
        try:
            try:
                (result,), _method = xmlrpc.client.loads(content)
            except ExpatError:  # maybe only the header names the encoding
                (result,), _method = xmlrpc.client.loads(_text_of(answer).lstrip("\ufeff \r\n\t"))
            return json.loads(json_body(_plain(result)))
        except xmlrpc.client.Fault as fault:
            return Fault(fault.faultCode, str(fault.faultString))
        except (ExpatError, xmlrpc.client.ResponseError, TypeError, LookupError, ArithmeticError):
            raise ValueError("no XML-RPC") from None
        except (InvalidDataError, RecursionError):  # no values that JSON has
            raise ValueError("no XML-RPC") from None


def _text_of(answer: requests.Response) -> str:
    return text_of(answer.content, answer.headers.get("Content-Type"))


def _plain(value: Any) -> Any:
    """Return a value of XML-RPC with its dates as texts, and its binaries as bytes."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, xmlrpc.client.DateTime):
        return value.value
    return value.data if isinstance(value, xmlrpc.client.Binary) else value


class JsonRpc:
    """JSON-RPC 2.0."""

    content_type = "application/json"
    takes_names = True
    takes_positions = True
    method_in_path = False

    def body(self, method: str, arguments: Any) -> bytes:
        return json_body({"jsonrpc": "2.0", "method": method, "params": arguments, "id": 1})

    def read(self, answer: requests.Response, most: int) -> Any:
        found = json_content(answer, most)
        if not isinstance(found, dict):
            raise ValueError("no JSON-RPC")
        if (error := found.get("error")) not in (None, False, ""):
            error = error if isinstance(error, dict) else {"message": error}
            # where Odoo has more than "Odoo Server Error"
            data = error["data"] if isinstance(error.get("data"), dict) else {}
            name = data["name"] if isinstance(data.get("name"), str) else None
            return Fault(error.get("code"), str(data.get("message") or error.get("message")), name)
        if "result" not in found:
            raise ValueError("no JSON-RPC")
        return found["result"]


class JsonPost:
    """JSON by POST: the path has the method, the body the arguments, the status says what failed.

    The code of a fault is the ``code`` of the answer, or the status if it has none.
    """

    content_type = "application/json"
    takes_names = True
    takes_positions = False
    method_in_path = True

    def body(self, method: str, arguments: Any) -> bytes:
        return json_body(arguments or {})

    def read(self, answer: requests.Response, most: int) -> Any:
        status, is_empty = answer.status_code, not answer.content.strip()
        if status < 300:
            return None if is_empty else json_content(answer, most)
        error = json_content(answer, most)
        if status < 400 or not isinstance(error, dict):
            raise ValueError("no result, and no error")
        name = error["name"] if isinstance(error.get("name"), str) else None
        return Fault(error.get("code", status), message_in(error) or "", name)


PROTOCOLS: dict[str, RpcProtocol] = {"xmlrpc": XmlRpc(), "jsonrpc": JsonRpc(), "json": JsonPost()}
