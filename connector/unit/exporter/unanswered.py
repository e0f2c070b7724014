"""Requests of exports of which nobody knows whether they have arrived, as no answer came."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import FailedJobError, JobStopped, NetworkRetryableError, RetryableJobError
from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import IDMissingInBackend, InvalidDataError, UnreadableAnswer
from ..binding.sent import forget_targets
from ..binding.state import OF_THE_JOB


def is_refusal(error: Exception) -> bool:
    """Return whether the system has answered that it did not do what was asked.

    Without such an answer, it may have done it.
    """
    answered = isinstance(error, InvalidDataError | IDMissingInBackend | RetryableJobError | FailedJobError)
    return answered and not isinstance(error, NetworkRetryableError | JobStopped | UnreadableAnswer)


@contextmanager
def unknown_if_unanswered(session: ConnectorSession, sent: Mapping[BaseModel, Collection[str]]) -> Iterator[None]:
    """Forget what was last sent if an update in the block may have arrived, to send it again.

    Otherwise a value that somebody changes back before the next try would be that of the last
    export, and the external system would keep the other one. The transaction, which ends with the
    error anyway, is rolled back, and what is forgotten is committed in its place, as by
    :func:`~odoo.addons.connector.unit.binding.state.mark_failure`. Several jobs that run as one
    call own no transaction: nothing is forgotten for them.

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession` of the job
    :param sent: dict, record of the binding model to the names of the external fields
    """
    try:
        yield
    except Exception as error:
        if session.owns_transaction and not is_refusal(error) and not isinstance(error, OF_THE_JOB):
            session.rollback()
            for binding, targets in sent.items():
                if binding.exists():
                    forget_targets(binding, targets)
            session.commit()
        raise
