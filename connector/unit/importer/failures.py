"""Records of an import that fail, by reason: jobs of their own, and one checkpoint a reason."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import IntegrityError
from psycopg2.errors import UniqueViolation

from odoo.addons.jobs_queue.exception import (
    CONCURRENCY_ERRORS,
    FailedJobError,
    JobError,
    JobStopped,
    NothingToDoJob,
    NotYet,
)
from odoo.addons.jobs_queue.models.fingerprint import merged, names_and_words
from odoo.addons.jobs_queue.store.failures import FailedJob
from odoo.addons.jobs_queue.texts import storable

from ...exception import CredentialsRefused, InvalidDataError, ValueNotMatched
from ..backend_adapter.filters import UnusableFilters
from ..binding.state import mark_error
from ..checkpoint import add_checkpoint
from ..connector_unit import external_id_text
from .incoming import Incoming

_logger = logging.getLogger(__name__)

#: Records that fail for one reason until the others, of which none was imported, are not tried.
HOPELESS = 8
#: Records that fail for one reason and still get a job each. More of them are imported again by a
#: button of their checkpoint.
MOST_JOBS = 20


@dataclass
class _Reason:
    """A reason, and the records that fail for it."""

    kind: type[Exception]
    names: list[str]
    words: list[str]
    text: str
    incoming: list[Incoming] = field(default_factory=list)
    tried: int = 0  # how many of them were read; the others say nothing of the rest of the page


def without_unusable(importer: Any, items: Iterable[Any], id_of: Callable[[Any], Any]) -> list[Any]:
    """Return the items whose ids can be looked up; a checkpoint tells of the others.

    :param importer: any unit of the model
    :param items: list of ids or of records of the external system
    :param id_of: function that returns the id of an item
    """
    usable, refused = [], []
    for item in items:
        try:
            external_id_text(id_of(item))
        except InvalidDataError as error:
            refused.append(str(error))
        else:
            usable.append(item)
    if refused:
        backend = importer.backend_record
        names = {"number": len(refused), "backend": importer.environment.backend_name, "errors": "\n".join(refused[:3])}
        message = (
            importer._("One record of %(backend)s is left out:\n%(errors)s", **names)
            if len(refused) == 1
            else importer._("%(number)s records of %(backend)s are left out:\n%(errors)s", **names)
        )
        add_checkpoint(importer.session, backend._name, backend.id, backend, message, severity="error")
    return usable


def concerns_all(error: Exception) -> bool:
    """Return whether an exception concerns all records of a page, not only one of them."""
    if isinstance(error, NotYet):
        return False
    if isinstance(error, FailedJobError | NothingToDoJob):
        return isinstance(error, CredentialsRefused | JobStopped | UnusableFilters)
    return isinstance(error, (JobError, *CONCURRENCY_ERRORS))


class Failures:
    """The records of a page that cannot be imported.

    They are only collected at first, as the transaction may yet be rolled back to a savepoint;
    :meth:`leave` tells people and delays the jobs.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    """

    def __init__(self, importer: Any) -> None:
        self._importer = importer
        self._reasons: list[_Reason] = []
        self._texts: set[str | None] = set()  # the external ids of the records that fail for these reasons
        self._taken: list[Incoming] = []
        self._values: dict[tuple[str, str], ValueNotMatched] = {}

    def add(self, incoming: Incoming, error: Exception) -> None:
        """Note that a record cannot be imported.

        :param incoming: :class:`~.incoming.Incoming`
        :param error: the exception
        """
        if isinstance(error, UniqueViolation):
            # somebody else has created the same meanwhile: its job will find it
            self._taken.append(incoming)
        else:
            self._note(self._reason_of(incoming, error), [incoming])
            if isinstance(error, ValueNotMatched):
                self._values[error.model_name, str(external_id_text(error.external_id))] = error

    def __contains__(self, external_id: object) -> bool:
        """Whether the record with this external id has failed."""
        return external_id_text(external_id) in self._texts

    @property
    def have_one_reason(self) -> bool:
        """Whether so many records fail for one reason, and none for another, that all have it."""
        tried = [reason.tried for reason in self._reasons if reason.tried]
        return len(tried) == 1 and tried[0] >= HOPELESS

    def add_all(self, page: Collection[Incoming]) -> None:
        """Note that records which were not tried cannot be imported for the one reason."""
        self._note(max(self._reasons, key=lambda reason: reason.tried), page)

    def leave(self) -> dict[str, int]:
        """Delay the jobs of the records, mark their bindings, and ask people to look.

        :return: dict, ``"again"``: records that exist by now; ``"failed"``: records that fail and
            have a job each; ``"left"``: records that fail and are left to a person
        """
        done = {"again": len(self._taken), "failed": 0, "left": 0}
        for _incoming in self._importer.each(self._taken):
            self._importer._delay()
        for reason in self._reasons:
            done["left" if len(reason.incoming) > MOST_JOBS else "failed"] += len(reason.incoming)
            self._leave(reason)
        # in one order, so that two pages that lack the same values do not wait for each other
        for _value, error in sorted(self._values.items()):
            self._importer.env["connector.match"].sudo()._ask_for(error)
        return done

    def _leave(self, reason: _Reason) -> None:
        importer, page = self._importer, reason.incoming
        backend = importer.backend_record
        names = {"backend": importer.environment.backend_name, "error": reason.text}
        _logger.warning("%s of %s cannot be imported: %s", importer.model._name, *names.values())
        mark_error(importer.model.union(*(incoming.binding for incoming in page)), reason.text)
        if len(page) <= MOST_JOBS:
            for _incoming in importer.each(page):
                importer._delay()
        if len(page) == 1:
            to_review = page[0].binding or backend
            message = importer._(
                "Record %(id)s of %(backend)s cannot be imported: %(error)s", id=page[0].external_id, **names
            )
            add_checkpoint(
                importer.session,
                to_review._name,
                to_review.id,
                backend,
                message,
                severity="error",
                to_import=(importer.model._name, [page[0].external_id]),
            )
        else:
            message = importer._("Records of %(backend)s cannot be imported: %(error)s", **names)
            add_checkpoint(
                importer.session,
                backend._name,
                backend.id,
                backend,
                message,
                severity="error",
                to_import=(importer.model._name, [incoming.external_id for incoming in page]),
            )

    def _note(self, reason: _Reason, page: Collection[Incoming]) -> None:
        reason.incoming += page
        reason.tried += sum(incoming.record is not None for incoming in page)
        self._texts.update(external_id_text(incoming.external_id) for incoming in page)

    def _reason_of(self, incoming: Incoming, error: Exception) -> _Reason:
        """Return the reason of an error: the same for errors that differ in what varies."""
        text = storable(self._told(error)) or storable(repr(error))
        job = FailedJob(message=text, payload=f'["{incoming.external_id}"]', exc_name=type(error).__name__)
        names, words = names_and_words(job)
        for reason in self._reasons:
            if (reason.kind, reason.names) == (type(error), names) and (common := merged(reason.words, words)):
                reason.words = common
                return reason
        reason = _Reason(type(error), names, words, text)
        self._reasons.append(reason)
        return reason

    def _told(self, error: Exception) -> Exception | str:
        """Return what people read of an error: of the database's, not the row that it refuses."""
        if not isinstance(error, IntegrityError):
            return error
        env, table = self._importer.env, error.diag.table_name
        model = next((name for name, cls in env.registry.items() if cls._table == table), "base")
        return env[model]._sql_error_to_message(error)
