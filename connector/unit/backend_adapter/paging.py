"""Pagination of long lists: by page number, offset, cursor or ``Link`` header.

All lists end by one rule. Requests go on until a page is empty, or until the system says that there
is no more, if the author names how it says so. A page that is shorter than asked is no end: systems
lower the size, and leave out what a user may not see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urljoin

import requests

from ...exception import IDMissingInBackend, InvalidDataError, UnreadableAnswer

#: Pages in a row that bring nothing new, after which a list counts as endless. Fewer are right: if
#: records are inserted while the list is read, a page comes twice.
_MOST_IN_VAIN = 10
#: Pages in a row that bring nothing new, after which a list ends whose last page is repeated.
_REPEATED_AT_END = 2

# A link of the header ``Link``: its address and its parameters
_LINK = re.compile(r'<([^<>]*)>((?:[^<",]|"(?:[^"\\]|\\.)*")*)')
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^;,]*))?')


#: A page of a list.
Page: TypeAlias = list[Any]


def _the_body(body: Any) -> Any:
    return body


class Paging:
    """Paging methods of an :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter`.

    Each is a generator that yields lists of records, and no empty ones. All take ``path`` and
    ``params`` of the first request, and ``records``: a ``function(body)`` that returns the records
    of a page from the value of its JSON. By default the body is the list. An answer without content
    is an empty page.

    A list may change while it is read. A record that is there from the beginning to the end comes
    at least once, and twice where others were inserted before it. If others are deleted before it,
    cursors and links have to be those of a system that remembers a place by its record. Numbers and
    offsets need a ``total``, which tells that something was deleted.

    :raise InvalidDataError: a page is not a list, a cursor or link comes twice, or many pages in a
        row bring nothing new, so that there would be no end
    """

    if TYPE_CHECKING:  # of the adapter

        def request(self, *args: Any, **kwargs: Any) -> requests.Response: ...

        def request_json(self, *args: Any, **kwargs: Any) -> Any: ...

        def json_of(self, response: requests.Response) -> Any: ...

        @property
        def _(self) -> Callable[..., str]: ...

        @property
        def _label(self) -> str: ...

        def _mask(self, message: object) -> str: ...

    def pages_by_number(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        records: Callable[[Any], Any] = _the_body,
        number: str = "page",
        first: int = 1,
        size: int = 100,
        size_name: str = "per_page",
        total: Callable[[Any], Any] | None = None,
        more: Callable[[Any], object] | None = None,
        repeats_last: bool = False,
    ) -> Iterator[Page]:
        """Request pages by number.

        :param number: name of the parameter for the page number
        :param first: number of the first page
        :param size: number of records to ask for in a page; the system may give fewer
        :param size_name: name of the parameter for the size
        :param total: ``function(body)`` that returns the number of records of the whole list; once
            all are received, the list has ended
        :param more: ``function(body)`` that returns whether there are more pages; if there are, an
            empty page is no end
        :param repeats_last: whether the system answers with its last page if a later one is asked
            for; then pages that bring nothing new are the end. By default they are an error
        """
        place = _Number(params, number, first, size_name, size)
        return self._counted_pages(path, place, records, total, more, repeats_last)

    def pages_by_offset(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        records: Callable[[Any], Any] = _the_body,
        offset: str = "offset",
        size: int = 100,
        size_name: str = "limit",
        total: Callable[[Any], Any] | None = None,
        more: Callable[[Any], object] | None = None,
        repeats_last: bool = False,
    ) -> Iterator[Page]:
        """Request pages by offset, which is the number of records that were received.

        :param offset: name of the parameter for the number of records to skip
        :param size: number of records to ask for in a page; the system may give fewer
        :param size_name: name of the parameter for the size
        :param total: as for :meth:`pages_by_number`
        :param more: as for :meth:`pages_by_number`
        :param repeats_last: as for :meth:`pages_by_number`
        """
        place = _Offset(params, offset, size_name, size)
        return self._counted_pages(path, place, records, total, more, repeats_last)

    def pages_by_cursor(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        next_cursor: Callable[[Any], Any],
        records: Callable[[Any], Any] = _the_body,
        cursor: str = "cursor",
    ) -> Iterator[Page]:
        """Request the page of each cursor, until a page has no next cursor.

        :param next_cursor: ``function(body)`` that returns the cursor of the next page, None, False
            or an empty text after the last one; 0 is a cursor
        :param cursor: name of the parameter for the cursor
        """
        received, asked = _Received(), params
        at: Any = None
        while True:
            body = self.request_json("GET", path, params=asked)
            page = self._page_of(body, records, path)
            if received.note(page) >= _MOST_IN_VAIN:
                raise self._endless(path)
            if page:
                yield page
            at = None if body is None else next_cursor(body)
            if at is None or at is False or at == "":
                return
            if not received.is_first_time(at):
                raise self._endless(path)
            asked = {**(params or {}), cursor: at}

    def pages_by_link(
        self, path: str, params: Mapping[str, Any] | None = None, *, records: Callable[[Any], Any] = _the_body
    ) -> Iterator[Page]:
        """Follow the ``next`` link of the header ``Link``, until there is none.

        :raise InvalidDataError: a part of the header cannot be read, and may be that link
        """
        received = _Received()
        asked: str | None = path
        while asked:
            response = self.request("GET", asked, params=params)
            page = self._page_of(self.json_of(response), records, path)
            if not received.is_first_time(response.url) or received.note(page) >= _MOST_IN_VAIN:
                raise self._endless(path)
            if page:
                yield page
            asked, params = self._next_link(response, path), None

    def _counted_pages(
        self,
        path: str,
        place: _Number | _Offset,
        records: Callable[[Any], Any],
        total: Callable[[Any], Any] | None,
        more: Callable[[Any], object] | None,
        repeats_last: bool,
    ) -> Iterator[Page]:
        """Yield the pages of a list whose places are counted.

        :param place: :class:`_Number` or :class:`_Offset` of the first page
        """
        received, whole = _Received(), None
        while True:
            body = self._body_at(path, place)
            page = self._page_of(body, records, path)
            if place.is_to_be_asked_again(page, received):
                continue
            in_vain = received.note(page)
            if page and not (in_vain and repeats_last):
                yield page
            if in_vain >= _MOST_IN_VAIN and not repeats_last:
                raise self._endless(path)
            before, whole = whole, _whole_number(total(body)) if total and body is not None else None
            if whole is not None and whole < len(page):  # -1 or 0, by which systems say that they have not counted
                whole = None
            place.after(len(page))
            if before is not None and whole is not None and whole < before and in_vain < _MOST_IN_VAIN:
                place.go_back(before - whole)
                continue
            if more and not (body is not None and more(body)):
                return
            if not more and not page:
                return
            if not more and whole is not None and min(place.reached, received.number) >= whole:
                return
            if repeats_last and in_vain >= (_REPEATED_AT_END if whole is None else _MOST_IN_VAIN):
                return

    def _body_at(self, path: str, place: _Number | _Offset) -> Any:
        try:
            return self.request_json("GET", path, params=place.params)
        except (IDMissingInBackend, InvalidDataError) as error:
            if place.reached == 0 or isinstance(error, UnreadableAnswer):
                raise
            # for its author: it is about this code
            hint = f"It is asked with {place.shown}: if its list ends before, tell by total or more how it says so."
            raise type(error)(f"{error}. {hint}") from None

    def _page_of(self, body: Any, records: Callable[[Any], Any], path: str) -> Page:
        page = [] if body is None else records(body)
        if not isinstance(page, list):
            raise InvalidDataError(
                self._(
                    "What %(system)s answers to %(path)s is not a list of records.",
                    system=self._label,
                    path=self._mask(path),
                )
            )
        return page

    def _next_link(self, response: requests.Response, path: str) -> str | None:
        """Return the address of the next page from the header ``Link``, None if there is none."""
        header = response.headers.get("Link", "")
        for address, parameters in _LINK.findall(header):
            named = {name.lower(): value.strip("\"' ") for name, value in _PARAMETER.findall(parameters)}
            if "next" in named.get("rel", "").lower().split() and address.strip():
                return urljoin(response.url, address.strip())
        if _LINK.sub(lambda link: _PARAMETER.sub("", link[2]), header).strip(" \t,;"):
            raise InvalidDataError(
                self._(
                    "The header Link of %(system)s for %(path)s cannot be read, so nobody knows whether the list goes on: %(header)s",
                    system=self._label,
                    path=self._mask(path),
                    header=self._mask(header),
                )
            )
        return None

    def _endless(self, path: str) -> InvalidDataError:
        return InvalidDataError(
            self._(
                "%(system)s gives the same page of %(path)s again and again.",
                system=self._label,
                path=self._mask(path),
            )
        )


class _Received:
    """What a list has brought so far, remembered by hashes.

    ``number`` is how many different records were received.
    """

    def __init__(self) -> None:
        self._records: set[int] = set()
        self._places: set[int] = set()
        self._in_vain = 0

    @property
    def number(self) -> int:
        return len(self._records)

    def has_all(self, page: list[Any]) -> bool:
        """Return whether a page brings nothing new."""
        return self._records.issuperset(map(_hash, page))

    def note(self, page: list[Any]) -> int:
        """Remember the records of a page.

        :return: how many pages in a row, up to this one, have brought nothing new
        """
        hashes = set(map(_hash, page))
        self._in_vain = self._in_vain + 1 if hashes <= self._records else 0
        self._records |= hashes
        return self._in_vain

    def is_first_time(self, place: object) -> bool:
        """Remember a cursor or an address, and return whether it was new."""
        place = _hash(place)
        is_new = place not in self._places
        self._places.add(place)
        return is_new


class _Number:
    """The place of a page by its number.

    ``reached`` is the number of records up to the end of the last page.
    """

    reached = 0

    def __init__(self, params: Mapping[str, Any] | None, name: str, first: int, size_name: str, size: int) -> None:
        self._params, self._name, self._size_name = params or {}, name, size_name
        self._at = self._first = first
        self._size = size
        self._given: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        return {**self._params, self._name: self._at, self._size_name: self._size}

    @property
    def shown(self) -> str:
        return f"{self._name}={self._at} and {self._size_name}={self._size}"

    def is_to_be_asked_again(self, page: list[Any], received: _Received) -> bool:
        """Return whether the second page has to be asked for once more, in the size that is given.

        The system has lowered the size, but may count pages by the size that was asked for. By the
        size that it gives, all systems count alike.
        """
        if self._given and self._at == self._first + 1 and 0 < len(page) <= self._given < self._size:
            if received.has_all(page):
                return False
            self._size = self._given
            return True
        return False

    def after(self, length: int) -> None:
        """Go to the next page.

        :param length: number of records of this page
        """
        if self._given is None:
            self._given = length
        self.reached = (self._at - self._first) * self._size + length
        self._at += 1

    def go_back(self, deleted: int) -> None:
        """Go back to the pages into which the next records may have moved.

        :param deleted: number of records that were deleted before the last page was read
        """
        pages = -(-deleted // self._size)
        self._at = max(self._first, self._at - 1 - pages)


class _Offset:
    """The place of a page by its offset; the attributes are those of :class:`_Number`."""

    reached = 0

    def __init__(self, params: Mapping[str, Any] | None, name: str, size_name: str, size: int) -> None:
        self._params, self._name, self._size_name = params or {}, name, size_name
        self._at, self._last, self._size = 0, 0, size

    @property
    def params(self) -> dict[str, Any]:
        return {**self._params, self._name: self._at, self._size_name: self._size}

    @property
    def shown(self) -> str:
        return f"{self._name}={self._at} and {self._size_name}={self._size}"

    def is_to_be_asked_again(self, page: list[Any], received: _Received) -> bool:
        return False

    def after(self, length: int) -> None:
        self._last, self.reached = self._at, self._at + length
        self._at += length or self._size  # an empty page that is not the last one

    def go_back(self, deleted: int) -> None:
        self._at = max(0, self._last - deleted)


def _hash(value: object) -> int:
    return hash(json.dumps(value, default=repr))


def _whole_number(value: Any) -> int | None:
    """Return the number of records that a system names, None if it is no number."""
    try:
        return None if isinstance(value, bool) else int(value)
    except (OverflowError, TypeError, ValueError):
        return None
