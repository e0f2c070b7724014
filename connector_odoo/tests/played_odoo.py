"""An Odoo that a test plays: a few methods of some models, over JSON-2 and over XML-RPC."""

import json
import operator
import xmlrpc.client
from urllib.parse import unquote

from odoo.addons.connector.testing import Answer

USER_ID = 7
_NAMES = {
    401: "odoo.exceptions.AccessDenied",
    403: "odoo.exceptions.AccessError",
    404: "odoo.exceptions.MissingError",
    422: "odoo.exceptions.UserError",
}
_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "in": lambda value, values: value in values,
}


class Missing(Exception):
    """A record that is asked for does not exist."""


class PlayedModel:
    """A model of an Odoo, by the methods that connectors call.

    :param records: dict, id as text to record
    :param template: record that a new one is like
    :param keys: dict, external identifier to id of the record that was created with it
    """

    def __init__(self, records, template, keys):
        self._records, self._template, self._keys = records, template, keys

    def search_read(self, domain=(), fields=None, offset=0, limit=None, order="id"):
        assert order in ("id", "id asc"), f"{order} is not played"
        found = sorted(filter(lambda record: _matches(record, domain), self._records.values()), key=lambda r: r["id"])
        return [_fields(record, fields) for record in found[offset:][:limit]]

    def read(self, ids, fields=None, load=None):
        return [_fields(self._records[str(id_)], fields) for id_ in ids if str(id_) in self._records]

    def create(self, vals_list):
        return [self._create(values) for values in vals_list]

    def write(self, ids, vals):
        for id_ in self._known(ids):
            self._records[id_].update(vals)
        return True

    def unlink(self, ids):
        for id_ in self._known(ids):
            del self._records[id_]
        return True

    def load(self, fields, data):
        ((key, *values),) = data
        if key not in self._keys:
            self._keys[key] = self._create(dict(zip(fields[1:], values, strict=True)))
        return {"ids": [self._keys[key]], "messages": []}

    def _create(self, values):
        id_ = max([self._template["id"], *map(int, self._records)]) + 1
        self._records[str(id_)] = {**self._template, **values, "id": id_}
        return id_

    def _known(self, ids):
        if missing := [id_ for id_ in ids if str(id_) not in self._records]:
            raise Missing(f"Record does not exist or has been deleted: {missing}")
        return map(str, ids)


def answer_json2(request, model_of, refuse):
    """Return the answer of an Odoo to a request over JSON-2.

    :param model_of: ``function(name)`` that returns a :class:`PlayedModel`
    :param refuse: ``function(status, message)`` that returns the answer of a refusal
    """
    _root, _json, _two, model_name, method = unquote(request.path).split("/")
    if (model_name, method) == ("res.users", "context_get"):
        return Answer({"uid": USER_ID})
    arguments = json.loads(request.body)
    arguments.pop("context", None)
    try:
        return Answer(json.dumps(getattr(model_of(model_name), method)(**arguments)))
    except Missing as error:
        return refuse(404, str(error))


def answer_xmlrpc(request, model_of, refuse):
    """Return the answer of an Odoo to a request over XML-RPC, see :func:`answer_json2`."""
    params, called = xmlrpc.client.loads(request.body)
    if called == "authenticate":
        return _result(USER_ID)
    _database, _user_id, _key, model_name, method, args, *kwargs = params
    named = {name: value for name, value in (kwargs[0] if kwargs else {}).items() if name != "context"}
    try:
        return _result(getattr(model_of(model_name), method)(*args, **named))
    except Missing as error:
        return refuse(404, str(error))


def refuse_json2(status, message, headers=None):
    """Return how an Odoo refuses over JSON-2."""
    return Answer({"name": _NAMES.get(status, "builtins.Exception"), "message": message}, status, headers or {})


def refuse_xmlrpc(status, message, headers=None):
    """Return how an Odoo refuses over XML-RPC: by a fault; where it has none, its proxy refuses."""
    if status not in _NAMES:
        return Answer({"message": message}, status, headers or {})
    fault = xmlrpc.client.Fault(f"warning -- {_NAMES[status].rpartition('.')[2]}\n\n{message}", "")
    return Answer(xmlrpc.client.dumps(fault, methodresponse=True), 200, headers or {})


def _result(value):
    return Answer(xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True))


def _fields(record, fields):
    return {name: record[name] for name in ("id", *(fields or record)) if name in record}


def _matches(record, domain):
    """Return whether a record matches a domain, of which the operator of several parts is "|"."""
    results = []
    for part in reversed(domain):
        if part == "|":
            first, second = results.pop(), results.pop()
            results.append(first or second)
        else:
            name, operator_, value = part
            results.append(any(_OPERATORS[operator_](found, value) for found in _values(record, name)))
    return all(results)


def _values(record, name):
    """Return the values of a field, of several lines where it is one of these."""
    field, _, of_line = name.partition(".")
    return [line[of_line] for line in record.get(field, ())] if of_line else [record[field]]
