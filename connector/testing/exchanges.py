"""Recorded exchanges with a real system, with which the requests of an adapter are compared.

A recording is JSON: a list of exchanges, each with a request and its answer::

    [
        {
            "request": {
                "method": "GET", "path": "/customers", "params": {"page": "1", "per_page": "100"}
            },
            "answer": {"status": 200, "json": [{"id": 1, "name": "Ada"}]}
        }
    ]

XML-RPC is at ``"xmlrpc"``: ``{"method": "customer.info", "params": [1]}`` is a request, and
``{"result": {"id": 1}}`` or ``{"fault": [102, "Unknown record"]}`` an answer. What is neither JSON
nor XML-RPC is a text, at ``"text"``. An answer may have ``"headers"``. Paths are quoted, as they
are sent.
"""

import json
import xmlrpc.client
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.parsers.expat import ExpatError

from ..unit.backend_adapter.masking import is_secret, masked_text, masked_url, without
from .server import Answer

#: Headers of an answer that say nothing about the records.
_OF_THE_CONNECTION = ("connection", "content-encoding", "content-length", "date", "server", "transfer-encoding")


class Recording:
    """Recorded exchanges.

    :param exchanges: list of dicts, see above
    :param secrets: texts that are masked in what is recorded and compared
    """

    def __init__(self, exchanges, secrets=()):
        self.exchanges = exchanges
        self._secrets = tuple(secrets)
        self.unknown = []  # requests that were not recorded, as texts
        self.left = list(exchanges)  # those that nobody has asked for yet

    @classmethod
    def read(cls, file, secrets=()):
        """Return the recording in a file, a :class:`pathlib.Path`.

        :raise ValueError: it is no recording; the message names what is wrong
        """
        try:
            exchanges = json.loads(file.read_text())
        except ValueError as error:
            raise ValueError(f"{file} is no JSON: {error}") from None
        for exchange in exchanges if isinstance(exchanges, list) else [None]:
            if not isinstance(exchange, dict) or {"request", "answer"} - exchange.keys():
                raise ValueError(f"{file} is no list of exchanges, each with a request and an answer")
            for part, names in (("request", {"method", "path"}), ("answer", {"status"})):
                if missing := names - exchange[part].keys():
                    raise ValueError(f"{file}: the {part} {exchange[part]} has no {min(missing)}")
        return cls(exchanges, secrets)

    def write(self, file):
        """Write the recording into a file, so that a person can read it before it is committed."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.exchanges, indent=4, ensure_ascii=False) + "\n")

    def add(self, request, response):
        """Record an exchange of ``requests``.

        :param request: :class:`requests.PreparedRequest`
        :param response: :class:`requests.Response`
        """
        url = urlsplit(request.url)
        headers = {
            name: value
            for name, value in response.headers.items()
            if name.lower() not in _OF_THE_CONNECTION and not is_secret(name)
        }
        asked = self._request(request.method, url.path, dict(parse_qsl(url.query)), request.body)
        answer = {"status": response.status_code, "headers": headers, **self._content(response.content)}
        self.exchanges.append({"request": asked, "answer": answer})

    def hide(self, secrets):
        """Mask texts that are known as secrets only now, such as the session that a login gave."""
        self.exchanges = json.loads(without(json.dumps(self.exchanges), secrets))

    def answer(self, request):
        """Return the recorded answer to a request, a :class:`~.server.Request`.

        One that was not recorded is noted in ``unknown``.
        """
        asked = self._request(request.method, request.path, request.params, request.body)
        for exchange in self.exchanges:
            if _same(asked, exchange["request"]):
                self.left = [one for one in self.left if one is not exchange]
                answer = exchange["answer"]
                return Answer(_written(answer), answer["status"], answer.get("headers", {}))
        self.unknown.append(_shown(asked))
        return Answer({"message": f"This was not recorded: {_shown(asked)}"}, 400)

    def shown(self, exchanges=None):
        """Return recorded requests, by default all, for a message."""
        exchanges = self.exchanges if exchanges is None else exchanges
        return "".join(f"\n- {_shown(exchange['request'])}" for exchange in exchanges)

    def _request(self, method, path, params, body):
        masked = dict(parse_qsl(urlsplit(masked_url(f"http://system{path}?{urlencode(params)}", self._secrets)).query))
        return {"method": method, "path": path, "params": masked, **self._content(body)}

    def _content(self, content):
        if not content:
            return {}
        text = content.decode(errors="replace") if isinstance(content, bytes) else content
        text = masked_text(text, self._secrets)
        try:
            return {"json": json.loads(text)}
        except ValueError:
            called = _read_xmlrpc(text)
            return {"text": text} if called is None else {"xmlrpc": called}


def _read_xmlrpc(text):
    """Return a call of XML-RPC or its answer as JSON, None if it is neither or has no such form."""
    try:
        params, method = xmlrpc.client.loads(text)
        called = {"method": method, "params": list(params)} if method else {"result": params[0]}
        return json.loads(json.dumps(called))
    except xmlrpc.client.Fault as fault:
        return {"fault": [fault.faultCode, fault.faultString]}
    except (ExpatError, xmlrpc.client.ResponseError, TypeError, LookupError, ValueError):
        return None


def _written(answer):
    """Return the body of a recorded answer."""
    if "json" in answer:
        return json.dumps(answer["json"])
    if "xmlrpc" not in answer:
        return answer.get("text", "")
    recorded = answer["xmlrpc"]
    found = xmlrpc.client.Fault(*recorded["fault"]) if "fault" in recorded else (recorded["result"],)
    return xmlrpc.client.dumps(found, methodresponse=True, allow_none=True)


def _same(asked, recorded):
    usual = {"params": {}, "json": None, "xmlrpc": None, "text": None}
    return all({**usual, **asked}[name] == {**usual, **recorded}[name] for name in ("method", "path", *usual))


def _shown(request):
    query = f"?{urlencode(request['params'])}" if request.get("params") else ""
    content = request.get("json", request.get("xmlrpc", request.get("text")))
    return f"{request['method']} {request['path']}{query}{'' if content is None else f' {json.dumps(content)}'}"
