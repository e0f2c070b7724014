"""Requests of exports of which nobody knows whether they have arrived, as no answer came."""

from collections.abc import Collection, Mapping

from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import FailedJobError, JobStopped, NetworkRetryableError, RetryableJobError
from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import IDMissingInBackend, InvalidDataError, Rehearsed, UnreadableAnswer
from ..binding.sent import forget_targets


def is_refusal(error: Exception) -> bool:
    """Return whether the system has answered that it did not do what was asked.

    Without such an answer, it may have done it.
    """
    answered = isinstance(error, InvalidDataError | IDMissingInBackend | RetryableJobError | FailedJobError | Rehearsed)
    return answered and not isinstance(error, NetworkRetryableError | JobStopped | UnreadableAnswer)


def forget_until_answered(session: ConnectorSession, sent: Mapping[BaseModel, Collection[str]]) -> bool:
    """Forget what was last sent to the fields that a request is about to write; commit that.

    Nobody knows what the system has there until the answer has come and is stored, whatever happens
    meanwhile: a time-out, the end of the job's time, a dead worker, an error after the answer.
    Otherwise a value that somebody changes back before the next try would be that of the last
    export, and the system would keep the other one. In a rehearsal nothing is written there.
    Several jobs that run as one call own no transaction: nothing is forgotten for them.

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession` of the job
    :param sent: dict, record of the binding model to the names of the external fields
    :return: whether it has committed: then the locks of the transaction are gone, those that hooks
        have taken among them, and what was read may have changed
    """
    sent = {binding: targets for binding, targets in sent.items() if not binding.backend_id.sudo().is_rehearsal}
    if not session.owns_transaction:
        return False
    forgotten = [forget_targets(binding, targets) for binding, targets in sent.items()]
    if any(forgotten):
        session.commit()
    return any(forgotten)
