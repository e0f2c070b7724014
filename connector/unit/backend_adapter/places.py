"""Places in a long list: by page number, by offset, by a window of ids.

A parameter's name is a text, or whatever the function that asks takes for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, ClassVar, Self


class _Counted:
    """A place in a list that is counted.

    ``reached`` is the number of records up to the end of the last page.

    :param params: further parameters
    :param name: name of the parameter for the place
    :param size_name: name of the parameter for the size, None if the system does not take one
    :param size: number of records to ask for in a page
    """

    reached = 0

    # names of the attributes that say where it is
    _kept: ClassVar[tuple[str, ...]] = ("_at", "_size", "reached")

    def __init__(self, params: Mapping[Any, Any] | None, name: Any, size_name: Any, size: int, at: int) -> None:
        self._params, self._name, self._size_name = params or {}, name, size_name
        self._size = size
        self._at = at

    @property
    def params(self) -> dict[Any, Any]:
        return {**self._params, **self._place}

    @property
    def at(self) -> int:
        """Number or offset of the page."""
        return self._at

    @property
    def is_first(self) -> bool:
        """Whether it is the first page of the list."""
        raise NotImplementedError

    @property
    def shown(self) -> str:
        return " and ".join(f"{name}={value}" for name, value in self._place.items())

    @property
    def _place(self) -> dict[Any, Any]:
        return {self._name: self._at, **({self._size_name: self._size} if self._size_name else {})}

    @property
    def state(self) -> dict[str, Any]:
        """Where it is, as JSON."""
        return {name: getattr(self, name) for name in self._kept}

    def go_to(self, state: Mapping[str, Any]) -> None:
        """Go to where another one was.

        :param state: its :attr:`state`
        """
        for name in self._kept:
            setattr(self, name, state[name])

    def is_to_be_asked_again(self, page: list[Any], has_all: Callable[[list[Any]], bool]) -> bool:
        """Return whether this page has to be asked for once more, in another size.

        :param has_all: ``function(page)`` that returns whether a page brings nothing new
        """
        return False

    def resized(self) -> Self:
        """Return this place in the size that the system gives."""
        raise NotImplementedError

    def after(self, length: int) -> None:
        """Go to the next page.

        :param length: number of records of this page
        """
        raise NotImplementedError

    def go_back(self, deleted: int) -> None:
        """Go back to where the next records may have moved.

        :param deleted: number of records that were deleted before the last page was read
        """
        raise NotImplementedError

    def go_to_page_before(self, pages: int = 1) -> bool:
        """Go back some pages, at most to the first one; return whether this was not the first."""
        raise NotImplementedError


class Number(_Counted):
    """The place of a page by its number."""

    _kept = (*_Counted._kept, "_given")

    def __init__(self, params: Mapping[Any, Any] | None, name: Any, first: int, size_name: Any, size: int) -> None:
        super().__init__(params, name, size_name, size, first)
        self._first = first
        self._given: int | None = None

    def is_to_be_asked_again(self, page: list[Any], has_all: Callable[[list[Any]], bool]) -> bool:
        """Return whether the second page has to be asked for once more, in the size that is given.

        The system may have lowered the size, and count pages by the size that was asked for. By the
        size that it gives, all systems count alike. An empty page may be behind what it has, too.
        """
        is_second = self._at == self._first + 1
        return bool(
            is_second and self._given and len(page) <= self._given < self._size and not (page and has_all(page))
        )

    def resized(self) -> Self:
        place = copy(self)
        place._size = self._given or self._size
        return place

    def after(self, length: int) -> None:
        if self._given is None:
            self._given = length
            if not self._size_name and length:  # the system has a size of its own
                self._size = length
        self.reached = (self._at - self._first) * self._size + length
        self._at += 1

    def go_back(self, deleted: int) -> None:
        pages = -(-deleted // self._size)
        self._at = max(self._first, self._at - 1 - pages)

    @property
    def is_first(self) -> bool:
        return self._at <= self._first

    def go_to_page_before(self, pages: int = 1) -> bool:
        if self.is_first:
            return False
        self._at = max(self._first, self._at - pages)
        return True


class Offset(_Counted):
    """The place of a page by its offset, the number of records before it."""

    _kept = (*_Counted._kept, "_last")

    def __init__(self, params: Mapping[Any, Any] | None, name: Any, size_name: Any, size: int) -> None:
        super().__init__(params, name, size_name, size, 0)
        self._last = 0

    def after(self, length: int) -> None:
        self._last, self.reached = self._at, self._at + length
        self._at += length or self._size  # an empty page that is not the last one

    def go_back(self, deleted: int) -> None:
        self._at = max(0, self._last - deleted)

    @property
    def is_first(self) -> bool:
        return self._at <= 0

    def go_to_page_before(self, pages: int = 1) -> bool:
        if self.is_first:
            return False
        self._at = self._last if self._last < self._at else max(0, self._at - pages * self._size)
        return True


class IdRange:
    """A window of ids: the numbers from one to another.

    :param params: further parameters
    :param first_name: name of the parameter for the first id
    :param last_name: name of the parameter for the last id
    :param size: number of ids
    :param first: the first id of all
    :param last: the last id of all
    """

    def __init__(
        self, params: Mapping[Any, Any] | None, first_name: Any, last_name: Any, size: int, first: int, last: int
    ) -> None:
        self._params, self._first_name, self._last_name = params or {}, first_name, last_name
        self._size = self._width = size
        self._at, self._last = first, last
        self._is_narrowing = False
        self._above: int | None = None  # highest id of a window that is read downwards

    @property
    def state(self) -> dict[str, Any]:
        """Where it is, as JSON."""
        return {"at": self._at, "width": self._width, "is_narrowing": self._is_narrowing, "above": self._above}

    def go_to(self, state: Mapping[str, Any]) -> None:
        """Go to where another one was.

        :param state: its :attr:`state`
        """
        self._at, self._width = state["at"], state["width"]
        self._is_narrowing, self._above = state["is_narrowing"], state["above"]

    @property
    def _end(self) -> int:
        return min(self._at + self._width - 1, self._last)

    @property
    def params(self) -> dict[Any, Any]:
        return {**self._params, self._first_name: self._at, self._last_name: self._end}

    @property
    def shown(self) -> str:
        return f"{self._at} to {self._end}"

    @property
    def is_beyond(self) -> bool:
        """Whether all ids were asked for."""
        return self._at > self._last

    @property
    def is_wide(self) -> bool:
        return self._width > self._size

    def has(self, external_id: object) -> bool:
        """Return whether a record with this id may be in the window."""
        number = whole_number(external_id)
        return number is not None and self._at <= number <= self._end

    def pass_by(self) -> None:
        """Go to the next window after one without records, a wider one unless that is too wide."""
        if self._above is not None:
            self._go_above(self._above)
            return
        self._at = self._end + 1
        if self._is_narrowing and self.is_wide:
            self.narrow()
        else:
            self._width, self._is_narrowing = self._width * 2, False

    def narrow(self) -> None:
        """Halve the window; the records are in it, or in the one that follows."""
        self._width, self._is_narrowing = max(self._size, self._width // 2), True

    def is_in_order(self, ids: list[int]) -> bool:
        """Return whether the ids of a page go up, or down as those above them."""
        return ids == sorted(ids, reverse=True) or (self._above is None and ids == sorted(ids))

    def go_on(self, ids: list[int]) -> None:
        """Go to the window after the highest id that was received.

        Where the ids go down, the system may have more below the lowest: that is asked for first.
        """
        is_down = self._above is not None or ids[0] > ids[-1]
        above = max(ids) if self._above is None else self._above
        if is_down and (below := min(ids) - self._at) > 0:
            self._above, self._width = above, below
        else:
            self._go_above(above)

    def _go_above(self, highest: int) -> None:
        self._at, self._width, self._is_narrowing, self._above = highest + 1, self._size, False, None


def whole_number(value: Any) -> int | None:
    """Return the whole number that a system gives, also as a text; None if it is none."""
    try:
        return None if isinstance(value, bool) else int(value)
    except (OverflowError, TypeError, ValueError):
        return None
