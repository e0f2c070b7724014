"""The clock of the database, by which all processes tell what was before what, however their own clocks differ."""

import time
from datetime import timedelta


def database_now(environment):
    """Return the time by the clock of the database: naive UTC datetime, in whole seconds as Odoo stores it.

    It takes one query an environment; from then on a counter goes on, which nobody sets.

    :param environment: :class:`~odoo.addons.connector.connector.Environment`
    """
    return environment.open("clock of the database", lambda: _Clock(environment.env.cr)).now()


class _Clock:
    def __init__(self, cr):
        cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        (self._began,) = cr.fetchone()
        self._counter = time.monotonic()

    def now(self):
        return (self._began + timedelta(seconds=time.monotonic() - self._counter)).replace(microsecond=0)
