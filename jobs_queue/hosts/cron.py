"""Cron host: Odoo's scheduled actions run jobs while no other worker serves the database."""

import resource
import threading
import time
from typing import Any

from odoo.api import Environment
from odoo.tools import config
from odoo.tools.translate import LazyTranslate

from .. import store
from ..exception import TooLongForCron
from ..worker import WorkerWatcher

_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds after which a pass of the cron host ends, so that Odoo's other crons get their turn.
CRON_SECONDS = 30
#: Seconds, at most, between the stop of a job and the time when Odoo kills the cron's process:
#: after that nobody knows why the process died.
MARGIN_SECONDS = 15


def time_limit() -> float | None:
    """Return how many seconds Odoo lets the crons of a database run, or None without a limit."""
    limit = config["limit_time_real_cron"]
    if limit < 0 or (limit == 0 and not config["workers"]):
        limit = config["limit_time_real"]
    return limit or None


def _begin_of_pass() -> float:
    # The time when the crons of the database began. In the threaded server Odoo has noted it, in
    # the prefork server server.py has; other crons may have run before this one
    start_time = getattr(threading.current_thread(), "start_time", None)
    return time.monotonic() - (time.time() - start_time if start_time else 0)


def reason_to_stop(seconds: float, limit: float | None) -> TooLongForCron | None:
    """Return the exception to stop a job because Odoo is going to end its process, or None.

    Odoo ends a cron's process after a time, and after some processor time, set as a limit of the
    kernel. In a threaded server it does neither.

    :param seconds: how long the crons of the database have run by now
    :param limit: the result of :func:`time_limit`
    """
    if limit and seconds > limit - _margin(limit):
        return TooLongForCron(_lt("It runs longer than cron allows (%s s): use `odoo jobs_worker`", limit))
    allowed, _hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = config["limit_time_cpu"]
    if allowed != resource.RLIM_INFINITY and time.process_time() > allowed - _margin(limit):
        return TooLongForCron(
            _lt("It uses the processor longer than cron allows (%s s): use `odoo jobs_worker`", limit)
        )
    return None


def _margin(limit: float) -> float:
    return min(MARGIN_SECONDS, limit / 4)


def run_in_cron(env: Environment) -> None:
    """Run jobs in the calling thread of Odoo's cron for a while.

    If workers of another host serve the database, nothing is run.
    """
    if store.workers.other_hosts_alive(env.cr) or not store.database.is_original(env.cr):
        return
    dbname = env.cr.dbname
    limit = time_limit()
    began = _begin_of_pass()
    until = time.monotonic() + min(CRON_SECONDS, (limit or CRON_SECONDS * 4) / 4)
    watcher = WorkerWatcher(
        "cron", 1, lambda: [dbname], reason_to_stop=lambda: reason_to_stop(time.monotonic() - began, limit)
    )
    beating = threading.Thread(target=watcher.watch, name="jobs cron worker", daemon=True)
    beating.start()
    # Odoo's log shows its attributes
    thread: Any = threading.current_thread()
    uid = getattr(thread, "uid", None)
    passes = 0

    def go_on(ran: bool) -> bool:
        nonlocal passes
        passes += ran
        return ran and time.monotonic() < until

    try:
        if watcher.wait_for_workers(timeout=10):
            watcher.work(go_on=go_on)
    finally:
        watcher.stop()
        beating.join()
        thread.dbname, thread.uid = dbname, uid
    with env.registry.cursor() as cr:
        remaining = store.upkeep.count_runnable(cr)
    env["ir.cron"]._commit_progress(passes, remaining=remaining)
