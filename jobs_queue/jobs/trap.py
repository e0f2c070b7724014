"""Trap for the jobs of a transaction: they are kept in a list, and never stored.

It is for a block that is rolled back anyway. Jobs that were stored meanwhile would make others wait
that delay the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from odoo.sql_db import BaseCursor

from ..savepoint import follow_savepoints

if TYPE_CHECKING:
    from .handle import Job

_trapped: WeakKeyDictionary[BaseCursor, list[Job]] = WeakKeyDictionary()


@contextmanager
def trapped_jobs(cr: BaseCursor) -> Iterator[list[Job]]:
    """Give the list of the jobs that a cursor's transaction delays in the block.

    Those that a rollback to a savepoint undoes are taken out of it. A job of the list has no id.

    :raise RuntimeError: the jobs of the transaction are trapped already
    """
    if cr in _trapped:
        raise RuntimeError("The jobs of this transaction are trapped already")
    jobs = _trapped[cr] = []
    try:
        yield jobs
    finally:
        del _trapped[cr]


def trap(cr: BaseCursor, job: Job) -> bool:
    """Keep a job if the transaction of its cursor is trapped; return whether it is."""
    jobs = _trapped.get(cr) if _trapped else None
    if jobs is None:
        return False
    jobs.append(job)
    return True


def _count(cr: BaseCursor) -> int:
    return len(_trapped.get(cr, ())) if _trapped else 0


def _forget(cr: BaseCursor, count: int | None) -> None:
    if _trapped and cr in _trapped:
        del _trapped[cr][count:]


follow_savepoints(_count, _forget)
