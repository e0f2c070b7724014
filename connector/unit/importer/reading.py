"""Read a page of records, also where one of them makes the system refuse all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from odoo.addons.jobs_queue.exception import CONCURRENCY_ERRORS, JobError

from ...exception import IDMissingInBackend
from ..backend_adapter.errors import is_server_error
from ..types import ExternalId, ExternalRecord

#: Records that were read: id as text to (id, record).
Found: TypeAlias = dict[str | None, tuple[ExternalId, ExternalRecord]]

#: Records that fail alone until the page fails as a whole, if nothing of it was read, or if the
#: system answers each of them by 500. One or a few records may make a page fail. If so many do, the
#: reason is another one, such as a system that is down: to go on would take two requests a record.
HOPELESS = 8


class PageReader:
    """Reads the records of a page, by halves where it fails.

    If a page fails, and one record may be the reason, its halves are read, and so on down to that
    record. That takes at most two more requests for each halving: 14 for one record of a hundred.

    :param read: ``function(external_ids)`` that reads records and returns them as :data:`Found`
    :param is_one_call: whether it reads them by one call. If not, each record is read by itself
    :ivar failed: dict, external id to exception, of the records that fail alone. A missing one has
        an :class:`~odoo.addons.connector.exception.IDMissingInBackend`
    """

    def __init__(self, read: Callable[[Sequence[ExternalId]], Found], is_one_call: bool) -> None:
        self.failed: dict[ExternalId, Exception] = {}
        self._read, self._is_one_call = read, is_one_call
        self._has_read = False  # anything
        self._first_error: Exception | None = None

    def read(self, external_ids: Sequence[ExternalId]) -> Found:
        """Return the records of a page that can be read, in the order of their ids.

        :raise Exception: the error that concerns all of them; or, if nothing can be read, the first
            error; or a 500, see :data:`HOPELESS`
        """
        found = self._read_parts([external_ids] if self._is_one_call else [[id_] for id_ in external_ids])
        if self.unreadable and not self._has_read:
            raise self._first_error  # type: ignore[misc]  # there is one
        return found

    @property
    def unreadable(self) -> dict[ExternalId, Exception]:
        """Those of :attr:`failed` that are not missing."""
        return {id_: error for id_, error in self.failed.items() if not isinstance(error, IDMissingInBackend)}

    def _read_parts(self, parts: Sequence[Sequence[ExternalId]]) -> Found:
        # all of them before one is halved: what can be read tells that the system works
        answers = [self._try(part) for part in parts]
        found: Found = {}
        for part, answer in zip(parts, answers, strict=True):
            if answer is None and len(part) > 1:
                middle = len(part) // 2
                answer = self._read_parts([part[:middle], part[middle:]])
            found.update(answer or {})
        return found

    def _try(self, part: Sequence[ExternalId]) -> Found | None:
        """Return the records of a part of the page, None if one of them may be why it fails."""
        try:
            found = self._read(part)
        except Exception as error:
            if not _may_be_due_to_one(error):
                raise
            failure = error
        else:
            self._has_read = True
            return found
        self._first_error = self._first_error or failure
        if len(part) == 1:
            self.failed[part[0]] = failure
            if self._is_hopeless:
                raise failure if self._has_read else self._first_error
        return None

    @property
    def _is_hopeless(self) -> bool:
        failures = self.failed.values()
        in_vain = [error for error in failures if not self._has_read or is_server_error(error)]
        return len(in_vain) >= HOPELESS


def _may_be_due_to_one(error: Exception) -> bool:
    """Return whether an exception at reading a page may be due to one of its records.

    What concerns a job, such as refused credentials, a missing right or a system that cannot be
    reached, is not; but a system may also answer by 500 because of one record.
    """
    return is_server_error(error) or not isinstance(error, (JobError, *CONCURRENCY_ERRORS))
