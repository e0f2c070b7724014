"""A system with a REST API that answers as a declared adapter says."""

import json
import re
from urllib.parse import unquote

from ...declaration.values import ID, Header
from ..server import Answer
from .places import put
from .system import PlayedSystem


class PlayedRest(PlayedSystem):
    """A system with the paths, verbs and lists that a ``RestAdapter`` declares."""

    def __init__(self, adapter, template):
        super().__init__(adapter, template)
        self._record_path = adapter.record
        routes = {
            "search": adapter._list_path if adapter.paginator else None,
            "read": adapter._verb("read").path or self._one(adapter),
            "create": adapter._verb("create").path or adapter.path,
            "write": adapter._verb("write").path or self._one(adapter),
            "delete": adapter._verb("delete").path or self._one(adapter),
        }
        self._routes = [
            (adapter._verb(name).method, self._pattern(path), getattr(self, f"_{name}"))
            for name, path in routes.items()
            if path is not None
        ]

    @staticmethod
    def _one(adapter):
        if adapter.path is None and adapter.one is None:
            return None
        return adapter.path_of("ID").replace("ID", ID) if adapter.one is None else adapter.one

    def _pattern(self, path):
        parts = path.split(ID)
        return re.compile("([^/]+)".join(map(re.escape, [self._base + "/" + parts[0].lstrip("/"), *parts[1:]])))

    def _answer(self, request, records):
        for method, pattern, do in self._routes:
            if method == request.method and (found := pattern.fullmatch(request.path)):
                return do(request, records, *map(unquote, found.groups()[:1]))
        return Answer({"message": f"Nothing is at {request.method} {request.path}"}, 404)

    def _search(self, request, records):
        values = request.params if request.method == "GET" else json.loads(request.body)

        def asked(name):
            return request.headers.get(name.name) if isinstance(name, Header) else values.get(name)

        page = self._page(values, records, request.path, asked)
        return Answer(page.body(self._records_path), headers=page.all_headers)

    def _read(self, request, records, external_id):
        if external_id not in records:
            return self._missing()
        return Answer(put(self._record_path, None, records[external_id]))

    def _create(self, request, records):
        return Answer(put(self._record_path, None, self._created(json.loads(request.body), records)), 201)

    def _write(self, request, records, external_id):
        if external_id not in records:
            return self._missing()
        records[external_id] = {**records[external_id], **json.loads(request.body)}
        return self._read(request, records, external_id)

    def _delete(self, request, records, external_id):
        return Answer(status=204) if records.pop(external_id, None) else self._missing()

    def _missing(self):
        return self.refuse(404, "There is no such record")
