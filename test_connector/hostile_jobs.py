"""Jobs that do to their session, process or worker what a job must not do.

Other jobs must not notice.
"""

import os
import re
import time

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo.addons.jobs_queue.jobs import job

from .jobs import leave_lines_outside

CHILD_SECONDS = 20  # that a child may live


@job(default_channel="root.test", max_retries=1)
def leave_session(session, model_name, habit):
    """Leave the session in another state than before"""
    session.cr.rollback()
    HABITS[habit](session.cr)


def _set(**values):
    return lambda cr: cr.connection.set_session(**values)


def _execute(*statements):
    def execute(cr):
        for statement in statements:
            cr.execute(statement)
        cr.connection.commit()

    return execute


def _discard_all(cr):
    cr.connection.autocommit = True
    cr.execute("DISCARD ALL")
    cr.connection.autocommit = False


HABITS = {
    "read only": _set(readonly=True),
    "autocommit": _set(autocommit=True),
    "another isolation": _set(isolation_level=ISOLATION_LEVEL_READ_COMMITTED),
    "time-out": _execute("SET statement_timeout = 1"),
    "read only by default": _execute("SET default_transaction_read_only = on"),
    "search path": _execute("SET search_path = pg_catalog"),
    "table in the way": _execute("CREATE TEMP TABLE test_effect (id int)"),
    "no prepared statements": _execute("DEALLOCATE ALL"),
    "discarded": _discard_all,
    "closed": lambda cr: cr.connection.close(),
}


@job(default_channel="root.test")
def leave_line_and_fork(session, model_name, name, log):
    """Create an effect and a line, and fork a child that ends by an exception"""
    leave_lines_outside(session, [name], log)
    child = os.fork()
    if not child:
        raise SystemExit
    until = time.monotonic() + CHILD_SECONDS
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > until:
            os.kill(child, 9)
        time.sleep(0.02)


@job(default_channel="root.test", max_retries=1, time_limit=3)
def hold_interpreter(session, model_name):
    """Hold the interpreter: no other thread of the process runs"""
    re.match(r"(a+)+$", "a" * 60 + "b")
