"""Statements that each job executes: planned once for many jobs.

PostgreSQL weighs all indexes of ``queue_job`` each time it plans a statement, which takes longer than executing it. What is prepared
belongs to one process of the server: behind a pooler the next statement may meet another one, so there nothing is prepared.

A plan that was made while the table was almost empty reads all of it, and would go on doing so when a million jobs have come: PostgreSQL
makes it anew with the next ANALYZE only. So no plan is kept for longer than a second.

A job may be stopped in the midst of this: nobody knows then whether PREPARE or DEALLOCATE was executed. So what is prepared gets a new
name each time, noted after PREPARE and forgotten before DEALLOCATE.
"""

import itertools
import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import psycopg2
from psycopg2.errors import InvalidSqlStatementName

from .sql import AnyCursor

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection

PLAN_SECONDS = 1

_numbers = itertools.count(1)

# The connections that keep what is prepared, each with a dict: name of a statement to its _Plan
_plans: WeakKeyDictionary[psycopg2.extensions.connection, dict[str, "_Plan"]] = WeakKeyDictionary()


class _Plan:
    name: str | None = None  # of what is prepared
    ends: float = 0


def keep_prepared(connection: psycopg2.extensions.connection) -> None:
    """Let statements be prepared on a connection; nothing but PostgreSQL itself may be behind it.

    Whoever takes a connection out of Odoo's pool calls this again: the pool resets it, and what was prepared on it before is gone.
    """
    _plans[connection] = {}


def keeps_session(connection: psycopg2.extensions.connection) -> bool:
    """Return whether what is set or prepared on a connection is there for its next statement, see :func:`keep_prepared`."""
    return connection in _plans


def _plans_of(cr: AnyCursor) -> dict[str, _Plan] | None:
    # a job's cursor would begin its transaction where psycopg2's connection is asked for
    return _plans.get(getattr(cr, "own_connection", None) or cr.connection)


class Statement:
    """A statement with named parameters.

    :param name: with which the names of what is prepared begin
    :param types: name of a parameter to its type in PostgreSQL
    :param query: with parameters as ``%(name)s``
    """

    def __init__(self, name: str, types: Mapping[str, str], query: str) -> None:
        self._name = name
        self._query = query
        numbered = {parameter: f"${number}" for number, parameter in enumerate(types, 1)}
        self._prepared = f"({', '.join(types.values())}) AS {query % numbered}"
        self._arguments = f"({', '.join(f'%({parameter})s' for parameter in types)})"

    def execute(self, cr: AnyCursor, values: Mapping[str, object], settings: str = "", then: str = "") -> None:
        """Execute the statement on a cursor.

        :param settings: statements before it in its message, such as :data:`BRIEFLY`
        :param then: statements after it in its message, of which the last one has the result
        :raise InvalidSqlStatementName: somebody has dropped what was prepared; it is forgotten, and another time will do
        """
        plans = _plans_of(cr)
        if plans is None:
            cr.execute(settings + self._query + then, values)
            return
        plan = plans.setdefault(self._name, _Plan())
        now = time.monotonic()
        try:
            if now >= plan.ends:
                # the first one of a second is planned for itself: what is executed now and then has nothing to gain
                name, plan.name, plan.ends = plan.name, None, now + PLAN_SECONDS
                if name:
                    cr.execute(f"DEALLOCATE {name}")
                cr.execute(settings + self._query + then, values)
                return
            if not plan.name:
                name = f"{self._name}_{next(_numbers)}"
                cr.execute(f"PREPARE {name} {self._prepared}")
                plan.name = name
            cr.execute(f"{settings} EXECUTE {plan.name} {self._arguments}{then}", values)
        except InvalidSqlStatementName:
            plans.clear()
            raise
