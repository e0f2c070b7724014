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
    """What code has of the job in which it runs: a :class:`~odoo.addons.jobs_queue.jobs.Job`."""

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
    """A container of the usual cursor, user and context, for code that runs outside a model.

    :param cr: open cursor
    :param uid: id of the user

    The Odoo environment is :attr:`env`. :attr:`job` is the job that is running in this session, or None.
    """

    env: Environment
    job: CurrentJob | Any  # None outside of jobs, so that code of jobs need not ask

    def __init__(self, cr: BaseCursor, uid: int, context: Mapping[str, Any] | None = None) -> None:
        self.env = api.Environment(cr, uid, context or {})
        self.job = None

    @classmethod
    def from_env(cls, env: Environment, job: CurrentJob | None = None) -> Self:
        """Return the session of an environment; it works in exactly that environment, superuser mode included."""
        session = cls.__new__(cls)
        session.env = env
        session.job = job
        return session

    def with_context(self, **context: Any) -> Self:
        """Return a session with more keys in its context; transaction, user and job are the same."""
        return type(self).from_env(self.env(context={**self.env.context, **context}), self.job)

    def with_company(self, company: BaseModel | int | None) -> Self:
        """Return a session that works in a company, as ``with_company`` of a recordset does; no company: the one it works in now.

        :param company: record or id of ``res.company``
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
        """Whether the transaction is that of a running job, which may commit it; one that the caller has begun is his to end."""
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
        """Write what is pending and commit the transaction."""
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def rollback(self) -> None:
        """Undo what was done since the last commit, in the database and in the caches."""
        self.env.cr.rollback()

    def is_module_installed(self, name: str) -> bool:
        """Return whether the addon called ``name`` is installed in this database."""
        return is_installed(self.env.registry, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} db={self.cr.dbname} uid={self.uid} context={dict(self.context)}>"


Session = ConnectorSession


def checked_session(session: object) -> ConnectorSession:
    """Return a session.

    :raise TypeError: it is none, such as the Odoo environment in its place
    """
    if not isinstance(session, ConnectorSession):
        raise TypeError(
            f"The first argument is a ConnectorSession, as ConnectorSession.from_env(env) is, not {session!r}"
        )
    return session
