"""The user, the context and the transaction in which a job works."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol, Self

from odoo import api
from odoo.api import Environment
from odoo.models import BaseModel
from odoo.sql_db import BaseCursor

from .registration import is_installed


class CurrentJob(Protocol):
    """The interface of the running job, for the code of jobs.

    See :class:`~odoo.addons.jobs_queue.jobs.RunningJob`.
    """

    run: Any
    retry: int
    max_retries: int

    @property
    def id(self) -> int: ...

    @property
    def attempt(self) -> int: ...

    @property
    def parent_results(self) -> list[Any]: ...

    def progress(self, done: float | Decimal, total: float | Decimal | None = None, message: object = None) -> None: ...

    def log(self, text: object) -> None: ...

    def note(self, notes: Iterable[str]) -> None: ...

    def check_cancelled(self) -> None: ...

    def record(self, env: Environment) -> BaseModel: ...


class ConnectorSession:
    """Container of cursor, user and context, for code that runs outside a model.

    :param cr: open cursor
    :param uid: id of the user

    The Odoo environment is :attr:`env`. :attr:`job` is the job that is running in this session, or
    None.
    """

    env: Environment
    job: CurrentJob | Any  # None outside of jobs, so that code of jobs need not ask

    def __init__(self, cr: BaseCursor, uid: int, context: Mapping[str, Any] | None = None) -> None:
        self.env = api.Environment(cr, uid, context or {})
        self.job = None

    @classmethod
    def from_env(cls, env: Environment, job: CurrentJob | None = None) -> Self:
        """Return the session of exactly this environment, superuser mode included."""
        session = cls.__new__(cls)
        session.env = env
        session.job = job
        return session

    def with_context(self, **context: Any) -> Self:
        """Return a session with more keys in its context, of the same transaction, user and job."""
        return type(self).from_env(self.env(context={**self.env.context, **context}), self.job)

    def with_company(self, company: BaseModel | int | None) -> Self:
        """Return a session that works in a company, as ``with_company`` of a recordset does.

        :param company: record or id of ``res.company``; an empty one keeps the current company
        """
        return type(self).from_env(self.env["res.company"].with_company(company).env, self.job)

    @property
    def cr(self) -> BaseCursor:
        return self.env.cr

    @property
    def uid(self) -> int:
        return self.env.uid

    @property
    def context(self) -> Mapping[str, Any]:
        return self.env.context

    @property
    def owns_transaction(self) -> bool:
        """Whether the transaction belongs to a running job.

        A job may commit its transaction. If a caller has begun the transaction, only the caller
        ends it.
        """
        return self.job is not None and self.job.run is not None

    @contextmanager
    def change_user(self, uid: int) -> Iterator[Self]:
        """Work as another user until the end of the ``with`` block."""
        with self._change_env(self.env(user=uid)):
            yield self

    @contextmanager
    def change_context(self, **context: Any) -> Iterator[Self]:
        """Add keys to the context until the end of the ``with`` block."""
        with self._change_env(self.env(context={**self.env.context, **context})):
            yield self

    @contextmanager
    def _change_env(self, env: Environment) -> Iterator[None]:
        previous = self.env
        self.env = env
        try:
            yield
        finally:
            self.env = previous

    def commit(self) -> None:
        """Write pending changes and commit the transaction."""
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def rollback(self) -> None:
        """Undo all changes since the last commit, in the database and in the caches."""
        self.env.cr.rollback()

    def is_module_installed(self, name: str) -> bool:
        """Return whether the addon called ``name`` is installed in this database."""
        return is_installed(self.env.registry, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} db={self.cr.dbname} uid={self.uid} context={dict(self.context)}>"


Session = ConnectorSession


def checked_session(session: object) -> ConnectorSession:
    """Return the session, or refuse a value that is none.

    :raise TypeError: it is no session, for example an Odoo environment
    """
    if not isinstance(session, ConnectorSession):
        raise TypeError(
            f"The first argument is a ConnectorSession, as ConnectorSession.from_env(env) is, not {session!r}"
        )
    return session
