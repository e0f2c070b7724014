"""A system with XML-RPC or JSON-RPC that answers as a declared adapter says."""

import json
import re
import xmlrpc.client

from ...declaration.calls import Call, MultiCall, Window
from ...declaration.values import Field
from ..server import Answer
from .places import put
from .system import PlayedSystem

_PLACEHOLDER = re.compile(r"\{(\*?)(\w+)\}")
_SESSION = "a session that is played"


class _Fault(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class PlayedRpc(PlayedSystem):
    """A system that knows the calls of an ``RpcAdapter``."""

    def __init__(self, adapter, template):
        super().__init__(adapter, template)
        self._path = f"{self._base}/{adapter.path.lstrip('/')}"
        self._is_xml = adapter.protocol == "xmlrpc"
        self._login, self._through, self._resource = adapter.login, adapter.through, str(adapter.resource)
        self._many = adapter.many if isinstance(adapter.many, MultiCall) else None
        self._session_at = adapter.session_at
        self._codes = {status: next(iter(codes), None) for status, codes in _meanings(adapter)}
        many = adapter.many if isinstance(adapter.many, Call) else None
        calls = {"search": adapter.list, "read": adapter.one, "read_many": many, **adapter.verbs}
        self._calls = [(call, getattr(self, f"_{name}")) for name, call in calls.items() if call is not None]

    def refuse(self, status, message, headers=None):
        if (code := self._codes.get(status)) is None:
            return super().refuse(status, message, headers)
        return self._fault(_Fault(code, message), headers)

    def _answer(self, request, records):
        if request.path != self._path:
            return Answer({"message": f"Nothing is at {request.path}"}, 404)
        method, arguments = self._read_call(request.body)
        try:
            return Answer(self._written(self._result(method, arguments, records)))
        except _Fault as fault:
            return self._fault(fault)

    def _result(self, method, arguments, records):
        if self._login is not None:
            if method == self._login.method:
                return put(self._session_at, None, _SESSION)
            if self._many is not None and method == self._many.method:
                return self._results(arguments[1], records)
            values = _values([self._through.method, *self._through.arguments], [method, *arguments]) or {}
            if values.get("session") != _SESSION:
                raise _Fault(self._codes.get(401, "session"), "There is no such session")
            method, arguments = values["method"], values["arguments"]
        elif self._many is not None and method == self._many.method:
            return self._results(arguments[0], records)
        return self._call(method, arguments, records)

    def _results(self, calls, records):
        results = []
        for method, arguments in calls:
            try:
                results.append(self._call(method, arguments, records))
            except _Fault as fault:
                results.append({"faultCode": fault.code, "faultMessage": str(fault)})
        return results

    def _call(self, method, arguments, records):
        for call, do in self._calls:
            declared = call.method.replace("{resource}", self._resource)
            values = _values([declared, call.named or list(call.arguments)], [method, arguments])
            if values is not None:
                return put(call.place, None, do(values, records))
        raise _Fault("unknown", f"There is no method {method} with such arguments")

    def _search(self, values, records):
        filters = values.get("filters")
        sent = {**values, **(filters if isinstance(filters, dict) else {}), **values.get("params", {})}
        page = self._page({name: sent[name] for name in sent.keys() - {"params", "filters", "resource"}}, records)
        return page.body(self._records_path)

    def _read(self, values, records):
        return self._known(values, records)[1]

    def _read_many(self, values, records):
        ids = values["ids"] if "ids" in values else values["numbers"]
        return [records[str(external_id)] for external_id in ids if str(external_id) in records]

    def _who_am_i(self, values, records):
        return "a user who is played"

    def _system_version(self, values, records):
        return "1.0"

    def _create(self, values, records):
        return self._id_of(self._created(values["data"], records))

    def _write(self, values, records):
        external_id, record = self._known(values, records)
        records[external_id] = {**record, **values["data"]}
        return True

    def _delete(self, values, records):
        del records[self._known(values, records)[0]]
        return True

    def _known(self, values, records):
        external_id = str(values["id"] if "id" in values else values["number"])
        if external_id not in records:
            raise _Fault(self._codes.get(404, "missing"), "There is no such record")
        return external_id, records[external_id]

    def _read_call(self, body):
        if self._is_xml:
            arguments, method = xmlrpc.client.loads(body)
            return method, list(arguments)
        call = json.loads(body)
        return call["method"], call["params"]

    def _written(self, result):
        if self._is_xml:
            return xmlrpc.client.dumps((result,), methodresponse=True, allow_none=True)
        return {"jsonrpc": "2.0", "id": 1, "result": result}

    def _fault(self, fault, headers=None):
        if self._is_xml:
            body = xmlrpc.client.dumps(xmlrpc.client.Fault(fault.code, str(fault)), methodresponse=True)
        else:
            body = {"jsonrpc": "2.0", "id": 1, "error": {"code": fault.code, "message": str(fault)}}
        return Answer(body, 200, headers or {})


def _meanings(adapter):
    """Return the codes of faults by the statuses of HTTP that they stand for."""
    # at a call, what is denied is a right; an expired session only leads to a new login
    return (403, adapter.denied), (404, adapter.missing)


def _values(declared, sent):
    """Return what was sent for the placeholders of a call, None if it is another call."""
    values = {}
    return values if _match(declared, sent, values) else None


def _match(declared, sent, values):
    if isinstance(declared, Field):
        return True
    if isinstance(declared, str) and (found := _PLACEHOLDER.fullmatch(declared)):
        values[found[2]] = sent
        return True
    if isinstance(declared, Window):
        if not isinstance(sent, dict) or declared.field not in sent:
            return False
        values["params"] = {**sent, **sent[declared.field]}
        return True
    if isinstance(declared, list | tuple):
        return _match_items(list(declared), sent, values)
    if hasattr(declared, "items"):
        if not isinstance(sent, dict) or not sent.keys() <= declared.keys():
            return False
        left_out = declared.keys() - sent.keys()  # what is not known at the call
        is_unknown = all(
            isinstance(declared[name], str) and _PLACEHOLDER.fullmatch(declared[name]) for name in left_out
        )
        return is_unknown and all(_match(declared[name], sent[name], values) for name in sent)
    return declared == sent


def _match_items(declared, sent, values):
    if not isinstance(sent, list | tuple):
        return False
    sent = list(sent)
    if declared and isinstance(declared[-1], str) and (found := _PLACEHOLDER.fullmatch(declared[-1])) and found[1]:
        values[found[2]] = sent[len(declared) - 1 :]
        declared, sent = declared[:-1], sent[: len(declared) - 1]
    return len(declared) == len(sent) and all(_match(*pair, values) for pair in zip(declared, sent, strict=True))
