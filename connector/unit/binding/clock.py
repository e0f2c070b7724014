"""The clock of the database, as the common clock of all processes.

By it they can tell the order of events, even if their own clocks differ.
"""

import time
from datetime import datetime, timedelta

from odoo.sql_db import BaseCursor

from ..connector_unit import Environment


def database_now(environment: Environment) -> datetime:
    """Return the time of the database: naive UTC datetime, in whole seconds as in Odoo.

    It takes one query for each environment. After that a monotonic counter is added, which nobody
    can set.

    :param environment: :class:`~odoo.addons.connector.connector.Environment`
    """
    return environment.open("clock of the database", lambda: _Clock(environment.env.cr)).now()


class _Clock:
    def __init__(self, cr: BaseCursor) -> None:
        cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        (self._began,) = cr.fetchone()
        self._counter = time.monotonic()

    def now(self) -> datetime:
        return (self._began + timedelta(seconds=time.monotonic() - self._counter)).replace(microsecond=0)
