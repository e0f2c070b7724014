"""Unknown jobs: how long they may wait until they fail, and the messages about them.

While a new version is rolled out, or where workers have different addons, an unknown function says
nothing about the job. So the job is given back without counting an attempt. By default, it fails
when no worker has known it for an hour.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from odoo.tools.translate import LazyGettext, LazyTranslate

from .. import store
from ..jobs import RunningJob
from ..setting import number_of

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds until the next attempt.
AGAIN_SECONDS = 10
#: Minutes after which a job fails that no worker has known; the system parameter changes them.
UNKNOWN_MINUTES = 60
UNKNOWN_MINUTES_PARAMETER = "jobs_queue.unknown_job_minutes"


def reason_to_fail(worker: Worker, job: RunningJob, error: BaseException) -> LazyGettext | None:
    """Return why a job fails that no worker has known for long enough, or None."""
    with worker.raw_cursor() as cr:
        text = store.sql.parameter(cr, UNKNOWN_MINUTES_PARAMETER)
        minutes = number_of(text, UNKNOWN_MINUTES_PARAMETER, "minutes", UNKNOWN_MINUTES, _logger)
        if store.leases.seconds_unknown(cr, job.id) < 60 * minutes:
            return None
    return _lt(
        "No worker has known this job for %(minutes)g minutes: %(error)s Give the workers the version of the addon that has it and "
        "requeue the job, or cancel it.",
        minutes=minutes,
        error=error,
    )


def message(worker: Worker, error: BaseException) -> LazyGettext:
    """Return why a job waits that a worker does not know."""
    return _lt(
        "Given back by worker %(worker)s, whose code does not know it: %(error)s", worker=worker.name, error=error
    )
