"""Prepared statements for what each job executes: planned once for many jobs.

PostgreSQL weighs all indexes of ``queue_job`` each time it plans a statement. This takes longer
than executing it. A prepared statement belongs to one process of the server. Behind a pooler the
next statement may reach another process, so nothing is prepared there.

A plan that was made while the table was almost empty reads all of it. It would still do so when a
million jobs have come: PostgreSQL makes a new plan only with the next ANALYZE. So no plan is kept
for longer than a second.

A job may be stopped in the middle of this. Then nobody knows whether PREPARE or DEALLOCATE was
executed. So each prepared statement gets a new name. The name is noted after PREPARE and forgotten
before DEALLOCATE.
"""

import itertools
import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import psycopg2
from psycopg2.errors import InvalidSqlStatementName

from .sql import AnyCursor

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection

PLAN_SECONDS = 1

_numbers = itertools.count(1)

# The connections that keep prepared statements, each with a dict: name of a statement to its _Plan
_plans: WeakKeyDictionary[psycopg2.extensions.connection, dict[str, "_Plan"]] = WeakKeyDictionary()


class _Plan:
    name: str | None = None  # of what is prepared
    ends: float = 0


def keep(connection: psycopg2.extensions.connection) -> None:
    """Let statements be prepared on a connection that has PostgreSQL itself behind it, no pooler.

    Whoever takes a connection out of Odoo's pool calls this again: the pool resets the connection,
    and what was prepared on it before is gone.
    """
    _plans[connection] = {}


def keeps_session(connection: psycopg2.extensions.connection) -> bool:
    """Tell whether settings and prepared statements last until a connection's next statement.

    See :func:`keep`.
    """
    return connection in _plans


def _plans_of(cr: AnyCursor) -> dict[str, _Plan] | None:
    # a job's cursor would begin its transaction if asked for psycopg2's connection
    return _plans.get(getattr(cr, "own_connection", None) or cr.connection)


class Statement:
    """A statement with named parameters, prepared if it is executed often.

    :param name: the names of the prepared statements begin with it
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
        :param then: statements after it in its message; the last one has the result
        :raise InvalidSqlStatementName: somebody has dropped the prepared statement; it is forgotten
            here, and a later call can succeed
        """
        plans = _plans_of(cr)
        if plans is None:
            cr.execute(settings + self._query + then, values)
            return
        plan = plans.setdefault(self._name, _Plan())
        now = time.monotonic()
        try:
            if now >= plan.ends:
                # the first execution in a second is planned by itself: a statement that is executed
                # only now and then gains nothing from PREPARE
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
