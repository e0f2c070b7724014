"""Grouping of failed jobs by the workers, in a background thread.

Perhaps nobody runs Odoo's scheduled actions, so the workers do it. Nobody waits for the thread.
"""

import logging
import threading
import time

import psycopg2

from odoo import SUPERUSER_ID
from odoo.api import Environment
from odoo.modules.registry import Registry

from .. import store
from ..odoo_patches import cursor_of
from .errors import first_line

_logger = logging.getLogger(__name__)

#: Seconds between two checks for failed jobs.
INTERVAL = 2


class FailureGroups:
    """Groups the failed jobs of a database and tells the followers, while its worker lives."""

    def __init__(self, dbname: str) -> None:
        self.dbname = dbname
        self._thread: threading.Thread | None = None
        self._next: float = 0

    def do_housekeeping(self, cr: psycopg2.extensions.cursor) -> None:
        """Start to group the jobs that have failed since the last time, unless that still goes on.

        :param cr: the worker's raw cursor
        """
        if time.monotonic() < self._next or (self._thread and self._thread.is_alive()):
            return
        self._next = time.monotonic() + INTERVAL
        if store.failures.has_ungrouped(cr):
            self._thread = threading.Thread(target=self._group, name="jobs failures", daemon=True)
            self._thread.dbname = self.dbname  # type: ignore[attr-defined]  # Odoo's log tells it
            self._thread.start()

    def _group(self) -> None:
        try:
            # in two transactions: the second one sees what the first one has grouped
            for method in ("_group_new", "_tell_followers"):
                with cursor_of(Registry(self.dbname)) as cr:
                    getattr(Environment(cr, SUPERUSER_ID, {})["queue.job.failure"], method)()
        except psycopg2.Error as error:
            _logger.info("The failed jobs of %s are grouped later: %s", self.dbname, first_line(error))
        except Exception:
            _logger.exception("The failed jobs of %s cannot be grouped", self.dbname)
