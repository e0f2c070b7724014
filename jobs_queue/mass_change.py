"""Change very many jobs by a button: in chunks, each in a short transaction, the rest as a job.

After :data:`SECONDS_AT_ONCE` seconds a job does the rest. It shows its progress, and people may
cancel it.

The jobs that matched when the button was pressed are changed, each once. They are looked up with
the rights of the user, in the order of their ids, up to the highest id of that moment. Jobs that
have ended since then are left out, for example a job that was requeued and has failed again.

A job of a graph has a higher id than the jobs for which it waits. So a change that ends jobs begins
with the highest id. If it began with the lowest one, it would end a chunk of jobs, and the jobs
that wait for them would run before their own chunk comes. A change that lets jobs run begins with
the lowest id. If it began with the highest one, a job that goes on after a failure would run before
those for which it waits.
"""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from psycopg2.errors import LockNotAvailable

from odoo import fields
from odoo.api import Environment
from odoo.fields import Domain
from odoo.sql_db import BaseCursor
from odoo.tools.translate import LazyGettext, LazyTranslate

from . import store
from .jobs import Job, job
from .session import ConnectorSession
from .store import wakeup

_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds that a person waits for a button at most; the rest goes on as a job.
SECONDS_AT_ONCE = 20
#: Seconds that a chunk takes, about: it locks its jobs, and workers wait for them.
SECONDS_OF_CHUNK = 0.2
FIRST_CHUNK, LARGEST_CHUNK = 100, 2000

# Reason for jobs that were not changed: locked by somebody else, or, since the button was pressed,
# ended, deleted or hidden from the user
_ELSEWHERE = "elsewhere"

_Operation: TypeAlias = Callable[[BaseCursor, Sequence[int], Environment], int]


@dataclass(frozen=True)
class _Kind:
    """The effect of a button.

    :param done: word for the effect
    :param states: the states in which it is possible
    :param operation: ``function(cr, ids, env)`` that changes jobs in these states, and returns how
        many have changed
    :param ends: True if it ends jobs, False if it lets them run
    """

    done: LazyGettext
    states: tuple[str, ...]
    operation: _Operation
    ends: bool


def _requeue_failed(cr: BaseCursor, ids: Sequence[int], _env: Environment) -> int:
    return store.actions.requeue(cr, ids, states=("failed",))


def _set_done(cr: BaseCursor, ids: Sequence[int], env: Environment) -> int:
    return store.actions.set_done(cr, ids, env._("Set to done by %s", env.user.name))


def _cancel(cr: BaseCursor, ids: Sequence[int], env: Environment) -> int:
    message = env._("Cancelled by %s", env.user.name)
    return store.actions.cancel(cr, ids, message) + store.actions.request_cancellation(cr, ids, env.user.name)


def _cancel_failed(cr: BaseCursor, ids: Sequence[int], env: Environment) -> int:
    return store.actions.cancel(cr, ids, env._("Cancelled by %s", env.user.name), states=("failed",))


_WAITING = ("pending", "scheduled", "wait_dependencies")

KINDS = {
    "requeue": _Kind(
        _lt("requeued"),
        ("failed", "cancelled", "done", "scheduled"),
        lambda cr, ids, _env: store.actions.requeue(cr, ids),
        ends=False,
    ),
    "requeue_failed": _Kind(_lt("requeued"), ("failed",), _requeue_failed, ends=False),
    "done": _Kind(_lt("set to done"), ("failed", "cancelled", *_WAITING), _set_done, ends=True),
    "cancel": _Kind(
        _lt("cancelled, or asked to stop"), ("failed", "enqueued", "started", *_WAITING), _cancel, ends=True
    ),
    "cancel_failed": _Kind(_lt("cancelled"), ("failed",), _cancel_failed, ends=True),
}


@dataclass
class Position:
    """The progress of a change, stored with the job that goes on.

    The ids above ``last`` up to ``highest`` are left.
    """

    highest: int
    total: int
    pressed: str
    last: int = 0
    changed: int = 0
    untouched: dict[str, int] = field(default_factory=dict)


