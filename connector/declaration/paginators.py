"""Paginators, declared as values: how an adapter asks for the next page of a list.

Each names the parameters and the places in an answer; the pagers of ``paging.py`` do the rest. All
lists end by their one rule: with an empty page, or as the system says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

from odoo.addons.jobs_queue.texts import shown

from ..exception import InvalidDataError
from ..unit.backend_adapter.bookmark import Bookmark
from ..unit.backend_adapter.json_paths import check_path, value_at
from ..unit.backend_adapter.paging import Ask, Ends, Finder, Page, PageAnswer, Paging, link_from
from ..unit.backend_adapter.places import IdRange, Number, Offset, whole_number
from .values import Header

#: Texts by which systems say no.
_NO = ("", "0", "false", "no", "null", "none")

#: Where something stands in an answer: a JMESPath into its body, or a header.
Place: TypeAlias = str | Header


@dataclass(frozen=True)
class Listing:
    """A list to read.

    :param ask: ``function(path, params)`` that requests a page. A parameter whose name is a
        :class:`Header` is sent as one
    :param path: path of the list, for requests and messages
    :param params: parameters of each page
    :param records: ``function(answer)`` that returns the records of a page
    :param id_of: ``function(record)`` that returns the id of a record
    """

    ask: Ask
    path: str
    params: Mapping[Any, Any]
    records: Finder
    id_of: Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Paginator:
    """Base of the values that say how a list goes on."""

    # names of the attributes that are: places in an answer, names of parameters, whole numbers; and
    # of those that may be None
    _places: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[tuple[str, ...]] = ()
    _numbers: ClassVar[tuple[str, ...]] = ()
    _optional: ClassVar[tuple[str, ...]] = ()
    # and of the places that cannot be a header
    _json_places: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in (*self._places, *self._names, *self._numbers):
            value = getattr(self, name)
            if not (value is None and name in self._optional):
                self._check(name, value)

    def _check(self, name: str, value: object) -> None:
        title = f"{type(self).__name__}, {name}"
        if name in self._numbers:
            if isinstance(value, bool) or not isinstance(value, int) or value < (1 if name == "size" else 0):
                raise ValueError(f"{title} is {shown(value)}: it must be a whole number, and a size at least 1")
        elif isinstance(value, Header) and name not in self._json_places:
            return
        elif name in self._places:
            check_path(value, title)
        elif not isinstance(value, str) or not value:
            raise ValueError(f"{title} is {shown(value)}: it must be the name of a parameter")

    @property
    def names(self) -> frozenset[str]:
        """The names of the parameters that say which page is asked for."""
        names = {getattr(self, name) for name in self._names}
        return frozenset(name for name in names if isinstance(name, str))

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters whose values are the paginator's alone."""
        return self.names

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        """Yield the pages of a list from a bookmark on, empty ones, too.

        :param adapter: adapter whose pagers read it
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class OnePage(Paginator):
    """A list that comes as a whole, by one request."""

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        return adapter._link_pages(
            listing.ask, listing.path, listing.params, listing.records, lambda answer: None, bookmark
        )


@dataclass(frozen=True, kw_only=True)
class _CountedPages(Paginator):
    """Pages whose places are counted.

    :param size: number of records to ask for in a page; the system may give fewer
    :param total: where an answer says how many records there are in all, not how many pages:
        JMESPath or :class:`Header`
    :param more: where it says whether there is more
    :param repeats_last: whether the system answers with its last page if a later one is asked for
    """

    size: int = 100
    total: Place | None = None
    more: Place | None = None
    repeats_last: bool = False

    _places = ("total", "more")
    _optional = ("total", "more", "size_parameter")

    def _pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark, place: Number | Offset) -> Iterator[Page]:
        total = None if self.total is None else _found_in(self.total)
        ends = Ends(total, _truth_in(self.more), self.repeats_last)
        return adapter._counted_pages(listing.ask, listing.path, place, listing.records, ends, bookmark)


@dataclass(frozen=True, kw_only=True)
class NumberPages(_CountedPages):
    """Pages by number: ``?page=1&per_page=100``, ``?page=2&per_page=100``.

    :param parameter: name of the parameter for the number
    :param size_parameter: name of the parameter for the size; None if the system takes none
    :param first: number of the first page
    :param size: see :class:`OffsetPages`, as total, more and repeats_last
    """

    parameter: str | Header = "page"
    size_parameter: str | Header | None = "per_page"
    first: int = 1

    _names = ("parameter", "size_parameter")
    _numbers = ("size", "first")

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        place = Number(listing.params, self.parameter, self.first, self.size_parameter, self.size)
        return self._pages(adapter, listing, bookmark, place)


@dataclass(frozen=True, kw_only=True)
class OffsetPages(_CountedPages):
    """Pages by the number of records before them: ``?offset=0&limit=9``, ``?offset=9&limit=9``.

    :param parameter: name of the parameter for the offset
    :param size_parameter: name of the parameter for the size; None if the system takes none
    :param size: number of records to ask for in a page; the system may give fewer
    :param total: where an answer says how many records there are in all: JMESPath or
        :class:`Header`
    :param more: where it says whether there is more. Where it says nothing, the list goes on until
        a page is empty
    :param repeats_last: whether the system answers with its last page if a later one is asked for
    """

    parameter: str | Header = "offset"
    size_parameter: str | Header | None = "limit"

    _names = ("parameter", "size_parameter")
    _numbers = ("size",)

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        place = Offset(listing.params, self.parameter, self.size_parameter, self.size)
        return self._pages(adapter, listing, bookmark, place)


@dataclass(frozen=True, kw_only=True)
class _SizedPages(Paginator):
    """Pages that follow each other, whatever their size.

    :param size: number of records to ask for in a page; None: as many as the system likes to give
    :param size_parameter: name of the parameter for the size
    """

    size: int | None = None
    size_parameter: str | Header = "limit"

    _names: ClassVar[tuple[str, ...]] = ("size_parameter",)
    _numbers = ("size",)
    _optional: ClassVar[tuple[str, ...]] = ("size", "more", "key", "total")

    def _params(self, listing: Listing) -> dict[Any, Any]:
        return {**listing.params, **({} if self.size is None else {self.size_parameter: self.size})}


@dataclass(frozen=True, kw_only=True)
class CursorPages(_SizedPages):
    """Pages by a cursor, with which an answer says where the next page begins.

    ``CursorPages(size=100, next="meta.next", parameter="cursor")``

    :param next: where an answer has the next cursor: JMESPath or :class:`Header`. Nothing there is
        the end, and so is an empty text
    :param parameter: name of the parameter for the cursor, or :class:`Header`
    :param more: where an answer says whether there is more: JMESPath, :class:`Header`, or None if
        only the cursor tells
    :param total: where it says how many records there are in all: JMESPath or :class:`Header`. A
        long list that brings fewer is read once more
    :param repeats_last: whether the last page names its own cursor as the next one, and so has no
        end. By default that is an error
    :param size: number of records to ask for in a page; None: as many as the system likes to give
    :param size_parameter: name of the parameter for the size
    """

    next: Place
    parameter: str | Header = "cursor"
    more: Place | None = None
    total: Place | None = None
    repeats_last: bool = False

    _places = ("next", "more", "total")
    _names = ("parameter", "size_parameter")

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        cursor_in = _found_in(self.next)
        return adapter._cursor_pages(
            listing.ask,
            listing.path,
            self._params(listing),
            listing.records,
            self.parameter,
            lambda answer, page: cursor_in(answer),
            bookmark,
            _truth_in(self.more),
            self.repeats_last,
            None if self.total is None else _found_in(self.total),
        )


@dataclass(frozen=True, kw_only=True)
class LinkPages(_SizedPages):
    """Pages by a link to the next one.

    :param next: JMESPath to the link, such as ``_links.next.href``; None: the header ``Link``
    :param repeats_last: whether the link of the last page leads to that page, and so has no end. By
        default that is an error
    :param size: number of records to ask for in a page; None: as many as the system likes to give
    :param size_parameter: name of the parameter for the size
    """

    next: str | None = None
    repeats_last: bool = False

    _places = _json_places = ("next",)
    _optional = ("size", "next")

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        def following(answer: PageAnswer) -> str | None:
            if self.next is None:
                return adapter._next_link(answer, listing.path)
            return link_from(answer, self._text_of(value_at(self.next, answer.body)))

        params = self._params(listing)
        return adapter._link_pages(
            listing.ask, listing.path, params, listing.records, following, bookmark, self.repeats_last
        )

    def _text_of(self, found: Any) -> str | None:
        if found and not isinstance(found, str):
            names = f" with {', '.join(map(str, found))}" if isinstance(found, dict) else ""
            raise InvalidDataError(
                f"LinkPages, next is {self.next!r}, where the answer has no text but a {type(found).__name__}{names}: "
                "name where the address itself is, as in '_links.next.href'"
            )
        return found or None


@dataclass(frozen=True, kw_only=True)
class KeysetPages(_SizedPages):
    """Pages that begin after the key of the last record: ``?since_id=0``, ``?since_id=250``.

    The list has to be in the order of the key, and no two records have the same key. Numbers that
    are not in order, also those that are texts, are an error, and so are two records of a page with
    the same key: records would be lost.

    :param parameter: name of the parameter for the key
    :param key: JMESPath to the key in a record; None: the id of the record
    :param first: value of the parameter for the first page, None to leave it out
    :param more: where an answer says whether there is more: JMESPath, :class:`Header`, or None: the
        list ends with an empty page
    :param rest: whether the system leaves out of a page what our user may not see, so that a page
        may be empty although others follow. After a page that is not full, the rest of the list is
        asked for without a size then; the list ends where that is empty
    :param size: number of records to ask for in a page; None: as many as the system likes to give
    :param size_parameter: name of the parameter for the size
    """

    parameter: str | Header
    key: str | None = None
    first: str | int | None = None
    more: Place | None = None
    rest: bool = False

    _places = ("key", "more")
    _json_places = ("key",)
    _names = ("parameter", "size_parameter")

    @property
    def parameters(self) -> frozenset[str]:
        """Without the key: the first page may begin with a value of one's own."""
        return super().parameters - {self.parameter}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rest and (self.size is None or self.more is not None):
            raise ValueError("KeysetPages, rest is for pages with a size, where no answer says whether there is more")

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        params = self._params(listing)
        if self.first is not None:
            params[self.parameter] = self.first
        order = _Order(f"{type(adapter).__name__}, KeysetPages: the list {listing.path}", bookmark)

        def following(answer: PageAnswer, page: Page) -> Any:
            keys = [self._key_of(listing, record) for record in page]
            order.note(keys)
            return keys[-1] if keys else None

        goes_on: Callable[[PageAnswer, Page], Any] = following
        if self.rest:
            listing, goes_on = self._to_the_rest(adapter, listing, following)
        more = _truth_in(self.more)
        return adapter._cursor_pages(
            listing.ask, listing.path, params, listing.records, self.parameter, goes_on, bookmark, more
        )

    def _to_the_rest(
        self, adapter: Paging, listing: Listing, following: Callable[[PageAnswer, Page], Any]
    ) -> tuple[Listing, Callable[[PageAnswer, Page], Any]]:
        """Return the list with the rest in each page that is not full, and how it goes on."""
        size, has_ended = self.size or 0, False

        def ask(path: str, params: Mapping[Any, Any] | None) -> PageAnswer:
            nonlocal has_ended
            page, asked = adapter._page_of(listing.ask(path, params), listing.records, path), dict(params or {})
            has_ended = False
            if len(page) < size:
                del asked[self.size_parameter]
                if page:
                    asked[self.parameter] = self._key_of(listing, page[-1])
                rest = adapter._page_of(listing.ask(path, asked), listing.records, path)
                page, has_ended = [*page, *rest], not rest
            return PageAnswer(page)

        def following_or_none(answer: PageAnswer, page: Page) -> Any:
            place = following(answer, page)
            return None if has_ended else place

        return replace(listing, ask=ask, records=lambda answer: answer.body), following_or_none

    def _key_of(self, listing: Listing, record: Any) -> Any:
        return listing.id_of(record) if self.key is None else value_at(self.key, record)


