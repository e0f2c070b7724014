"""Pages of a played system: those that the paginator of a declared adapter asks for."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from ...declaration.paginators import (
    CursorPages,
    IdWindows,
    KeysetPages,
    LinkPages,
    NumberPages,
    OffsetPages,
    OnePage,
)
from ...declaration.values import Header
from ...unit.backend_adapter.json_paths import value_at
from .places import put, put_truth

#: Records of a page where the adapter leaves the size to the system.
_USUAL_SIZE = 2
#: Parameter of a link, with which the next page begins.
LINK = "played_from"


@dataclass
class Page:
    """A page of a list: its records, and what an answer tells of the list, by place."""

    records: list
    told: dict = field(default_factory=dict)  # JMESPath or Header: value
    truth: tuple = ()  # (JMESPath or Header, bool): whether there is more
    headers: dict = field(default_factory=dict)

    def body(self, records_path):
        """Return the page as JSON, with its records at a path."""
        body = put(records_path, None, self.records)
        if isinstance(body, list):
            return body
        for place, value in self.told.items():
            if not isinstance(place, Header):
                body = put(place, body, value)
        if self.truth and not isinstance(self.truth[0], Header):
            body = put_truth(self.truth[0], body, self.truth[1])
        return body

    @property
    def all_headers(self):
        told = {place.name: str(value) for place, value in self.told.items() if isinstance(place, Header)}
        if self.truth and isinstance(self.truth[0], Header):
            told[self.truth[0].name] = str(self.truth[1]).lower()
        return {**told, **self.headers}


def page_of(paginator, asked, records, id_of, path=""):
    """Return the page that is asked for.

    :param paginator: that of the adapter
    :param asked: ``function(name)`` that returns the value of a parameter or a
        :class:`~odoo.addons.connector.declaration.Header`, None if it was not sent
    :param records: list of all records
    :param id_of: ``function(record)`` that returns the id of a record
    :param path: path with the query of the request, for links
    """
    return _PAGES[type(paginator)](paginator, asked, records, id_of, path)


def _whole(paginator, asked, records, id_of, path):
    return Page(records)


def _numbered(paginator, asked, records, id_of, path):
    size = _size(paginator, asked)
    return _counted(paginator, records, (int(asked(paginator.parameter)) - paginator.first) * size, size)


def _offset(paginator, asked, records, id_of, path):
    return _counted(paginator, records, int(asked(paginator.parameter)), _size(paginator, asked))


def _counted(paginator, records, start, size):
    if paginator.repeats_last and start >= len(records):
        start = max(0, len(records) - 1) // size * size
    page = Page(records[start : start + size])
    if paginator.total is not None:
        page.told[paginator.total] = len(records)
    return _with_more(page, paginator, start + size < len(records))


def _by_cursor(paginator, asked, records, id_of, path):
    cursor, size = asked(paginator.parameter), _size(paginator, asked)
    start = int(str(cursor).removeprefix("after-")) if cursor else 0
    page, is_last = Page(records[start : start + size]), start + size >= len(records)
    if not is_last:
        page.told[paginator.next] = f"after-{start + size}"
    elif paginator.repeats_last and cursor:
        page.told[paginator.next] = cursor
    return _with_more(page, paginator, not is_last)


def _linked(paginator, asked, records, id_of, path):
    start, size = int(asked(LINK) or 0), _size(paginator, asked)
    page = Page(records[start : start + size])
    if start + size < len(records) or (paginator.repeats_last and start):
        following = start + size if start + size < len(records) else start
        link = f"{path}?{urlencode({LINK: following, paginator.size_parameter: size})}"
        if paginator.next is None:
            page.headers["Link"] = f'<{link}>; rel="next"'
        else:
            page.told[paginator.next] = link
    return page


def _by_key(paginator, asked, records, id_of, path):
    def key_of(record):
        key = id_of(record) if paginator.key is None else value_at(paginator.key, record)
        return (0, int(key), "") if str(key).isdecimal() else (1, 0, str(key))

    records = sorted(records, key=key_of)
    after, size = asked(paginator.parameter), _size(paginator, asked)
    if paginator.rest and asked(paginator.size_parameter) is None:
        size = len(records)
    keys = [key_of(record)[1:] for record in records]
    given = ((int(after), "") if str(after).isdecimal() else (0, str(after))) if after is not None else None
    # what is no key, such as the time of the first page, is where the list begins
    start = keys.index(given) + 1 if given in keys else 0
    if given and given not in keys and given[0]:
        start = sum(key <= given for key in keys)
    page = Page(records[start : start + size])
    return _with_more(page, paginator, start + size < len(records))


def _in_window(paginator, asked, records, id_of, path):
    first, last = int(asked(paginator.from_parameter)), int(asked(paginator.to_parameter))
    return Page(sorted((found for found in records if first <= int(id_of(found)) <= last), key=lambda x: int(id_of(x))))


def _with_more(page, paginator, is_more):
    if paginator.more is not None:
        page.truth = paginator.more, is_more
    return page


def _size(paginator, asked):
    name = paginator.size_parameter
    sent = asked(name) if name is not None else None
    return int(sent) if sent is not None else paginator.size or _USUAL_SIZE


_PAGES = {
    OnePage: _whole,
    NumberPages: _numbered,
    OffsetPages: _offset,
    CursorPages: _by_cursor,
    LinkPages: _linked,
    KeysetPages: _by_key,
    IdWindows: _in_window,
}
