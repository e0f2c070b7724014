"""Read a page of records, also where one of them makes the system refuse all."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import TypeAlias

import psycopg2
import requests

from odoo.addons.jobs_queue.exception import JobError, NothingToDoJob

from ...exception import IDMissingInBackend
from ..backend_adapter.errors import is_server_error
from ..types import ExternalId, ExternalRecord
from .failures import concerns_all

#: Records that were read: id as text to (id, record).
Found: TypeAlias = dict[str | None, tuple[ExternalId, ExternalRecord]]
#: ``function(external_ids)`` that reads records by one call.
ReadMany: TypeAlias = Callable[[Sequence[ExternalId]], Found]
#: ``function(external_id)`` that reads one record, and finds nothing if it is missing.
ReadOne: TypeAlias = Callable[[ExternalId], Found]

#: Records that fail alone until the page is given up, if nothing of it was read, or if the system
#: answers each of them by 500. One or a few records may make a page fail. If so many do, the reason
#: is another one, such as a system that is down: to go on would take two requests a record.
HOPELESS = 8

# What libraries raise that an adapter does not translate: the network or the code fails. Other
# OSErrors may be about a record: an answer 404, or a file that is not there
_OF_NO_RECORD = (
    ConnectionError,
    TimeoutError,
    requests.ConnectionError,
    requests.Timeout,
    ssl.SSLError,
    socket.gaierror,
    HTTPException,
    NotImplementedError,
    psycopg2.OperationalError,
)


class PageReader:
    """Reads the records of a page, by halves where it fails.

    If a page fails, and one record may be the reason, its halves are read, and so on down to that
    record. That takes at most two more requests for each halving: 14 for one record of a hundred.

    If nothing was read, and some records are said to be missing, either they are, or the call for
    many records is wrong. The call for one decides, as when one record is imported.

    :param read_many: reads records by one call; None: each is read by itself
    :param read_one: reads one record
    :param takes_failures: whether :attr:`unreadable` is looked at. If not, the first of them ends
        the reading
    :ivar failed: dict, external id to exception, of the records that fail alone. A missing one has
        an :class:`~odoo.addons.connector.exception.IDMissingInBackend`
    """

    def __init__(self, read_many: ReadMany | None, read_one: ReadOne, takes_failures: bool) -> None:
        self.failed: dict[ExternalId, Exception] = {}
        self._read_many, self._read_one, self._takes_failures = read_many, read_one, takes_failures
        self._has_read = False  # anything
        self._first_error: Exception | None = None

    def read(self, external_ids: Sequence[ExternalId]) -> Found:
        """Return the records of a page that can be read, in the order of their ids.

        :raise Exception: the error that concerns all of them; or, if nothing can be read, the first
            error; or a 500, see :data:`HOPELESS`; or that of a record, if nobody takes failures
        """
        found = self._read_parts([external_ids] if self._read_many else [[id_] for id_ in external_ids])
        if self._has_read or not self.failed:
            return found
        if self._read_many and len(self.unreadable) < len(self.failed):
            return self._read_singly(external_ids)
        raise self._first_error  # type: ignore[misc]  # there is one

    @property
    def unreadable(self) -> dict[ExternalId, Exception]:
        """Those of :attr:`failed` that are not missing."""
        return {id_: error for id_, error in self.failed.items() if not isinstance(error, IDMissingInBackend)}

    def _read_singly(self, external_ids: Sequence[ExternalId]) -> Found:
        self.failed.clear()
        self._read_many = self._first_error = None
        return self.read(external_ids)

    def _read_parts(self, parts: Sequence[Sequence[ExternalId]]) -> Found:
        # all of them before one is halved: what can be read tells that the system works
        answers = [self._try(part) for part in parts]
        found: Found = {}
        for part, answer in zip(parts, answers, strict=True):
            if answer is None and len(part) > 1 and not self._is_in_vain:
                middle = len(part) // 2
                answer = self._read_parts([part[:middle], part[middle:]])
            found.update(answer or {})
        return found

    def _try(self, part: Sequence[ExternalId]) -> Found | None:
        """Return the records of a part of the page, None if one of them may be why it fails."""
        try:
            found = self._read_many(part) if self._read_many else self._read_one(part[0])
        except Exception as error:
            if not self._may_be_due_to_one(error):
                raise
            failure = error
        else:
            self._has_read = True
            return found
        if isinstance(failure, NothingToDoJob):
            self._has_read = True  # enough to know that it is not imported
        self._first_error = self._first_error or failure
        if len(part) == 1:
            self.failed[part[0]] = failure
            if self.unreadable and (self._is_hopeless or not self._takes_failures):
                raise failure if self._has_read else self._first_error
        return None

    @property
    def _is_in_vain(self) -> bool:
        """Whether so many records have failed, and nothing was read, that halving finds nothing."""
        return not self._has_read and len(self.failed) >= HOPELESS

    @property
    def _is_hopeless(self) -> bool:
        failures = self.unreadable.values()
        in_vain = [error for error in failures if not self._has_read or is_server_error(error)]
        return len(in_vain) >= HOPELESS

    def _may_be_due_to_one(self, error: Exception) -> bool:
        """Return whether an exception at reading a page may be due to one of its records.

        What concerns a job, such as refused credentials or a system that cannot be reached, is not;
        but a system may also answer by 500 because of one record. A right may be missing for one
        record, where that was read by itself; a call for many would need it for all of them.
        """
        if is_server_error(error):
            return True
        if isinstance(error, _OF_NO_RECORD) or concerns_all(error):
            return False
        return not self._read_many or not isinstance(error, JobError)
