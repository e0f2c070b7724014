"""Patches of Odoo and uses of its private code, with the lines of Odoo on which they depend.

:data:`LINES` names the lines of Odoo's source. A test compares them with the Odoo that is
installed. So a new version of Odoo that changes one of them is noticed, and it says which.
"""

import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.service import server
from odoo.sql_db import BaseCursor, ConnectionPool, PsycoConnection, Savepoint
from odoo.tools import config

#: The lines that are relied on, by the class or function of Odoo in which they are.
LINES: dict[str, tuple[str, ...]] = {
    # patch_servers()
    "odoo.service.server.ThreadedServer.run": ("self.cron_spawn()",),
    "odoo.service.server.PreforkServer.run": (
        "self.process_zombie()",
        "self.process_timeout()",
        "self.process_spawn()",
    ),
    "odoo.service.server.PreforkServer.process_zombie": (
        "wpid, status = os.waitpid(-1, os.WNOHANG)",
        "self.worker_pop(wpid)",
    ),
    # hosts/server.py, the process that runs jobs
    "odoo.service.server.PreforkServer.process_timeout": ("if worker.watchdog_timeout is not None and \\",),
    "odoo.service.server.PreforkServer.worker_spawn": (
        "worker = klass(self)",
        "worker.pid = pid",
        "self.workers[pid] = worker",
        "worker.run()",
    ),
    "odoo.service.server.Worker.run": ("target=self._runloop)", "self.stop()"),
    "odoo.service.server.Worker.check_limits": ("if self.ppid != os.getppid():", "self.alive = False"),
    "odoo.service.server.Worker.signal_handler": ("self.alive = False",),
    "odoo.service.server.Worker.__init__": ("self.watchdog_pipe = multi.pipe_new()", "self.multi = multi"),
    "odoo.service.server.Worker.start": ("if self.multi.socket:",),
    "odoo.service.server.PreforkServer.pipe_ping": ("os.write(pipe[1], b'.')",),
    "odoo.service.server.PreforkServer.worker_kill": ("os.kill(pid, sig)",),
    "odoo.service.server.CommonServer.on_stop": ("cls._on_stop_funcs.append(func)",),
    # hosts/server.py, the pass of the crons
    "odoo.service.server.WorkerCron.process_work": ("IrCron._process_jobs(db_name)",),
    "odoo.service.server.ThreadedServer.process_limit": ("if getattr(thread, 'start_time', None):",),
    # patch_savepoints()
    "odoo.sql_db.Savepoint.__init__": ("self._cr = cr", "cr.execute('SAVEPOINT \"%s\"' % self.name)"),
    "odoo.sql_db.Savepoint.rollback": ("self._cr.execute('ROLLBACK TO SAVEPOINT \"%s\"' % self.name)",),
    "odoo.sql_db._FlushingSavepoint.rollback": ("super().rollback()",),
    # the pools
    "odoo.sql_db.ConnectionPool.__init__": ("self._connections = []", "self._lock = threading.Lock()"),
    "odoo.sql_db.ConnectionPool.borrow": (
        "cnx._pool_in_use = True",
        "result._pool_in_use = True",
        "except psycopg2.OperationalError:",
    ),
    "odoo.sql_db.db_connect": (
        "_Pool = ConnectionPool(int(maxconn), readonly=False)",
        "_Pool_readonly = ConnectionPool(int(maxconn), readonly=True)",
    ),
    # worker/cursor.py, store/connection.py: a cursor with a connection of its own
    "odoo.sql_db.Cursor.__init__": (
        "self._cnx: PsycoConnection = pool.borrow(dsn)",
        "self._obj: psycopg2.extensions.cursor = self._cnx.cursor()",
        "self.connection.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)",
        "self.connection.set_session(readonly=pool.readonly)",
    ),
    "odoo.sql_db.Cursor.execute": ("log_exceptions: bool = True", "self._obj.execute(query, params)"),
    "odoo.sql_db.Cursor.closed": ("return self._closed or bool(self._cnx.closed)",),
    "odoo.sql_db.Cursor._close": (
        "del self._obj",
        "self.rollback()",
        "self.__pool.give_back(self._cnx, keep_in_pool=keep_in_pool)",
    ),
    # JobCursor.has_completed() does the same
    "odoo.sql_db.Cursor.commit": (
        "self.flush()",
        "self._cnx.commit()",
        "self.clear()",
        "self._now = None",
        "self.prerollback.clear()",
        "self.postrollback.clear()",
        "self.postcommit.run()",
    ),
    "odoo.sql_db.Cursor.rollback": ("self.prerollback.run()", "self._cnx.rollback()", "self.postrollback.run()"),
    # installed_addons(); models/ir_module_module.py: an addon's functions are stored when it is
    # loaded
    "odoo.modules.loading.load_module_graph": (
        "registry._init_modules.add(package.name)",
        "module.write({'state': 'installed', 'latest_version': ver})",
    ),
    # worker/watcher.py, worker/transaction.py: a registry is loaded again, or forgotten
    "odoo.orm.registry.Registry.registries": ("def registries(cls) -> LRU[str, Registry]:",),
    "odoo.orm.registry.Registry.delete": ("def delete(cls, db_name: str) -> None:",),
    # hosts/cron.py, store/wakeup.py
    "odoo.addons.base.models.ir_cron.IrCron._commit_progress": ("processed: int = 0,",),
    "odoo.addons.base.models.ir_cron.IrCron._trigger": (
        "def _trigger(self, at: datetime | Iterable[datetime] | None = None):",
    ),
    # jobs/arguments.py, jobs/running.py, worker/outcome.py: texts in the language of a job
    "odoo.tools.translate.LazyGettext._translate": ("def _translate(self, lang: str = '') -> str:",),
    # models/queue_job.py
    "odoo.orm.domains.DomainCondition": ("field_expr: str", "operator: str"),
    "odoo.orm.utils": ("COLLECTION_TYPES = (list, tuple, AbstractSet)",),
    # models/queue_job_failure.py, models/queue_job_count.py
    "odoo.orm.models.BaseModel": ("_table_objects: dict[str, TableObject] = frozendict()",),
    "odoo.addons.web.models.models.Base._search_panel_selection_range": (
        "def _search_panel_selection_range(self, field_name, **kwargs):",
    ),
    # connector/models/external_binding.py, connector/event/event.py
    "odoo.orm.models.BaseModel._add_sql_constraints": ("def _add_sql_constraints(self):",),
    "odoo.orm.models.BaseModel._has_field_access": ("def _has_field_access(self, field: Field, operation:",),
    "odoo.modules.module": ("current_test: bool = False",),
    # the test kits
    "odoo.tests.common": ("_super_send = requests.Session.send",),
    "odoo.tests.common.BaseCase._request_handler": (
        "def _request_handler(cls, s: Session, r: PreparedRequest, /, **kw):",
    ),
}