@dataclass(frozen=True, kw_only=True)
class IdWindows(Paginator):
    """Windows of ids, for systems that have no pages: 1 to 1000, 1001 to 2000.

    Ids are whole numbers, and a window is listed in their order, up or down. After a window without
    records the next one is wider, so that gaps take few requests. To find out that nothing follows
    takes some twenty of them, fewer with ``last``.

    :param size: number of ids in a window
    :param from_parameter: name of the parameter for the first id of a window
    :param to_parameter: name of the parameter for the last id of a window
    :param first: the first id of all
    :param last: the last id of all. Higher ids are not asked for: say so where there are any
    """

    size: int = 1000
    from_parameter: str | Header = "from"
    to_parameter: str | Header = "to"
    first: int = 1
    last: int = 2**31 - 1

    _names = ("from_parameter", "to_parameter")
    _numbers = ("size", "first", "last")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.first > self.last:
            raise ValueError(f"IdWindows, first is {self.first} and last is {self.last}: there is no id between them")

    def pages(self, adapter: Paging, listing: Listing, bookmark: Bookmark) -> Iterator[Page]:
        window = IdRange(listing.params, self.from_parameter, self.to_parameter, self.size, self.first, self.last)
        return adapter._window_pages(listing.ask, listing.path, window, listing.records, listing.id_of, bookmark)


