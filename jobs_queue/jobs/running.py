"""Class ``RunningJob``: one attempt of a job; the job's code knows it as ``session.job``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import psycopg2

from odoo.api import Environment
from odoo.models import BaseModel
from odoo.sql_db import Cursor
from odoo.tools.translate import LazyTranslate

from .. import store
from ..exception import JobStopped, NoSuchJobError, NothingToDoJob
from ..session import ConnectorSession
from ..store.claiming import LeasedJob
from ..store.ending import Ending, Holder
from ..texts import PROGRESS, Log, storable, storable_or_none
from . import arguments, environment
from .batches import perform_calls
from .functions import find_function, is_method, options_of
from .options import checked_progress
from .parents import parent_results
from .retry import RetryPolicy

if TYPE_CHECKING:
    from .handle import Job
    from .job_batch import JobBatch
    from .stored import StoredJob

_lt = LazyTranslate(__name__, default_lang="en_US")


class RunningJob:
    """One attempt of a job.

    It is run by a worker, or in the transaction of the code that has delayed it.
    """

    __slots__ = (
        "id", "env", "function", "model_name", "payload", "context", "user_id", "company_id", "su", "retry", "max_retries",
        "lease_token", "identity_key", "concurrency_key", "channel_id", "priority", "ready_seq", "date_created", "time_limit",
        "memory_limit", "graph_uuid", "group_key", "runs_alone", "result", "message", "run", "_log", "notes", "retry_policy",
        "is_called",
    )  # fmt: skip

    id: int  # None where no row stands for it
    env: Environment  # its own; None between the lease and its call
    function: str
    model_name: str | None
    payload: str
    context: str | None
    user_id: int
    company_id: int
    su: bool
    retry: int
    max_retries: int
    lease_token: int | None
    identity_key: str | None
    concurrency_key: str | None
    channel_id: int
    priority: int
    ready_seq: int | None
    date_created: datetime
    time_limit: int | None
    memory_limit: int | None
    graph_uuid: str | None
    group_key: str | None
    runs_alone: bool | None
    result: str | None  # JSON
    message: str | None
    run: Any  # the Run of a worker, see ``worker/attempt.py``; None where no worker runs it
    _log: Log | None
    notes: list[str]
    retry_policy: RetryPolicy | None
    is_called: bool

    def __init__(self, **values: Any) -> None:
        self.id = self.env = self.context = None  # type: ignore[assignment]  # see above
        self.retry = 0
        self.result = self.message = self.lease_token = self.run = self._log = None
        self.retry_policy = None  # known with the environment in which the job runs
        self.is_called = False  # whether its function and arguments were known here, and its code was called
        self.notes = []
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def of_lease(cls, leased: LeasedJob, payload: str) -> Self:
        """Return the job that a worker has leased.

        :param payload: its stored arguments
        """
        job = cls()
        job.id, job.lease_token, job.payload = leased.id, leased.lease_token, payload
        job.function, job.model_name, job.context = leased.function, leased.model_name, leased.context
        job.user_id, job.su, job.company_id = leased.user_id, leased.su, leased.company_id
        job.retry, job.max_retries = leased.retry, leased.max_retries
        job.identity_key, job.concurrency_key = leased.identity_key, leased.concurrency_key
        job.channel_id, job.priority, job.ready_seq = leased.channel_id, leased.priority, leased.ready_seq
        job.date_created, job.time_limit, job.memory_limit = leased.date_created, leased.time_limit, leased.memory_limit
        job.graph_uuid, job.group_key, job.runs_alone = leased.graph_uuid, leased.group_key, leased.runs_alone
        return job

    @classmethod
    def of_call(cls, job: Job) -> Self:
        """Return the job of a call that is run at once.

        It runs in the transaction of the code that has delayed it.
        """
        running = cls()
        running.env, running.payload, running.context = job.env, job.payload, job.context
        running.function, running.model_name, running.max_retries = job.function, job.model_name, job.max_retries
        running.user_id, running.su, running.company_id = job.user_id, job.su, job.company_id
        running.identity_key, running.concurrency_key = job.identity_key, job.concurrency_key
        running.graph_uuid, running.group_key, running.runs_alone = job.graph_uuid, job.group_key, None
        running.channel_id, running.priority, running.ready_seq = job.channel_id, job.priority, None
        running.date_created, running.time_limit, running.memory_limit = (
            datetime.now(UTC).replace(tzinfo=None),
            None,
            None,
        )
        return running

    def __repr__(self) -> str:
        return f"<Job {self.id or 'not stored yet'}: {self.function}>"

    @property
    def lang(self) -> str:
        """The language of the code that delayed the job.

        The messages of the job and of its worker are in this language.
        """
        return (json.loads(self.context) if self.context else {}).get("lang") or "en_US"

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.retry + 1

    def record(self, env: Environment) -> BaseModel:
        """Return the job's ``queue.job`` record.

        :raise NoSuchJobError: it was rolled back or deleted
        """
        return record_of(self, env)

    def environment(self, cr: Cursor) -> Environment:
        """Return the Odoo environment in which the job runs.

        It has the user, superuser mode and context of the code that delayed the job. A part of the
        context that cannot be used any more, such as a language, is replaced or left out. The job's
        log says so.

        :raise FailedJobError: its user was archived since, or its user or company does not exist
            any more
        """
        # the retry policy is read here, as the end of the job has no cursor of its own
        env, notes, self.retry_policy = environment.of_job(
            cr, self.user_id, self.su, self.context, self.id, self.function
        )
        self.note(notes)
        return env

    def _environment_of_records(self, difference: dict[str, Any]) -> Environment:
        env, notes = environment.of_records(self.env, difference)
        self.note(notes)
        return env

    def note(self, notes: Iterable[str]) -> None:
        """Log notes on the environment for people, each of them once."""
        for note in notes:
            if note not in self.notes:
                self.notes.append(note)
                self.log(note)

    # For the code of the job while it runs, as ``session.job``

    def progress(self, done: float | Decimal, total: float | Decimal | None = None, message: object = None) -> None:
        """Show people the progress of the job, at once and not with its commit.

        It is written at most twice a second. The end (done equal to total) is always written.

        :param done: how many units of work are done
        :param total: how many there are, if it is known
        :param message: the current step; a long text is cut
        :raise ValueError: done or total is no number that can be stored
        """
        done = checked_progress("done", done)
        total = None if total is None else checked_progress("total", total)
        message = storable_or_none(message, PROGRESS)
        # the run of a batch does not tell of its members
        if self.run is not None and self.run.job.id == self.id:
            self.run.report_progress(done, total, message)

    def log(self, text: object) -> None:
        """Keep a line with this attempt, even if the attempt fails; people read it on the job.

        :param text: other values are turned into text. Long lines are cut. Of many lines the first
            and the last ones are kept.
        """
        if self._log is None:
            self._log = Log()
        self._log.add(text)

    @property
    def log_text(self) -> str | None:
        """The lines that the job has logged in this attempt, or None."""
        return None if self._log is None else str(self._log)

    @property
    def usage(self) -> tuple[float | None, ...]:
        """The resources that this attempt has used, see ``Run.usage`` in ``worker/attempt.py``.

        The usage of a batch is not that of its members: they have none.
        """
        return self.run.usage() if self.run is not None and self.run.job is self else (None, None, None)

    def check_cancelled(self) -> None:
        """Stop here if somebody has cancelled the job, or if it has reached one of its limits.

        :raise JobStopped: it has to stop; do not catch this
        """
        if self.run is not None and self.run.stopped:
            raise self.run.stopped

    @property
    def parent_results(self) -> list[Any]:
        """The results of the jobs for which this one waited.

        See :func:`~odoo.addons.jobs_queue.jobs.parents.parent_results`.
        """
        return parent_results(self.env)

    def perform(self, env: Environment) -> None:
        """Call the function and keep its result; a text is kept as the message too.

        A function that raises :class:`NothingToDoJob` has succeeded. Its changes before the
        exception are kept.

        :raise NotReadableJobError: the function or an argument is unknown here
        """
        self.is_called = False
        func = find_function(env, self.function)
        if options_of(func).group_size:
            perform_calls(env, func, [self])
            return
        try:
            value = self._call(env, func)
        except NothingToDoJob as nothing:
            value = storable(nothing)
        self.keep(value)

    def keep(self, value: Any) -> None:
        """Keep the result of the function for this job.

        A result that cannot be stored does not undo the job. Its text is kept and the log says so.
        Only code that asks for the value gets an error.
        """
        try:
            self.message = arguments.as_text(value, self.env)
            self.result = None if value is None else arguments.encode(value, self.env)
        except (JobStopped, psycopg2.Error):
            raise
        except Exception as error:
            reason = storable(error)
            self.message = storable(value)
            self.result = arguments.not_stored(
                f"{self!r} has returned what cannot be stored, so nobody can use it: {reason}"
            )
            self.log(
                _lt("What the job returned cannot be stored, only its text is kept: %s", reason)._translate(self.lang)
            )

    @property
    def members(self) -> list[RunningJob]:
        """The jobs of this one: only itself.

        A :class:`~odoo.addons.jobs_queue.jobs.JobBatch` has several.
        """
        return [self]

    def halves(self) -> list[JobBatch]:
        """Return an empty list: a single job has no halves.

        See :class:`~odoo.addons.jobs_queue.jobs.JobBatch`.
        """
        return []

    def lock_lease(self, cr: Cursor, worker_id: int) -> bool:
        """Lock the job's row until the end of the transaction.

        :return: False if the worker has lost the lease
        """
        return store.leases.lock(cr, self, worker_id)

    def complete(self, cr: Cursor, worker: Holder, then: str = "") -> bool:
        """Set the job to done; return False if the worker has lost the lease."""
        ending = Ending(self.message, log=self.log_text, usage=self.usage)
        return store.leases.complete(cr, self, worker, ending, self.result, then)

    def _call(self, env: Environment, func: Callable[..., Any]) -> Any:
        args, kwargs = self.arguments(env)
        self.is_called = True
        if is_method(self.function):
            return func(*args, **kwargs)
        return func(ConnectorSession.from_env(env, job=self), self.model_name, *args, **kwargs)

    def arguments(self, env: Environment) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return ``(args, kwargs)`` of the job for its code, with records in its environment."""
        self.env = env
        return arguments.decode_call(self.payload, env, self._environment_of_records)


def record_of(job: Job | RunningJob | StoredJob, env: Environment) -> BaseModel:
    """Return the ``queue.job`` record of a job.

    :raise NoSuchJobError: it was rolled back or deleted
    """
    record = env["queue.job"].browse(job.id).exists() if job.id else env["queue.job"]
    if not record:
        raise NoSuchJobError(f"{job!r} does not exist (any more)")
    return record