# The servers


def patch_servers(
    start_threads: Callable[[server.ThreadedServer], object],
    note_dead: Callable[[server.PreforkServer], object],
    kill_silent: Callable[[server.PreforkServer], object],
    start_processes: Callable[[server.PreforkServer], object],
    begin_pass_of_crons: Callable[[server.WorkerCron], object],
) -> None:
    """Let Odoo's servers of this process call functions in their turns; to be called once.

    :param start_threads: called with the threaded server after it has started its crons
    :param note_dead: called with the prefork server before it waits for its dead processes
    :param kill_silent: called with the prefork server before it kills its own silent processes
    :param start_processes: called with the prefork server after it has started its own processes
    :param begin_pass_of_crons: called with a cron process before it runs the crons of a database
    """
    threaded, prefork = server.ThreadedServer, server.PreforkServer
    threaded.cron_spawn = _in_turn(threaded.cron_spawn, start_threads)
    prefork.process_zombie = _in_turn(note_dead, prefork.process_zombie)
    prefork.process_timeout = _in_turn(kill_silent, prefork.process_timeout)
    prefork.process_spawn = _in_turn(prefork.process_spawn, start_processes)
    server.WorkerCron.process_work = _in_turn(begin_pass_of_crons, server.WorkerCron.process_work)