class _Order:
    """The order of keys: each has another one, and numbers go up or down from first to last.

    :param name: text for the message
    :param bookmark: after which key they come, and whether they go down
    """

    def __init__(self, name: str, bookmark: Bookmark) -> None:
        self._name, self._bookmark = name, bookmark
        last = bookmark.place
        self._last: float | None = last if isinstance(last, float) else whole_number(last)

    def note(self, keys: list[Any]) -> None:
        """Look at the keys of the next page.

        The first of them may be the last of the page before: some systems begin with it again.

        :raise InvalidDataError: a record has no key, two have the same, or they are not in order
        """
        for before, key in zip([None, *keys], keys, strict=False):
            if key is None or key == "":
                raise InvalidDataError(f"{self._name} has a record without the key")
            if key == before:
                raise InvalidDataError(
                    f"{self._name} has two records with the key {shown(key)}. If a page ended between such records, the second "
                    "would be lost: name a key that each record has for itself."
                )
            number = key if isinstance(key, float) else whole_number(key)
            if number is not None and self._last is not None and number != self._last:
                is_down = number < self._last
                if self._bookmark.memo not in (None, is_down):
                    raise InvalidDataError(
                        f"{self._name} is not in the order of the key: after {self._last} comes {number}, and records would be "
                        "lost. If the system can sort it, ask for that by params."
                    )
                self._bookmark.memo = is_down
            self._last = number


def _found_in(place: Place) -> Finder:
    """Return a function of an answer for what stands in it at a place."""
    if isinstance(place, Header):
        return lambda answer: answer.headers.get(place.name)
    return lambda answer: None if answer.body is None else value_at(place, answer.body)


def _truth_in(place: Place | None) -> Finder | None:
    """Return a function of an answer for whether a place says yes, None where it says nothing.

    Texts such as ``0`` say no.
    """
    if place is None:
        return None
    found_in = _found_in(place)

    def is_true(answer: PageAnswer) -> bool | None:
        found = found_in(answer)
        if found is None:
            return None
        return found.strip().lower() not in _NO if isinstance(found, str) else bool(found)

    return is_true
