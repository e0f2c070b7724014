"""Protocols of remote procedures: calls as bodies of requests, and results or faults of answers."""

from __future__ import annotations

import json
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, Protocol
from xml.parsers.expat import ExpatError

from ....exception import InvalidDataError
from ..decoding import json_value, text_of
from ..sending import json_body


@dataclass(frozen=True)
class Fault:
    """The answer of a system that a call has failed.

    :param code: number or text
    :param message: message of the system
    """

    code: Any
    message: str

    def is_one_of(self, codes: Any) -> bool:
        """Return whether the code is among these, also where one is a text and one a number."""
        return str(self.code) in set(map(str, codes))


class RpcProtocol(Protocol):
    """How calls are written and answers are read."""

    content_type: str
    takes_names: bool

    def body(self, method: str, arguments: Any) -> bytes:
        """Return the body of a request.

        :raise InvalidDataError: an argument has no form; the message names its place
        """

    def read(self, content: bytes, content_type: str | None) -> Any:
        """Return the result in an answer, or a :class:`Fault`.

        :raise ValueError: it is neither
        """


class XmlRpc:
    """XML-RPC. Dates of an answer are texts in ISO 8601, bytes are base64."""

    content_type = "text/xml"
    takes_names = False

    def body(self, method: str, arguments: Any) -> bytes:
        values = tuple(json.loads(json_body(arguments)))
        try:
            return xmlrpc.client.dumps(values, method, allow_none=True).encode()
        except (OverflowError, TypeError) as error:
            raise InvalidDataError(f"An argument of {method} has no form in XML-RPC: {error}") from None

    def read(self, content: bytes, content_type: str | None) -> Any:
        try:
            (result,), _method = xmlrpc.client.loads(content, use_builtin_types=True)
            return json.loads(json_body(result))
        except xmlrpc.client.Fault as fault:
            return Fault(fault.faultCode, str(fault.faultString))
        except (ExpatError, xmlrpc.client.ResponseError, TypeError, LookupError, ArithmeticError, InvalidDataError):
            raise ValueError("no XML-RPC") from None


class JsonRpc:
    """JSON-RPC 2.0."""

    content_type = "application/json"
    takes_names = True

    def body(self, method: str, arguments: Any) -> bytes:
        return json_body({"jsonrpc": "2.0", "method": method, "params": arguments, "id": 1})

    def read(self, content: bytes, content_type: str | None) -> Any:
        answer = json_value(text_of(content, content_type))
        if not isinstance(answer, dict):
            raise ValueError("no JSON-RPC")
        if (error := answer.get("error")) is not None:
            error = error if isinstance(error, dict) else {"message": error}
            return Fault(error.get("code"), str(error.get("message")))
        if "result" not in answer:
            raise ValueError("no JSON-RPC")
        return answer["result"]


PROTOCOLS: dict[str, RpcProtocol] = {"xmlrpc": XmlRpc(), "jsonrpc": JsonRpc()}
