"""The position in a long list, with digests of what was read, kept between jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

#: Pages in a row that bring nothing new, after which a list counts as endless. Fewer are right: if
#: records are inserted while the list is read, a page comes twice.
MOST_IN_VAIN = 10
#: Empty pages in a row, each with a new cursor or link, after which a list counts as endless. Many
#: are right: some systems filter a page after they have cut it.
MOST_EMPTY = 1000

DIGEST_SIZE = 8  # bytes; among a million records two are alike with a probability of 1 to 37 million


class Bookmark:
    """Where a list goes on, and what it has brought so far.

    A pager moves it before it yields a page. So a list can be left after any page, and goes on at
    the bookmark later, in another process too.

    :ivar place: JSON value by which the pager goes on; None: the list begins
    :ivar has_ended: whether nothing follows
    :ivar can_be_left: whether the list may be left here. It may not while it catches up with where
        it was: then it would begin there again and again
    :ivar memo: JSON value that a pager keeps beside the place
    :ivar total: number of records of the whole list, None if the system does not say it
    :ivar received: what the list has brought before, and with this bookmark
    """

    def __init__(self, place: Any = None, received: Received | None = None) -> None:
        self.place = place
        self.has_ended = False
        self.can_be_left = True
        self.memo: Any = None
        self.total: int | None = None
        self.received = received or Received()

    @classmethod
    def of(cls, state: dict[str, Any], records: Iterable[bytes], places: Iterable[bytes]) -> Bookmark:
        """Return the bookmark that another one was.

        :param state: its :attr:`state`
        :param records: digests of the records that the list has brought before
        :param places: digests of the cursors and links
        """
        bookmark = cls(state["place"], Received(records, places))
        bookmark.total, bookmark.memo = state["total"], state["memo"]
        bookmark.received.in_vain, bookmark.received.empty = state["in_vain"], state["empty"]
        return bookmark

    @property
    def state(self) -> dict[str, Any]:
        """Where it is, as JSON; the digests are not in it."""
        received = self.received
        return {
            "place": self.place,
            "memo": self.memo,
            "total": self.total,
            "in_vain": received.in_vain,
            "empty": received.empty,
        }

    @property
    def is_at_beginning(self) -> bool:
        return self.place is None

    def go_to(self, place: Any) -> None:
        """Note that the list goes on at a place."""
        self.place = place

    def end(self) -> None:
        """Note that the list has ended."""
        self.has_ended = True


class Received:
    """What a list has brought so far, remembered by digests.

    A record is known by its id, if that can be told, so it is the same record whatever has changed
    in it.

    :param records: digests of the records
    :param places: digests of the cursors and links
    :ivar new_records: digests of those that have come since; and ``new_places``
    :ivar key_of: ``function(record)`` that returns the id of a record, or the record
    :ivar is_repeated: whether the last page has the records of the one before
    :ivar in_vain: how many pages in a row have brought nothing new
    :ivar empty: how many pages in a row were empty
    """

    def __init__(self, records: Iterable[bytes] = (), places: Iterable[bytes] = ()) -> None:
        self._records, self._places = set(records), set(places)
        self.key_of: Callable[[Any], Any] = _itself
        self._last: list[bytes] = []
        self.new_records: list[bytes] = []
        self.new_places: list[bytes] = []
        self.is_repeated = False
        self.in_vain = self.empty = 0

    @property
    def is_in_circle(self) -> bool:
        """Whether so many pages in a row have brought nothing new that the list has no end.

        A list that is in order may bring all of its records once more, if others were inserted
        before them.
        """
        if self.in_vain < MOST_IN_VAIN:
            return False
        return not self._last or self.in_vain * len(self._last) > self.number

    @property
    def number(self) -> int:
        """How many different records were received."""
        return len(self._records)

    def has_all(self, page: list[Any]) -> bool:
        """Return whether a page brings nothing new."""
        return self._records.issuperset(self._digests(page))

    def has_any(self, page: list[Any]) -> bool:
        """Return whether a record of a page was received before."""
        return not self._records.isdisjoint(self._digests(page))

    def note(self, page: list[Any], is_again: bool = False) -> None:
        """Remember the records of a page.

        :param is_again: whether the page is read again, and so may bring nothing new
        """
        digests = self._digests(page)
        self.is_repeated, self._last = bool(page) and digests == self._last, digests
        new = dict.fromkeys(each for each in digests if each not in self._records)
        self.in_vain = 0 if new else self.in_vain + (not is_again)
        self._records.update(new)
        self.new_records += new

    def _digests(self, page: list[Any]) -> list[bytes]:
        return [digest(self.key_of(record)) for record in page]

    def is_endless(self, page: list[Any]) -> bool:
        """Remember the records of a page with a new cursor or link.

        :return: whether so many pages have brought nothing new that there will be no end
        """
        self.empty = 0 if page else self.empty + 1
        if page:
            self.note(page)
        return self.empty >= MOST_EMPTY or (bool(page) and self.is_in_circle)

    def is_first_time(self, place: object) -> bool:
        """Remember a cursor or an address, and return whether it was new."""
        place = digest(place)
        if place in self._places:
            return False
        self._places.add(place)
        self.new_places.append(place)
        return True


def _itself(record: Any) -> Any:
    return record


def digest(value: object) -> bytes:
    """Return a digest of a JSON value, the same in all processes."""
    return blake2b(json.dumps(value, default=repr).encode(), digest_size=DIGEST_SIZE).digest()
