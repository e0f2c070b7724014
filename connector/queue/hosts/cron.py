"""The cron host: Odoo's scheduled actions run jobs while no other worker serves the database."""

import threading
import time

from .. import store
from ..worker import WorkerWatcher

#: A pass of the cron host ends after so many seconds, so that Odoo's other crons get their turn.
CRON_SECONDS = 30


def run_in_cron(env):
    """Run jobs in the calling thread of Odoo's cron for a while, unless another host's workers serve the database."""
    if store.other_hosts_alive(env.cr) or not store.is_original(env.cr):
        return
    dbname = env.cr.dbname
    until = time.monotonic() + CRON_SECONDS
    watcher = WorkerWatcher("cron", 1, lambda: [dbname])
    beating = threading.Thread(target=watcher.watch, name="connector cron worker", daemon=True)
    beating.start()
    thread = threading.current_thread()
    uid = getattr(thread, "uid", None)
    try:
        if watcher.wait_for_workers(timeout=10):
            watcher.work(go_on=lambda ran: ran and time.monotonic() < until)
    finally:
        watcher.stop()
        beating.join()
        thread.dbname, thread.uid = dbname, uid
    with env.registry.cursor() as cr:
        remaining = store.count_runnable(cr)
    env["ir.cron"]._commit_progress(remaining=remaining)
