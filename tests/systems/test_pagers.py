"""Lists of a real server with any page size that are changed meanwhile: no record is lost."""

import json
from contextlib import contextmanager
from functools import partial

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.connector.declaration import (
    CursorPages,
    Header,
    IdWindows,
    KeysetPages,
    LinkPages,
    NumberPages,
    OffsetPages,
)
from odoo.addons.connector.declaration.paginators import Listing
from odoo.addons.connector.exception import InvalidDataError, NetworkRetryableError
from odoo.addons.connector.testing import Answer, local_server
from odoo.addons.connector.unit.backend_adapter.bookmark import Bookmark
from odoo.addons.connector.unit.backend_adapter.paging import PageAnswer, Paging, pages_from

#: More examples than for other properties, as one takes little time
MANY = settings(max_examples=settings().max_examples * 5 // 2)


class Pager(Paging):
    """The pagers, with requests of their own: neither a backend nor a database is needed."""

    _label = "Shop"

    def __init__(self, url, session):
        self._url, self._session = url, session

    def request(self, _method, path, params=None, headers=None):
        return self._session.get(path if "://" in path else self._url + path, params=params, headers=headers)

    def request_json(self, method, path, params=None):
        return self.json_of(self.request(method, path, params))

    def json_of(self, response):
        return response.json() if response.content else None

    def declared(self, paginator, path):
        """Return the pages of a declared list of items."""
        listing = Listing(self._ask, path, {}, lambda answer: answer.body["items"], lambda record: record["id"])
        return pages_from(partial(paginator.pages, self, listing), None, lambda record: record["id"])

    def in_segments(self, paginator, path, every, before=lambda: None):
        """Yield the pages of a declared list that is left after some pages, again and again.

        What is kept from one segment to the next is JSON and digests.

        :param every: after how many pages
        :param before: function that is called before each segment but the first
        """
        listing = Listing(self._ask, path, {}, lambda answer: answer.body["items"], lambda record: record["id"])
        bookmark, records, places = Bookmark(), [], []
        while not bookmark.has_ended:
            start = bookmark.place
            for number, page in enumerate(paginator.pages(self, listing, bookmark), 1):
                yield page
                if number >= every and bookmark.can_be_left and bookmark.place != start:
                    break
            records += bookmark.received.new_records
            places += bookmark.received.new_places
            has_ended, bookmark = (
                bookmark.has_ended,
                Bookmark.of(json.loads(json.dumps(bookmark.state)), records, places),
            )
            bookmark.has_ended = has_ended
            before()

    def _ask(self, path, params):
        headers = {name.name: str(value) for name, value in (params or {}).items() if isinstance(name, Header)}
        values = {name: value for name, value in (params or {}).items() if not isinstance(name, Header)}
        response = self.request("GET", path, values, headers)
        return PageAnswer(self.json_of(response), response.headers, response.url)

    def id_of(self, record):
        return record["id"]

    def _mask(self, text):
        return text

    def _(self, text, **values):
        return text % values


class Shop:
    """A list of ids behind a server, which changes it before it answers.

    :param cap: most records of a page, whatever is asked; None for no limit
    :param changes: per request: None, or ``("insert" or "delete", number)``
    """

    def __init__(self, number, cap=None, changes=(), repeats_last=False, counts_by_asked=False):
        self.ids = list(range(number))
        self.next_id = number
        self.deleted = set()
        self.cap, self.changes = cap, list(changes)
        self.repeats_last, self.counts_by_asked = repeats_last, counts_by_asked

    def always_there(self, number):
        return set(range(number)) - self.deleted

    def change(self):
        kind, at = (self.changes.pop(0) if self.changes else None) or (None, 0)
        if kind == "insert":
            self.ids.insert(at % (len(self.ids) + 1), self.next_id)
            self.next_id += 1
        elif kind == "delete" and self.ids:
            self.deleted.add(self.ids.pop(at % len(self.ids)))

    def given(self, size):
        return min(size, self.cap or size)

    def answer(self, request):
        self.change()
        params = request.params
        if "after" in request.path:
            place = params.get("cursor") or params.get("since_id") or request.headers.get("X-Cursor") or -1
            return self.after(int(place), request)
        if "from" in params:
            return self.window(int(params["from"]), int(params["to"]))
        size = int(params.get("per_page") or params["limit"])
        given = self.given(size)
        by_number = "page" in params
        counted_by = size if self.counts_by_asked else given
        start = (int(params["page"]) - 1) * counted_by if by_number else int(params["offset"])
        if self.repeats_last and self.ids and start >= len(self.ids):
            start = (len(self.ids) - 1) // given * given if by_number else max(0, len(self.ids) - given)
        return Answer(self.body(start, given))

    def body(self, start, given):
        page = [{"id": id_} for id_ in self.ids[start : start + given]]
        return {"items": page, "total": len(self.ids), "more": start + given < len(self.ids)}

    def after(self, place, request):
        """Answer with what follows a record, by cursor or link."""
        page = sorted(id_ for id_ in self.ids if id_ > place)[: self.given(3)]
        is_last = not page or page[-1] == max(self.ids)
        following = None if is_last else page[-1]
        link = (
            {}
            if is_last
            else {
                "Link": f'</after/link?cursor={following}>; title="a;b", rel="x", <?cursor={following}>; rel="last next"'
            }
        )
        named = {} if is_last else {"X-Next": str(following)}
        url = None if is_last else f"/after/link?cursor={following}"
        body = {"items": [{"id": id_} for id_ in page], "next": following, "link": url, "more": not is_last}
        return Answer(body, headers={**link, **named})

    def window(self, first, last):
        found = sorted(id_ for id_ in self.ids if first <= id_ <= last)
        if self.lists_newest_first:
            found.reverse()
        return Answer({"items": [{"id": id_} for id_ in found[: self.given(len(found))]]})


class Gaps(Shop):
    """A shop whose ids are not one after the other."""

    def __init__(self, ids, cap=None, changes=(), lists_newest_first=False):
        super().__init__(0, cap, changes)
        self.lists_newest_first = lists_newest_first
        self.ids = sorted(ids)
        self.next_id = max(ids, default=0) + 1

    def always_there(self, ids):
        return set(ids) - self.deleted


@pytest.fixture(scope="module")
def served():
    """A pager, and a function that makes a shop what its server serves."""
    current = {}
    with local_server(lambda request: current["shop"].answer(request)) as server, requests.Session() as session:
        pager = Pager(server.url, session)

        def serve(shop):
            current["shop"] = shop
            return pager

        yield serve


def items(body):
    return body["items"]


def total(body):
    return body["total"]


def more(body):
    return body["more"]


class Itself(Shop):
    """A shop whose last page names itself as the next one."""

    def after(self, place, request):
        page = sorted(id_ for id_ in self.ids if id_ > place)[: self.given(3)]
        following = page[-1] if page else place
        url = f"/after/link?cursor={following}"
        return Answer({"items": [{"id": id_} for id_ in page], "next": following, "link": url})


COUNTED = ["pages_by_number", "pages_by_offset"]
# a name of a kind of pages, and whether they are declared
counted = st.tuples(st.sampled_from(COUNTED), st.booleans())
PLACES = {total: "total", more: "more"}


def listed(pager, kind, size, **options):
    """Return the pages of a list that is counted: by a method, or declared."""
    name, is_declared = kind
    if not is_declared:
        return getattr(pager, name)("/list", records=items, size=size, **options)
    value = {"pages_by_number": NumberPages, "pages_by_offset": OffsetPages}[name]
    return pager.declared(value(size=size, **{key: PLACES.get(said, said) for key, said in options.items()}), "/list")


def received(pages):
    return {record["id"] for page in pages for record in page}


def test_c1_c2_c3_pagers_bring_all_of_any_list(served):
    @MANY
    @given(
        counted,
        st.integers(0, 25),
        st.integers(1, 12),
        st.none() | st.integers(1, 12),
        st.booleans(),
        st.sampled_from([{}, {"total": total}, {"more": more}, {"total": total, "more": more}]),
        st.booleans(),
    )
    def check(kind, number, size, cap, counts_by_asked, said, repeats_last):
        # a system that repeats its last page and does not tell its end is one that is said to do so
        shop = Shop(number, cap, repeats_last=repeats_last, counts_by_asked=counts_by_asked)
        if counts_by_asked and (said or repeats_last):
            shop.counts_by_asked = False  # its own words about its end would be wrong
        pager = served(shop)
        options = {"repeats_last": True} if repeats_last and not said else {}
        assert received(listed(pager, kind, size, **said, **options)) == set(range(number))

    check()


changes = st.lists(st.none() | st.tuples(st.just("insert"), st.integers(0, 30)), max_size=12).map(
    # a page that comes twice is no end: so many in a row that it looks like one are another matter
    lambda steps: [step if number % 2 else None for number, step in enumerate(steps)]
)
# each deletion has pages read again: so many that a list looks endless are another matter, too
either = st.lists(st.none() | st.tuples(st.sampled_from(["insert", "delete"]), st.integers(0, 30)), max_size=9).map(
    lambda steps: [step if number % 2 else None for number, step in enumerate(steps)]
)


def test_c1_what_is_there_all_the_time_comes_while_others_are_inserted(served):
    @MANY
    @given(
        counted,
        st.integers(1, 18),
        st.integers(1, 8),
        st.none() | st.integers(1, 8),
        changes,
        st.booleans(),
    )
    def check(kind, number, size, cap, changes, repeats_last):
        shop = Shop(number, cap, changes, repeats_last)
        pages = listed(served(shop), kind, size, repeats_last=repeats_last)
        assert received(pages) >= shop.always_there(number)

    check()


def test_c1_and_while_others_are_deleted_where_there_is_a_total(served):
    @MANY
    @given(
        counted,
        st.integers(1, 18),
        st.integers(1, 8),
        st.none() | st.integers(1, 8),
        either,
    )
    def check(kind, number, size, cap, changes):
        shop = Shop(number, cap, changes)
        pages = listed(served(shop), kind, size, total=total)
        assert received(pages) >= shop.always_there(number)

    check()


def by_cursor(pager):
    return pager.pages_by_cursor("/after", records=items, next_cursor=lambda body: body["next"])


def by_link(pager):
    return pager.pages_by_link("/after/first", records=items)


# Each way to go on after the last record: a paginator, or a method
GOING_ON = [
    by_cursor,
    by_link,
    CursorPages(next="next"),
    CursorPages(next="next", more="more", size=3),
    CursorPages(next=Header("X-Next"), parameter=Header("X-Cursor")),
    LinkPages(),
    LinkPages(next="link"),
    KeysetPages(parameter="since_id"),
    KeysetPages(parameter="since_id", key="id", first=-1),
]


def test_c3_and_by_cursor_link_and_key_whatever_is_changed(served):
    @MANY
    @given(st.sampled_from(GOING_ON), st.integers(0, 18), st.none() | st.integers(1, 3), either)
    def check(way, number, cap, changes):
        shop = Shop(number, cap, changes)
        pager = served(shop)
        pages = way(pager) if callable(way) else pager.declared(way, "/after")
        assert received(pages) >= shop.always_there(number)

    check()


def test_c1_windows_of_ids_bring_all_of_any_ids_in_few_requests(served):
    @MANY
    @given(
        st.sets(st.integers(1, 25), min_size=8) | st.sets(st.integers(1, 100_000), max_size=12),
        st.integers(1, 12),
        st.none() | st.integers(2, 5),
        either,
        st.booleans(),
    )
    def check(ids, size, cap, changes, lists_newest_first):
        shop = Gaps(ids, cap, changes, lists_newest_first)
        pages = served(shop).declared(IdWindows(size=size, last=100_100), "/list")
        assert received(pages) >= shop.always_there(ids)

    check()


def test_c1_a_gap_of_a_million_ids_takes_few_requests_and_no_page_is_larger_than_its_window():
    ids = [*range(1, 6), *range(1_000_000, 1_000_020)]

    def answer(request):
        first, last = int(request.params["from"]), int(request.params["to"])
        return Answer({"items": [{"id": id_} for id_ in ids if first <= id_ <= last]})

    with local_server(answer) as server, requests.Session() as session:
        pages = list(Pager(server.url, session).declared(IdWindows(size=5), "/"))
        assert received(pages) == set(ids)
        assert max(map(len, pages)) <= 5
        assert len(server.requests) < 90


def test_c1_a_window_that_is_too_much_for_a_system_is_asked_for_in_parts():
    ids = [*range(1, 6), *range(5000, 8000)]

    def answer(request):
        first, last = int(request.params["from"]), int(request.params["to"])
        found = [{"id": id_} for id_ in ids if first <= id_ <= last]
        return Answer({"items": found}) if len(found) <= 300 else Answer({"error": "out of memory"}, 500)

    class Dying(Pager):
        def _ask(self, path, params):
            response = self.request("GET", path, params)
            if response.status_code == 500:
                error = NetworkRetryableError("out of memory")
                error.status = 500
                raise error
            return PageAnswer(response.json())

    with local_server(answer) as server, requests.Session() as session:
        pages = Dying(server.url, session).declared(IdWindows(size=250), "/")
        assert received(pages) == set(ids)
        assert len(server.requests) < 80
        with pytest.raises(NetworkRetryableError):
            list(Dying(server.url, session).declared(IdWindows(size=400), "/"))


def test_c2_a_last_page_that_leads_to_itself_is_the_end_where_that_is_said_and_else_an_error(served):
    @MANY
    @given(st.booleans(), st.integers(0, 18), st.none() | st.integers(1, 3), st.booleans())
    def check(is_link, number, cap, is_said):
        pager = served(Itself(number, cap))
        kind = LinkPages if is_link else CursorPages
        paginator = kind(next="link" if is_link else "next", repeats_last=is_said)
        if is_said:
            assert received(pager.declared(paginator, "/after/first")) == set(range(number))
        else:
            with endless():
                list(pager.declared(paginator, "/after/first"))

    check()


@contextmanager
def endless():
    with pytest.raises(InvalidDataError, match="again and again"):
        yield


# Each kind of list that can be left, with its path
LEFT = [
    *((way, "/after") for way in GOING_ON if not callable(way)),
    (NumberPages(size=3), "/list"),
    (NumberPages(size=3, total="total"), "/list"),
    (NumberPages(size=3, more="more"), "/list"),
    (OffsetPages(size=3), "/list"),
    (OffsetPages(size=3, total="total"), "/list"),
]


def test_c22_a_list_that_is_left_after_any_pages_goes_on_where_it_was(served):
    @MANY
    @given(st.sampled_from(LEFT), st.integers(0, 25), st.none() | st.integers(1, 3), st.integers(1, 4))
    def check(left, number, cap, every):
        paginator, path = left
        shop = Shop(number, cap)
        assert received(served(shop).in_segments(paginator, path, every)) == set(range(number))

    check()


def test_c22_and_what_is_there_all_the_time_comes_whatever_is_changed_between(served):
    @MANY
    @given(
        st.sampled_from(LEFT),
        st.integers(1, 25),
        st.none() | st.integers(1, 3),
        st.integers(1, 4),
        st.lists(st.tuples(st.sampled_from(["insert", "delete"]), st.integers(0, 30)), max_size=9),
        st.integers(1, 5),
    )
    def check(left, number, cap, every, changes, at_once):
        paginator, path = left
        shop = Shop(number, cap)

        def change():
            for _each in range(at_once):
                shop.changes[:0] = changes[:1]
                del changes[:1]
                shop.change()

        assert received(served(shop).in_segments(paginator, path, every, change)) >= shop.always_there(number)

    check()


def test_c22_windows_of_ids_go_on_after_any_of_them(served):
    @MANY
    @given(
        st.sets(st.integers(1, 25), min_size=8) | st.sets(st.integers(1, 100_000), max_size=12),
        st.integers(1, 12),
        st.none() | st.integers(2, 5),
        st.booleans(),
        st.integers(1, 4),
    )
    def check(ids, size, cap, lists_newest_first, every):
        shop = Gaps(ids, cap, (), lists_newest_first)
        pages = served(shop).in_segments(IdWindows(size=size, last=100_100), "/list", every)
        assert received(pages) == set(ids)

    check()


def test_c3_a_counted_list_that_says_more_and_gives_nothing_is_an_error():
    def answer(request):
        first = request.params["page"] == "1"
        return Answer({"items": [{"id": 1}, {"id": 2}] if first else [], "more": True})

    with local_server(answer) as server, requests.Session() as session, endless():
        list(Pager(server.url, session).declared(NumberPages(size=2, more="more"), "/"))


def test_c3_no_walk_through_the_pages_of_a_system_goes_on_for_ever():
    @MANY
    @given(st.lists(st.integers(0, 5), min_size=6, max_size=6), st.booleans(), st.booleans())
    def check(following, is_link, is_empty):
        """Each of six pages names the next one: such a walk always comes back to a page."""

        def answer(request):
            at = int(request.params.get("cursor", 0))
            link = {"Link": f"</?cursor={following[at]}>; rel=next"}
            return Answer(
                {"items": [] if is_empty else [{"id": at}], "next": following[at] + 100},
                headers=link if is_link else {},
            )

        with (
            local_server(lambda request: answer(request) if is_link else by_cursor(request)) as server,
            requests.Session() as session,
        ):

            def by_cursor(request):
                at = int(request.params.get("cursor", 100)) - 100
                return Answer({"items": [] if is_empty else [{"id": at}], "next": following[at] + 100})

            pager = Pager(server.url, session)
            with endless():
                if is_link:
                    list(pager.pages_by_link("/", records=items))
                else:
                    list(pager.pages_by_cursor("/", records=items, next_cursor=lambda body: body["next"]))
            assert len(server.requests) <= 8

    check()
