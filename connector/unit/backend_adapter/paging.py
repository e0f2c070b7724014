"""Pagination of long lists: by page number, offset, cursor, link, key or windows of ids.

All lists end by one rule. Requests go on until a page is empty, or until the system says that there
is no more, if the author names how it says so. A page that is shorter than asked is no end: systems
lower the size, and leave out what a user may not see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urljoin

import requests

from odoo.addons.jobs_queue.exception import NetworkRetryableError

from ...exception import IDMissingInBackend, InvalidDataError, PlaceForgotten, UnreadableAnswer
from ..connector_unit import external_id_text
from .bookmark import Bookmark
from .places import IdRange, Number, Offset, whole_number

#: Pages in a row that bring nothing new, after which a list ends whose last page is repeated.
_REPEATED_AT_END = 2

# A link of the header ``Link``: its address and its parameters
_LINK = re.compile(r'<([^<>]*)>((?:[^<",]|"(?:[^"\\]|\\.)*")*)')
_PARAMETER = re.compile(r';\s*([^\s=;,"]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^;,]*))?')


#: A page of a list.
Page: TypeAlias = list[Any]


@dataclass(frozen=True)
class PageAnswer:
    """The answer to a request for a page.

    :param body: its value, None if it has no content
    :param headers: its headers
    :param url: the address that has answered
    """

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


#: Requests a page: ``function(path, params)``. The path is that of the list, or a link; then the
#: params are None.
Ask: TypeAlias = Callable[[str, Mapping[Any, Any] | None], PageAnswer]
#: Finds something in an answer: ``function(answer)``.
Finder: TypeAlias = Callable[[PageAnswer], Any]


def _the_body(body: Any) -> Any:
    return body


def _in_body(function: Callable[[Any], Any]) -> Finder:
    """Return a function of an answer for one of its body; None is found where there is none."""
    return lambda answer: None if answer.body is None else function(answer.body)


def _in_body_if(function: Callable[[Any], Any] | None) -> Finder | None:
    return function and _in_body(function)


def _yes_in_body_if(function: Callable[[Any], object] | None) -> Finder | None:
    """Return a function of an answer that says yes or no; what is not there is no."""
    return function and (lambda answer: answer.body is not None and bool(function(answer.body)))


def pages_from(
    pager: Callable[[Bookmark], Iterator[Page]], bookmark: Bookmark | None, id_of: Callable[[Any], Any]
) -> Iterator[Page]:
    """Return the pages of a pager from a bookmark on; without one, all that are not empty.

    :param id_of: function that returns the id of a record
    """

    def key_of(record: Any) -> Any:
        try:
            external_id = external_id_text(id_of(record))
        except (AttributeError, LookupError, NotImplementedError, TypeError, ValueError, InvalidDataError):
            return record
        return record if external_id is None else external_id

    at = Bookmark() if bookmark is None else bookmark
    at.received.key_of = key_of
    return filter(None, pager(at)) if bookmark is None else pager(at)


class Paging:
    """Paging methods of an :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter`.

    Each is a generator that yields lists of records, and no empty ones. All take ``path`` and
    ``params`` of the first request, and ``records``: a ``function(body)`` that returns the records
    of a page from the value of its JSON. By default the body is the list. An answer without content
    is an empty page.

    With a ``bookmark`` they go on where it is, and move it before each page. Then they yield empty
    pages, too, so that a list can be left at each of them.

    A list may change while it is read. A record that is there from the beginning to the end comes
    at least once, and twice where others were inserted before it. If others are deleted before it,
    cursors and links have to be those of a system that remembers a place by its record. Numbers and
    offsets need a ``total``, which tells that something was deleted; where they go on at a
    bookmark, they read the page before it again.

    :raise InvalidDataError: a page is not a list, a cursor or link comes twice, or many pages in a
        row bring nothing new, so that there would be no end
    """

    if TYPE_CHECKING:  # of the adapter

        def request(self, *args: Any, **kwargs: Any) -> requests.Response: ...

        def request_json(self, *args: Any, **kwargs: Any) -> Any: ...

        def json_of(self, response: requests.Response) -> Any: ...

        def id_of(self, record: Any) -> Any: ...

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
        bookmark: Bookmark | None = None,
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
        place = Number(params, number, first, size_name, size)
        ends = Ends(_in_body_if(total), _yes_in_body_if(more), repeats_last)
        return pages_from(
            partial(self._counted_pages, self._get, path, place, _in_body(records), ends), bookmark, self.id_of
        )

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
        bookmark: Bookmark | None = None,
    ) -> Iterator[Page]:
        """Request pages by offset, which is the number of records that were received.

        :param offset: name of the parameter for the number of records to skip
        :param size: number of records to ask for in a page; the system may give fewer
        :param size_name: name of the parameter for the size
        :param total: as for :meth:`pages_by_number`
        :param more: as for :meth:`pages_by_number`
        :param repeats_last: as for :meth:`pages_by_number`
        """
        place = Offset(params, offset, size_name, size)
        ends = Ends(_in_body_if(total), _yes_in_body_if(more), repeats_last)
        return pages_from(
            partial(self._counted_pages, self._get, path, place, _in_body(records), ends), bookmark, self.id_of
        )

    def pages_by_cursor(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        next_cursor: Callable[[Any], Any],
        records: Callable[[Any], Any] = _the_body,
        cursor: str = "cursor",
        bookmark: Bookmark | None = None,
    ) -> Iterator[Page]:
        """Request the page of each cursor, until a page has no next cursor.

        :param next_cursor: ``function(body)`` that returns the cursor of the next page, None, False
            or an empty text after the last one; 0 is a cursor
        :param cursor: name of the parameter for the cursor
        """
        following = _in_body(next_cursor)
        pager = partial(self._cursor_pages, self._get, path, params, _in_body(records), cursor)
        return pages_from(partial(pager, lambda answer, page: following(answer)), bookmark, self.id_of)

    def pages_by_link(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        records: Callable[[Any], Any] = _the_body,
        bookmark: Bookmark | None = None,
    ) -> Iterator[Page]:
        """Follow the ``next`` link of the header ``Link``, until there is none.

        :raise InvalidDataError: a part of the header cannot be read, and may be that link
        """
        following = partial(self._next_link, path=path)
        pager = partial(self._link_pages, self._get_with_headers, path, params, _in_body(records), following)
        return pages_from(pager, bookmark, self.id_of)

    def _get(self, path: str, params: Mapping[str, Any] | None) -> PageAnswer:
        return PageAnswer(self.request_json("GET", path, params=params))

    def _get_with_headers(self, path: str, params: Mapping[str, Any] | None) -> PageAnswer:
        response = self.request("GET", path, params=params)
        return PageAnswer(self.json_of(response), response.headers, response.url)

    # How each kind of list goes on, however its pages are asked for. The pagers yield empty pages,
    # too, and move the bookmark before each page.

    def _counted_pages(
        self, ask: Ask, path: str, place: Number | Offset, records: Finder, ends: Ends, bookmark: Bookmark
    ) -> Iterator[Page]:
        """Yield the pages of a list whose places are counted.

        A list that goes on at a bookmark begins with the page before it: where others were deleted
        meanwhile, records have moved there. If that page has only new ones, it goes back further.
        In the order of the list, what stands before a record that was received was received, too.
        So nothing is lost from a page with such a record on.

        :param ask: ``function(path, params)`` that returns a :class:`PageAnswer`
        :param place: :class:`Number` or :class:`Offset` of the first page
        :param records: ``function(answer)`` that returns the records of a page
        :param ends: how the system says where the list ends
        """
        received = bookmark.received
        is_joined = bookmark.is_at_beginning
        if not is_joined:
            place.go_to(bookmark.place)
            was_at, is_joined = place.at, not place.go_to_page_before()
        else:
            was_at = None
        back = 1  # pages
        while not bookmark.has_ended:
            answer = self._answer_at(ask, path, place, may_be_beyond=not is_joined and not place.is_first)
            page = self._page_of(answer, records, path)
            if not is_joined and not received.has_any(page) and place.go_to_page_before(back):
                back *= 2
                continue
            is_again, is_joined = not is_joined, True
            if place.is_to_be_asked_again(page, received.has_all):
                place, answer, page = self._resized(ask, path, place, records, answer, page)
            received.note(page, is_again)
            before, whole = bookmark.total, whole_number(ends.total(answer)) if ends.total else None
            if whole is not None and whole < len(page):  # -1 or 0, by which systems say that they have not counted
                whole = None
            bookmark.total = whole
            place.after(len(page))
            if before is not None and whole is not None and whole < before and not received.is_in_circle:
                place.go_back(before - whole)
            elif self._has_ended(answer, page, place, ends, bookmark):
                bookmark.end()
            bookmark.go_to(place.state)
            bookmark.can_be_left = was_at is None or place.at > was_at
            yield [] if received.is_repeated and ends.repeats_last else page
            if received.is_in_circle and not bookmark.has_ended:
                raise self._endless(path)

    def _has_ended(
        self, answer: PageAnswer, page: Page, place: Number | Offset, ends: Ends, bookmark: Bookmark
    ) -> bool:
        """Return whether nothing follows a page of a list whose places are counted."""
        received, whole = bookmark.received, bookmark.total
        more = ends.more(answer) if ends.more else None
        if more is False or (more is None and not page):
            return True
        if more is None and whole is not None and min(place.reached, received.number) == whole:
            return True  # where more was received, it is another number, such as that of the pages
        if not ends.repeats_last:
            return False
        is_repeated = received.is_repeated and received.in_vain >= _REPEATED_AT_END
        return is_repeated and (whole is None or received.is_in_circle)

    def _cursor_pages(
        self,
        ask: Ask,
        path: str,
        params: Mapping[Any, Any] | None,
        records: Finder,
        cursor: Any,
        following: Callable[[PageAnswer, Page], Any],
        bookmark: Bookmark,
        more: Finder | None = None,
        repeats_last: bool = False,
        total: Finder | None = None,
    ) -> Iterator[Page]:
        """Yield the page of each cursor, until a page has no next one.

        :param cursor: name of the parameter for the cursor
        :param following: ``function(answer, page)`` that returns the next cursor, None, False or an
            empty text after the last page
        :param more: as of :class:`Ends`, None if only the cursor tells
        :param repeats_last: whether the cursor of the last page leads to that page
        :param total: as of :class:`Ends`
        """
        received, asked = bookmark.received, params or {}
        if not bookmark.is_at_beginning:
            asked = {**asked, cursor: bookmark.place}
        ask = self._first_from(ask, bookmark)
        while not bookmark.has_ended:
            answer = ask(path, asked)
            page = self._page_of(answer, records, path)
            if received.is_endless(page):
                raise self._endless(path)
            bookmark.total = whole_number(total(answer)) if total else None
            is_more = more(answer) if more else None
            at = None if is_more is False else following(answer, page)
            if at is None or at is False or at == "":
                if is_more:
                    raise self._without_cursor(path)
                bookmark.end()
            elif not received.is_first_time(at):
                if not repeats_last or at != asked.get(cursor):
                    raise self._endless(path)
                bookmark.end()
            bookmark.go_to(at)
            yield page
            asked = {**(params or {}), cursor: at}

    def _link_pages(
        self,
        ask: Ask,
        path: str,
        params: Mapping[Any, Any] | None,
        records: Finder,
        following: Callable[[PageAnswer], str | None],
        bookmark: Bookmark,
        repeats_last: bool = False,
    ) -> Iterator[Page]:
        """Yield the pages to which links lead.

        :param following: ``function(answer)`` that returns the address of the next page, None after
            the last one
        :param repeats_last: whether the link of the last page leads to that page
        """
        received = bookmark.received
        asked, before = path, None
        if not bookmark.is_at_beginning:
            asked, before, params = bookmark.place["link"], bookmark.place["after"], None
        ask = self._first_from(ask, bookmark)
        while not bookmark.has_ended:
            answer = ask(asked, params)
            page = self._page_of(answer, records, path)
            if repeats_last and answer.url == before:
                bookmark.end()
                return
            if not received.is_first_time(answer.url) or received.is_endless(page):
                raise self._endless(path)
            link, params, before = following(answer), None, answer.url
            if link:
                asked = link
            else:
                bookmark.end()
            bookmark.go_to({"link": link, "after": before})
            yield page

    def _first_from(self, ask: Ask, bookmark: Bookmark) -> Ask:
        """Return a function that asks, and tells if the place of a bookmark is refused.

        :raise PlaceForgotten: by that function, at its first call
        """
        if bookmark.is_at_beginning:
            return ask
        is_first = True

        def asking(path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
            nonlocal is_first
            was_first, is_first = is_first, False
            try:
                return ask(path, params)
            except (IDMissingInBackend, InvalidDataError) as error:
                if not was_first or isinstance(error, UnreadableAnswer):
                    raise
                raise PlaceForgotten(str(error)) from error

        return asking

    def _window_pages(
        self,
        ask: Ask,
        path: str,
        window: IdRange,
        records: Finder,
        id_of: Callable[[Any], Any],
        bookmark: Bookmark,
    ) -> Iterator[Page]:
        """Yield the records of one window of ids after the other.

        A window without records is no end: ids have gaps. The windows get wider then. Where a wide
        one has records, or fails, it is asked for in parts: the system may give fewer than it has,
        or not bear so many. For the same reason the next window begins after the highest id that
        was received, and where the ids of a page go down, what is below the lowest of them is asked
        for before.

        :param window: the first :class:`IdRange`
        :param id_of: ``function(record)`` that returns the id of a record
        """
        if not bookmark.is_at_beginning:
            window.go_to(bookmark.place)
        while not window.is_beyond:
            try:
                page = self._page_of(ask(path, window.params), records, path)
            except (InvalidDataError, NetworkRetryableError) as error:
                if not window.is_wide or not hasattr(error, "status"):
                    raise
                window.narrow()  # the system has answered: it may be too much for it
                bookmark.go_to(window.state)
                yield []
                continue
            if not page:
                window.pass_by()
            elif not all(window.has(id_of(record)) for record in page):
                raise self._outside(path, window.shown)
            elif window.is_wide:
                window.narrow()
                page = []
            else:
                ids = [int(id_of(record)) for record in page]
                if not window.is_in_order(ids):
                    raise self._disordered(path, window.shown)
                window.go_on(ids)
            bookmark.go_to(window.state)
            if window.is_beyond:
                bookmark.end()
            bookmark.received.note(page)
            yield page
        bookmark.end()

    def _resized(
        self, ask: Ask, path: str, place: Number | Offset, records: Finder, answer: PageAnswer, page: Page
    ) -> tuple[Number | Offset, PageAnswer, Page]:
        """Ask for a page in the size that the system gives; return its place, answer and records.

        It stays as it was where this brings nothing, as the system may hide what is there, or takes
        only some sizes. An error then tells of records that may be lost; of an empty page it is the
        end of the list.
        """
        resized = place.resized()
        try:
            other_answer = self._answer_at(ask, path, resized)
            other_page = self._page_of(other_answer, records, path)
        except (IDMissingInBackend, InvalidDataError) as error:
            if page or isinstance(error, UnreadableAnswer):
                raise
            return place, answer, page
        return (resized, other_answer, other_page) if other_page else (place, answer, page)

    def _answer_at(self, ask: Ask, path: str, place: Number | Offset, may_be_beyond: bool = False) -> PageAnswer:
        """Ask for a page.

        :param may_be_beyond: whether the list may have become so short that it ends before; some
            systems answer with an error then
        """
        try:
            return ask(path, place.params)
        except (IDMissingInBackend, InvalidDataError) as error:
            if may_be_beyond and not isinstance(error, UnreadableAnswer):
                return PageAnswer(None)
            if place.reached == 0 or isinstance(error, UnreadableAnswer):
                raise
            # for its author: it is about this code
            hint = f"It is asked with {place.shown}: if its list ends before, tell by total or more how it says so."
            raise type(error)(f"{error}. {hint}") from None

    def _page_of(self, answer: PageAnswer, records: Finder, path: str) -> Page:
        page = [] if answer.body is None else records(answer)
        if not isinstance(page, list):
            raise InvalidDataError(
                self._(
                    "What %(system)s answers to %(path)s is not a list of records.",
                    system=self._label,
                    path=self._mask(path),
                )
            )
        return page

    def _next_link(self, answer: PageAnswer, path: str) -> str | None:
        """Return the address of the next page from the header ``Link``, None if there is none."""
        header = answer.headers.get("Link", "")
        for address, parameters in _LINK.findall(header):
            named: dict[str, str] = {}
            for name, value in _PARAMETER.findall(parameters):
                named.setdefault(name.lower(), value.strip("\"' "))  # by RFC 8288 the first ``rel`` counts
            if "next" in named.get("rel", "").lower().split() and address.strip():
                return link_from(answer, address)
        unread = _LINK.sub(lambda link: _PARAMETER.sub("", link[2]), header).strip(" \t,;")
        if unread and "next" in header.lower():
            raise InvalidDataError(
                self._(
                    "The header Link of %(system)s for %(path)s cannot be read, so nobody knows whether the list goes on: %(header)s",
                    system=self._label,
                    path=self._mask(path),
                    header=self._mask(header),
                )
            )
        return None

    def _disordered(self, path: str, shown: str) -> InvalidDataError:
        # for its author: it is about this code
        return InvalidDataError(
            f"{type(self).__name__}: the list {self._mask(path)} of the ids {shown} is not in the order of its ids, so records "
            "would be lost if the system gives fewer than it has. If it can sort them, ask for that by params."
        )

    def _endless(self, path: str) -> InvalidDataError:
        return InvalidDataError(
            self._(
                "%(system)s gives the same page of %(path)s again and again.",
                system=self._label,
                path=self._mask(path),
            )
        )

    def _without_cursor(self, path: str) -> InvalidDataError:
        return InvalidDataError(
            self._(
                "%(system)s says that there is more of %(path)s, but not where: it names no cursor.",
                system=self._label,
                path=self._mask(path),
            )
        )

    def _outside(self, path: str, shown: str) -> InvalidDataError:
        return InvalidDataError(
            self._(
                "%(system)s answers to %(path)s with records whose ids are not within %(window)s.",
                system=self._label,
                path=self._mask(path),
                window=shown,
            )
        )


@dataclass(frozen=True)
class Ends:
    """How a system says where a list ends whose pages are counted.

    :param total: ``function(answer)`` that returns the number of records of the whole list
    :param more: ``function(answer)`` that returns True or False for whether there are more pages,
        None if the answer does not say it: then the list goes on as without it
    :param repeats_last: whether the last page comes again if a later one is asked for
    """

    total: Finder | None = None
    more: Finder | None = None
    repeats_last: bool = False


def link_from(answer: PageAnswer, address: object) -> str | None:
    """Return the whole address of a link in an answer, None if there is none."""
    return urljoin(answer.url, address.strip()) if isinstance(address, str) and address.strip() else None
