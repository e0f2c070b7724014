"""Lists of a real server with any page size that are changed meanwhile: no record is lost."""

from contextlib import contextmanager

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.testing import Answer, local_server
from odoo.addons.connector.unit.backend_adapter.paging import Paging

#: More examples than for other properties, as one takes little time
MANY = settings(max_examples=settings().max_examples * 5 // 2)


class Pager(Paging):
    """The pagers, with requests of their own: neither a backend nor a database is needed."""

    _label = "Shop"

    def __init__(self, url, session):
        self._url, self._session = url, session

    def request(self, _method, path, params=None):
        return self._session.get(path if "://" in path else self._url + path, params=params)

    def request_json(self, method, path, params=None):
        return self.json_of(self.request(method, path, params))

    def json_of(self, response):
        return response.json() if response.content else None

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
            return self.after(int(params.get("cursor", -1)), request)
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
        return Answer({"items": [{"id": id_} for id_ in page], "next": following}, headers=link)


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


def received(pages):
    return {record["id"] for page in pages for record in page}


def test_c1_c2_c3_pagers_bring_all_of_any_list(served):
    @MANY
    @given(
        st.sampled_from(["pages_by_number", "pages_by_offset"]),
        st.integers(0, 25),
        st.integers(1, 12),
        st.none() | st.integers(1, 12),
        st.booleans(),
        st.sampled_from([{}, {"total": total}, {"more": more}, {"total": total, "more": more}]),
        st.booleans(),
    )
    def check(pages, number, size, cap, counts_by_asked, said, repeats_last):
        # a system that repeats its last page and does not tell its end is one that is said to do so
        shop = Shop(number, cap, repeats_last=repeats_last, counts_by_asked=counts_by_asked)
        if counts_by_asked and (said or repeats_last):
            shop.counts_by_asked = False  # its own words about its end would be wrong
        pager = served(shop)
        options = {"repeats_last": True} if repeats_last and not said else {}
        assert received(getattr(pager, pages)("/list", records=items, size=size, **said, **options)) == set(
            range(number)
        )

    check()


changes = st.lists(st.none() | st.tuples(st.just("insert"), st.integers(0, 30)), max_size=12).map(
    # a page that comes twice is no end: so many in a row that it looks like one are another matter
    lambda steps: [step if number % 2 else None for number, step in enumerate(steps)]
)
either = st.lists(st.none() | st.tuples(st.sampled_from(["insert", "delete"]), st.integers(0, 30)), max_size=12).map(
    lambda steps: [step if number % 2 else None for number, step in enumerate(steps)]
)


def test_c1_what_is_there_all_the_time_comes_while_others_are_inserted(served):
    @MANY
    @given(
        st.sampled_from(["pages_by_number", "pages_by_offset"]),
        st.integers(1, 18),
        st.integers(1, 8),
        st.none() | st.integers(1, 8),
        changes,
        st.booleans(),
    )
    def check(pages, number, size, cap, changes, repeats_last):
        shop = Shop(number, cap, changes, repeats_last)
        pages = getattr(served(shop), pages)("/list", records=items, size=size, repeats_last=repeats_last)
        assert received(pages) >= shop.always_there(number)

    check()


def test_c1_and_while_others_are_deleted_where_there_is_a_total(served):
    @MANY
    @given(
        st.sampled_from(["pages_by_number", "pages_by_offset"]),
        st.integers(1, 18),
        st.integers(1, 8),
        st.none() | st.integers(1, 8),
        either,
    )
    def check(pages, number, size, cap, changes):
        shop = Shop(number, cap, changes)
        pages = getattr(served(shop), pages)("/list", records=items, size=size, total=total)
        assert received(pages) >= shop.always_there(number)

    check()


def test_c3_and_by_cursor_and_link_whatever_is_changed(served):
    @MANY
    @given(st.booleans(), st.integers(0, 18), st.none() | st.integers(1, 3), either)
    def check(is_link, number, cap, changes):
        shop = Shop(number, cap, changes)
        pager = served(shop)
        if is_link:
            pages = pager.pages_by_link("/after/first", records=items)
        else:
            pages = pager.pages_by_cursor("/after", records=items, next_cursor=lambda body: body["next"])
        assert received(pages) >= shop.always_there(number)

    check()


@contextmanager
def endless():
    with pytest.raises(InvalidDataError, match="again and again"):
        yield


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