class MassChange:
    """One press of a button.

    :param env: with the rights of the user. Jobs that the user cannot see are not touched.
    :param kind: key of :data:`KINDS`
    :param domain: selects the jobs
    :param position: where to go on
    """

    def __init__(self, env: Environment, kind: str, domain: list[Any], position: Position | None = None) -> None:
        self.env = env
        self.kind = kind
        self.domain = domain
        self.position = position or self._beginning()
        self._chunk = FIRST_CHUNK

    def _beginning(self) -> Position:
        ((total, highest),) = self.env["queue.job"]._read_group(Domain(self.domain), [], ["__count", "id:max"])
        return Position(highest or 0, total, fields.Datetime.to_string(store.sql.now(self.env.cr)))

    def run(self, seconds: float = math.inf, after_chunk: Callable[[], object] = lambda: None) -> bool:
        """Change jobs for at most so many seconds; return whether all is done.

        :param seconds: the last chunk may take a little longer
        :param after_chunk: called after each chunk
        """
        until = time.monotonic() + seconds
        while ids := self._next_ids(self._chunk):
            began = time.monotonic()
            if began > until:
                return False
            self._change(ids)
            self._go_behind(ids[-1])
            self._chunk = _next_size(len(ids), time.monotonic() - began)
            wakeup.wake(self.env.cr.dbname)
            after_chunk()
        position = self.position
        self._count({_ELSEWHERE: position.total - position.changed - sum(position.untouched.values())})
        return True

    def _next_ids(self, limit: int) -> list[int]:
        position = self.position
        domain = (
            Domain(self.domain)
            & Domain("id", ">", position.last)
            & Domain("id", "<=", position.highest)
            & (Domain("date_done", "=", False) | Domain("date_done", "<=", position.pressed))
        )
        # the caller's transaction still sees the data of its beginning, so jobs that have changed
        # since then would be changed again
        order = "id desc" if KINDS[self.kind].ends else "id"
        with store.sql.own_cursor(self.env) as cr:
            return self.env(cr=cr)["queue.job"].search(domain, order=order, limit=limit).ids

    def _go_behind(self, id_: int) -> None:
        if KINDS[self.kind].ends:
            self.position.highest = id_ - 1
        else:
            self.position.last = id_

    def _change(self, ids: Sequence[int]) -> None:
        """Change jobs in a transaction that does not wait long for a lock.

        Jobs that others have locked are left out.
        """
        try:
            self._change_at_once(ids)
        except LockNotAvailable:
            free: Sequence[int] = []
            with contextlib.suppress(LockNotAvailable):
                with store.sql.own_cursor(self.env) as cr:
                    unlocked = store.actions.unlocked(cr, ids)
                self._change_at_once(unlocked)
                free = unlocked
            self._count({_ELSEWHERE: len(ids) - len(free)})

    def _change_at_once(self, ids: Sequence[int]) -> None:
        kind = KINDS[self.kind]
        with store.sql.own_cursor(self.env) as cr:
            before = store.actions.count_by_state(cr, ids)
            changed = kind.operation(cr, ids, self.env)
            cr.commit()  # pylint: disable=invalid-commit; a cursor of its own, and what follows needs to see that end
            store.actions.release_waiting(cr, ids)
        untouched = {state: count for state, count in before.items() if state not in kind.states}
        untouched[_ELSEWHERE] = len(ids) - changed - sum(untouched.values())
        self.position.changed += changed
        self._count(untouched)

    def _count(self, untouched: Mapping[str, int]) -> None:
        self.position.untouched = dict(+(Counter(self.position.untouched) + Counter(untouched)))

    def go_on_as_job(self) -> Job:
        """Delay a job that changes the rest, and return it."""
        return change_jobs.delay(
            ConnectorSession.from_env(self.env),
            "queue.job",
            self.kind,
            self.domain,
            vars(self.position),
            priority=0,
            description=self.env._(
                "Jobs to be %(done)s: %(number)s", done=KINDS[self.kind].done, number=self.position.total
            ),
        )

    def text(self) -> str:
        """Return the result so far, as a person reads it.

        It says how many jobs were changed, and how many were left as they were and why.
        """
        position, env = self.position, self.env
        text = env._(
            "Jobs %(done)s: %(changed)s of %(total)s.",
            changed=position.changed,
            total=position.total,
            done=KINDS[self.kind].done,
        )
        states = dict(env["queue.job"]._fields["state"]._description_selection(env))
        reasons = [f"{count} {states[state]}" for state, count in position.untouched.items() if state in states]
        if reasons:
            text += " " + env._("Not possible in their state: %s.", ", ".join(reasons))
        if elsewhere := position.untouched.get(_ELSEWHERE):
            text += " " + env._("Left as they were, being locked, changed or deleted meanwhile: %s.", elsewhere)
        return text


@job(default_channel="root", former_names=["odoo.addons.connector.queue.mass_change.change_jobs"])
def change_jobs(
    session: ConnectorSession, model_name: str, kind: str, domain: list[Any], position: dict[str, Any]
) -> str:
    """Change many jobs"""
    env = session.env
    env["queue.job"]._check_may_change()
    change = MassChange(env, kind, domain, Position(**position))

    def tell_and_listen() -> None:
        session.job.progress(change.position.changed, change.position.total, change.text())
        session.job.check_cancelled()
        # a new snapshot: an old one would keep the dead rows of all the jobs that are changed
        session.commit()

    change.run(after_chunk=tell_and_listen)
    return change.text()


def _next_size(size: int, seconds: float) -> int:
    """Return the size of the next chunk, from the size of the last one and the seconds it took."""
    fitting = int(size * min(2, SECONDS_OF_CHUNK / max(seconds, 0.001)))
    return max(1, min(LARGEST_CHUNK, max(fitting, FIRST_CHUNK // 4)))