def _in_turn(*methods: Callable[[Any], object]) -> Callable[[Any], None]:
    def method(self: object) -> None:
        for step in methods:
            step(self)

    return method


# Savepoints


def patch_savepoints(
    before_begin: Callable[[BaseCursor], Any], before_rollback: Callable[[BaseCursor, Any], object]
) -> None:
    """Let the savepoints of Odoo's cursors call two functions; to be called once.

    :param before_begin: called with the cursor before a savepoint begins
    :param before_rollback: called with the cursor before a savepoint is rolled back, and with what
        the first one has returned for it; with None for a savepoint that is older than the patch
    """
    init, rollback = Savepoint.__init__, Savepoint.rollback

    @functools.wraps(init)
    def tell_and_init(self: Savepoint, cr: BaseCursor) -> None:
        # TestCursor makes savepoints on a cursor of psycopg2 too, and no data is kept with that one
        self._begun = before_begin(cr) if isinstance(cr, BaseCursor) else None
        init(self, cr)

    @functools.wraps(rollback)
    def tell_and_rollback(self: Savepoint) -> None:
        if isinstance(self._cr, BaseCursor):
            before_rollback(self._cr, self._begun)
        rollback(self)

    Savepoint._begun = None
    Savepoint.__init__, Savepoint.rollback = tell_and_init, tell_and_rollback


# The pools of connections


def _patch_pool() -> None:
    """Make Odoo's pool note which thread has borrowed a connection."""
    borrow = ConnectionPool.borrow

    @functools.wraps(borrow)
    def borrow_and_note(self: ConnectionPool, connection_info: dict[str, Any]) -> PsycoConnection:
        connection = borrow(self, connection_info)
        connection._borrower = threading.get_ident()
        return connection

    ConnectionPool.borrow = borrow_and_note


_patch_pool()


def pids_of_thread() -> list[int]:
    """Return the pids of the server processes that serve the calling thread.

    These are the processes behind the connections that the thread has borrowed from Odoo's pool and
    not given back.
    """
    me = threading.get_ident()
    return [
        connection.get_backend_pid()
        for connection in list(sql_db._Pool._connections if sql_db._Pool else [])
        if connection._pool_in_use and not connection.closed and getattr(connection, "_borrower", None) == me
    ]


def pooled_in_child() -> Iterable[PsycoConnection]:
    """Give Odoo's pools new locks in a forked process, and return their connections.

    A thread that does not exist in this process may have held a lock.
    """
    pools = [pool for pool in (sql_db._Pool, sql_db._Pool_readonly) if pool is not None]
    for pool in pools:
        pool._lock = threading.Lock()
    return [connection for pool in pools for connection in pool._connections]


def cursor_of(registry: Registry) -> BaseCursor:
    """Return a new cursor of a registry's database, also after a restart of PostgreSQL.

    Odoo's pool skips an idle connection that the server has closed if psycopg2 raises
    OperationalError. Sometimes psycopg2 raises a plain DatabaseError first. Then the pool raises it
    too, once for each such connection.
    """
    for _stale in range(config["db_maxconn"]):
        try:
            return registry.cursor()
        except psycopg2.DatabaseError as error:
            if type(error) is not psycopg2.DatabaseError:
                raise
    return registry.cursor()


# The registry


def installed_addons(registry: Registry) -> set[str]:
    """Return the names of the addons that are installed in a registry's database, in no order."""
    return registry._init_modules
