"""Class ``Job``: the handle of a call that is prepared or delayed."""

from __future__ import annotations

from typing import Any, Self

from odoo.api import Environment
from odoo.models import BaseModel

from ..by_code import by_code
from . import buffer, environment
from .functions import function_options
from .parents import StoredParent
from .record_number import LookUp, as_number
from .running import RunningJob, record_of


class Job:
    """Handle of a call that is prepared or delayed; ``delay`` returns it.

    Its ``id`` is known once it is stored. Reading ``id`` stores all jobs that the transaction has
    delayed so far.
    """

    __slots__ = (
        "_id", "env", "function", "model_name", "payload", "context", "description", "priority", "max_retries", "channel_id",
        "identity_key", "identity_policy", "concurrency_key", "concurrency_limit", "eta", "eta_seconds", "user_id", "company_id", "su",
        "time_limit", "memory_limit", "graph_uuid", "parents", "is_delayed", "group_key", "external_id", "record_name", "result",
        "message",
    )  # fmt: skip

    _id: int  # None until it is stored
    env: Environment  # that of the code that delays it
    function: str
    model_name: str | None
    payload: str
    context: str | None
    description: str | None
    priority: int
    max_retries: int
    channel_id: int
    identity_key: str | None
    identity_policy: str
    concurrency_key: str | None
    concurrency_limit: int
    eta: str | None
    eta_seconds: float | None
    user_id: int
    company_id: int
    su: bool
    time_limit: int | None
    memory_limit: int | None
    graph_uuid: str | None
    parents: dict[Job | StoredParent, str]  # for which it waits, and on_failure of each
    is_delayed: bool
    group_key: str | None
    external_id: str | LookUp | None  # never a look-up, see set_record
    record_name: Any  # text or None; until it is stored also a LookUp
    result: str | None  # JSON, as the next one; where it was run at once
    message: str | None

    def __init__(self, env: Environment, **values: Any) -> None:
        self.env = env
        self._id = None  # type: ignore[assignment]  # until it is stored
        self.is_delayed = False
        self.graph_uuid, self.parents, self.group_key = None, {}, None
        self.external_id = self.record_name = self.eta = self.eta_seconds = self.result = self.message = None
        self.context = environment.dumped(environment.kept_context(env))
        self.user_id, self.su, self.company_id = env.uid, env.su, env.company.id
        for name, value in values.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"<Job {self._id or 'not stored yet'}: {self.function}>"

    @property
    def id(self) -> int:
        """The id of the job's row."""
        if self._id is None:
            self.env.cr.flush()
        return self._id

    def delay(self) -> Self:
        """Delay the job: it is stored if the caller's transaction commits, and only then.

        With ``connector_no_delay=BY_CODE`` in the context it runs at once, in the caller's
        transaction.

        :return: the job itself
        :raise ValueError: it was delayed before
        """
        if self.is_delayed:
            raise ValueError(f"{self!r} was delayed before: prepare it anew to run it once more")
        if by_code(self.env.context, "connector_no_delay"):
            self.run_at_once(self.env)
        else:
            buffer.add(self.env, self)
        return self

    def run_at_once(self, env: Environment) -> None:
        """Run the job in the caller's transaction, and keep its result."""
        self.is_delayed = True
        running = RunningJob.of_call(self)
        running.perform(env)
        self.message, self.result = running.message, running.result

    def set_record(self, external_id: object, name: object) -> None:
        """Set the external id and the name of the record that the job is about.

        People find the job by them. The job must not be stored yet.

        :param external_id: text or None
        :param name: text, None, or a :class:`~odoo.addons.jobs_queue.jobs.record_number.LookUp`
        :raise TypeError: the external id is a look-up, or the key of the name's look-up is not
            hashable
        """
        if isinstance(external_id, LookUp):
            raise TypeError(f"{self.function}: the external id of a record cannot be looked up, only its name can")
        self.external_id, self.record_name = as_number(external_id), as_number(name)

    def stored_as(self, id: int) -> None:
        """Set the id of the row that stands for the job."""
        self._id = id

    def record(self, env: Environment) -> BaseModel:
        """Return the job's ``queue.job`` record.

        :raise NoSuchJobError: it was rolled back or deleted
        """
        return record_of(self, env)

    @property
    def title(self) -> str:
        """The text for people: description of the job or its function, or the function's name."""
        return self.description or function_options(self.env, self.function).description or self.function

    def column_values(self) -> dict[str, Any]:
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
            # most jobs do not have these; a column that is missing is NULL
            **({"graph_uuid": self.graph_uuid, "waits": bool(self.parents)} if self.graph_uuid else {}),
            **({"group_key": self.group_key} if self.group_key is not None else {}),
            **({"external_id": self.external_id} if self.external_id else {}),
            **({"record_name": self.record_name} if self.record_name else {}),
        }
