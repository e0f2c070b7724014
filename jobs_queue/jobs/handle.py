"""Job: a call that was delayed."""

import json

import psycopg2

from odoo import fields
from odoo.tools.translate import LazyTranslate

from .. import store
from ..by_code import by_code
from ..exception import JobStopped, NoSuchJobError, NothingToDoJob
from ..session import ConnectorSession
from ..texts import PROGRESS, Log, storable, storable_or_none
from . import arguments, buffer, environment
from .batches import perform_calls
from .functions import find_function, function_options, is_method, options_of
from .options import checked_progress
from .record_number import LookUp, as_number

_lt = LazyTranslate(__name__, default_lang="en_US")


class Job:
    """A call that was delayed: the handle that ``delay`` returns, and what a worker runs.

    Its ``id`` is known once it is stored; reading it stores what the transaction has delayed so far.
    """

    __slots__ = (
        "_id", "env", "function", "model_name", "payload", "context", "description", "priority", "max_retries", "channel_id",
        "identity_key", "identity_policy", "concurrency_key", "concurrency_limit", "eta", "eta_seconds", "user_id", "company_id", "su",
        "retry", "lease_token", "ready_seq", "date_created", "result", "message", "time_limit", "memory_limit", "run", "_log",
        "notes", "graph_uuid", "parents", "is_delayed", "group_key", "runs_alone", "external_id", "record_name",
        "retry_policy", "is_called",
    )  # fmt: skip

    def __init__(self, *, env=None, id=None, **values):
        self.env = env  # that of the code that delayed it
        self._id = id
        self.retry = 0
        self.is_delayed = False
        self.graph_uuid, self.parents, self.group_key = None, {}, None
        self.external_id = self.record_name = None
        self.eta = self.eta_seconds = self.result = self.message = self.lease_token = self.run = self._log = None
        self.retry_policy = None  # known with the environment in which the job runs
        self.is_called = False  # whether its function and arguments were known here, and its code was called
        self.notes = []
        if env is not None:
            self.context = environment.dumped(environment.kept_context(env))
            self.user_id, self.su, self.company_id = env.uid, env.su, env.company.id
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def of_lease(cls, leased, payload):
        """Return the job that a worker has leased.

        :param leased: the :class:`~odoo.addons.jobs_queue.store.LeasedJob`
        :param payload: its stored arguments
        """
        job = cls(id=leased.id)
        job.lease_token, job.payload = leased.lease_token, payload
        job.function, job.model_name, job.context = leased.function, leased.model_name, leased.context
        job.user_id, job.su, job.company_id = leased.user_id, leased.su, leased.company_id
        job.retry, job.max_retries = leased.retry, leased.max_retries
        job.identity_key, job.concurrency_key = leased.identity_key, leased.concurrency_key
        job.channel_id, job.priority, job.ready_seq = leased.channel_id, leased.priority, leased.ready_seq
        job.date_created, job.time_limit, job.memory_limit = leased.date_created, leased.time_limit, leased.memory_limit
        job.graph_uuid, job.group_key, job.runs_alone = leased.graph_uuid, leased.group_key, leased.runs_alone
        return job

    def __repr__(self):
        return f"<Job {self._id or 'not stored yet'}: {self.function}>"

    @classmethod
    def load(cls, record):
        """Return the job of a ``queue.job`` record."""
        record.ensure_one()
        values = record.sudo().read(
            [
                "function",
                "model_name",
                "payload",
                "context",
                "description",
                "priority",
                "max_retries",
                "identity_key",
                "concurrency_key",
                "time_limit",
                "memory_limit",
                "su",
                "retry",
            ]
        )[0]
        record = record.sudo()
        return cls(
            **values, user_id=record.user_id.id, company_id=record.company_id.id, channel_id=record.channel_id.id
        )

    @property
    def id(self):
        """The id of the job's row."""
        if self._id is None and self.env is not None:
            self.env.cr.flush()
        return self._id

    def delay(self):
        """Delay the job in the caller's transaction: it is stored with the transaction's commit, or not at all.

        With ``connector_no_delay=BY_CODE`` in the context it runs at once, in the caller's transaction.

        :return: the job itself
        :raise ValueError: it was delayed before
        """
        if self.is_delayed:
            raise ValueError(f"{self!r} was delayed before: prepare it anew to run it once more")
        if by_code(self.env.context, "connector_no_delay"):
            self.is_delayed = True
            self.perform(self.env)
        else:
            buffer.add(self.env, self)
        return self

    def set_record(self, external_id, name):
        """Say by what people find a job that is not stored yet: the external id and the name of the record that it is about.

        :param external_id: text or None
        :param name: text, None, or a :class:`~odoo.addons.jobs_queue.jobs.record_number.LookUp`
        :raise TypeError: the external id is a look-up, or the key of the name's is not hashable
        """
        if isinstance(external_id, LookUp):
            raise TypeError(f"{self.function}: the external id of a record cannot be looked up, only its name can")
        self.external_id, self.record_name = as_number(external_id), as_number(name)

    def stored_as(self, id):
        """Say which row stands for the job."""
        self._id = id

    @property
    def lang(self):
        """The language of the code that delayed the job, in which the job's own messages are, and those of its worker."""
        return (json.loads(self.context) if self.context else {}).get("lang") or "en_US"

    @property
    def attempt(self):
        """The number of the try that runs, from 1."""
        return self.retry + 1

    def record(self, env):
        """Return the job's ``queue.job`` record.

        :raise NoSuchJobError: it was rolled back or deleted
        """
        record = env["queue.job"].browse(self.id).exists() if self.id else env["queue.job"]
        if not record:
            raise NoSuchJobError(f"{self!r} does not exist (any more)")
        return record

    def environment(self, cr):
        """Return the Odoo environment in which the job runs: user, superuser mode and context of the code that delayed it.

        What of the context cannot be used any more, such as a language, is replaced or left out, and the job's log says so.

        :raise FailedJobError: its user was archived since, or its user or company does not exist any more
        """
        # the retry policy is for the end of the job, which has no cursor of its own
        env, notes, self.retry_policy = environment.of_job(
            cr, self.user_id, self.su, self.context, self._id, self.function
        )
        self.note(notes)
        return env

    def _environment_of_records(self, difference):
        env, notes = environment.of_records(self.env, difference)
        self.note(notes)
        return env

    def note(self, notes):
        """Log what people should know of the environment, once, whatever needs it."""
        for note in notes:
            if note not in self.notes:
                self.notes.append(note)
                self.log(note)

    # For the code of the job while it runs, as ``session.job``

    def progress(self, done, total=None, message=None):
        """Show people how far the job is, at once and not with its commit; more often than twice a second is not written.

        :param done: how many units of work are done
        :param total: of how many, where it is known
        :param message: what is being done; a long text is cut
        :raise ValueError: done or total is no number that can be stored
        """
        done = checked_progress("done", done)
        total = None if total is None else checked_progress("total", total)
        message = storable_or_none(message, PROGRESS)
        if (
            self.run is not None and self.run.job.id == self.id
        ):  # a part of a group is not what the group's run tells of
            self.run.report_progress(done, total, message)

    def log(self, text):
        """Keep a line with this attempt, whatever its end; people read it on the job.

        :param text: what is not text becomes text; long lines are cut, and of many the first and the last ones are kept
        """
        if self._log is None:
            self._log = Log()
        self._log.add(text)

    @property
    def log_text(self):
        """What the job has logged in this attempt, or None."""
        return None if self._log is None else str(self._log)

    @property
    def usage(self):
        """What this attempt has used, see ``Run.usage`` in ``worker/attempt.py``; that of a group is not its members'."""
        return self.run.usage() if self.run is not None and self.run.job is self else (None, None, None)

    def check_cancelled(self):
        """Stop here if somebody has cancelled the job, or it has reached one of its limits.

        :raise JobStopped: it was; let it pass
        """
        if self.run is not None and self.run.stopped:
            raise self.run.stopped

    @property
    def parent_results(self):
        """What the jobs returned for which this one waited: a list, see :func:`~odoo.addons.jobs_queue.graph.parent_results`."""
        from ..graph import parent_results  # it builds on this module

        return parent_results(self.env)

    @property
    def title(self):
        """What a person reads: the description, its own or its function's."""
        return self.description or function_options(self.env, self.function).description or self.function

    def perform(self, env):
        """Call the function and keep what it returns: as the message if it is text, and as the result.

        A function that raises :class:`NothingToDoJob` has ended well, and what it wrote before is kept.

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

    def keep(self, value):
        """Keep what the function returned for this job.

        What cannot be stored does not undo the job: its text is kept, the log says so, and only who asks for the value gets an error.
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
    def members(self):
        """The jobs of this one: itself; a :class:`~odoo.addons.jobs_queue.jobs.JobGroup` has several."""
        return [self]

    def halves(self):
        """Return nothing: a single job has no halves, see :class:`~odoo.addons.jobs_queue.jobs.JobGroup`."""
        return []

    def lock_lease(self, cr, worker_id):
        """Lock the job's row until the end of the transaction; return False if its lease is not the worker's any more."""
        return store.lock_lease(cr, self, worker_id)

    def complete(self, cr, worker_id, worker_name, then=""):
        """Set the job to done; return False if its lease is not the worker's any more."""
        return store.complete(
            cr, self, worker_id, worker_name, self.message, self.result, self.log_text, self.usage, then
        )

    def _call(self, env, func):
        args, kwargs = self.arguments(env)
        self.is_called = True
        if is_method(self.function):
            return func(*args, **kwargs)
        return func(ConnectorSession.from_env(env, job=self), self.model_name, *args, **kwargs)

    def arguments(self, env):
        """Return ``(args, kwargs)`` of the job in its environment, for its code."""
        self.env = env
        return arguments.decode_call(self.payload, env, self._environment_of_records)

    def related_action(self, env):
        """Return the action that opens what the job is about, or None."""
        options = function_options(env, self.function)
        if options.related_action:
            return options.related_action(ConnectorSession.from_env(env), self)
        args, kwargs = arguments.decode_call(self.payload, env)
        for value in (*args, *kwargs.values()):
            if hasattr(value, "_name") and value.exists():
                return _open_records(value.exists())
        return None

    def column_values(self):
        """Return the columns of a new row."""
        return {
            "function": self.function,
            "model_name": self.model_name,
            "payload": self.payload,
            "context": self.context,
            "description": self.description,
            "channel_id": self.channel_id,
            "priority": self.priority,
            "max_retries": self.max_retries,
            "identity_key": self.identity_key,
            "identity_policy": self.identity_key and self.identity_policy,
            "concurrency_key": self.concurrency_key,
            "concurrency_limit": self.concurrency_key and self.concurrency_limit,
            "time_limit": self.time_limit,
            "memory_limit": self.memory_limit,
            "user_id": self.user_id,
            "company_id": self.company_id,
            "su": self.su,
            "eta": self.eta,
            "eta_seconds": self.eta_seconds,
            # most jobs have none, and what is missing is NULL
            **({"graph_uuid": self.graph_uuid, "waits": bool(self.parents)} if self.graph_uuid else {}),
            **({"group_key": self.group_key} if self.group_key is not None else {}),
            **({"external_id": self.external_id} if self.external_id else {}),
            **({"record_name": self.record_name} if self.record_name else {}),
        }


def _open_records(records):
    action = {
        "type": "ir.actions.act_window",
        "name": records._description,
        "res_model": records._name,
        "view_mode": "list,form",
    }
    if len(records) == 1:
        return {**action, "view_mode": "form", "views": [(False, "form")], "res_id": records.id}
    return {**action, "views": [(False, "list"), (False, "form")], "domain": fields.Domain("id", "in", records.ids)}
