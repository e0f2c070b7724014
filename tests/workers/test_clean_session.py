"""State that a job leaves in its session, thread or process: the next job does not notice it."""

import contextlib
import contextvars
import datetime
import decimal
import io
import itertools
import os
import socket
import sys
import threading

import psycopg2
import pytest
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, STATUS_BEGIN, TRANSACTION_STATUS_IDLE

from odoo import sql_db
from odoo.tools import SQL, config, mute_logger

from odoo.addons.jobs_queue.exception import FailedJobError

from chaos.proxy import Proxy
from scripts import databases

LOOKS = {
    # without settings of extensions, which are there when a session needs them, and without
    # settings that nobody knows, which stay with an empty value
    "settings": "SELECT name, setting FROM pg_settings WHERE name NOT LIKE '%.%'",
    "users": "SELECT session_user, current_user",
    "locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    "tables": "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
    "channels": "SELECT pg_listening_channels()",
    "cursors": "SELECT name FROM pg_cursors",
}


def look_around(session):
    """Return everything that a job can see of its session."""
    connection = session.cr.connection
    seen = {name: session.cr.execute(query) or session.cr.fetchall() for name, query in LOOKS.items()}
    for name in ("autocommit", "isolation_level", "readonly", "deferrable", "encoding", "cursor_factory", "status"):
        seen[name] = [getattr(connection, name)]
    seen["kept"] = [*connection.notices, *connection.notifies, *connection.string_types, *connection.binary_types]
    seen["cursor"] = (sorted(vars(session.cr)), session.cr.arraysize, session.cr.itersize, bool(session.cr.postcommit))
    seen["cache"] = dict(session.cr.cache)
    return seen


def statement(text):
    return lambda session: session.cr.execute(text)


def at_once(text):
    """Return a deed that executes a statement beside Odoo's cursor."""
    return lambda session: session.cr.connection.cursor().execute(text)


def with_session(**values):
    return lambda session: session.cr.connection.set_session(**values)


def kept_attribute(session):
    session.cr.execute_kw = session.cr.execute


def typecaster(session):
    backwards = psycopg2.extensions.new_type((23,), "BACKWARDS", lambda value, cr: value and value[::-1])
    psycopg2.extensions.register_type(backwards, session.cr.connection)


def array_size(session):
    session.cr._obj.arraysize = 5
    psycopg2.extensions.register_type(psycopg2.extensions.UNICODEARRAY, session.cr._obj)


HABITS = {
    "read only": with_session(readonly=True),
    "another isolation": with_session(isolation_level=ISOLATION_LEVEL_READ_COMMITTED),
    "deferrable": with_session(deferrable=True),
    "a time-out": statement("SET statement_timeout = '10min'"),
    "a time-out that is too short for all": statement("SET statement_timeout = 1"),
    "a setting by a function": statement("SELECT set_config('search_path', 'pg_catalog', false)"),
    "a setting in a block": statement("DO $$ BEGIN SET work_mem = '1MB'; END $$"),
    "a setting of its own": statement("SELECT set_config('my.setting', 'x', false)"),
    "a role": statement("SET ROLE pg_monitor"),
    "a time zone": statement("SET TimeZone = 'Pacific/Auckland'"),
    "a format of dates": statement("SET DateStyle = 'SQL, DMY'"),
    "an encoding of the server": statement("SET client_encoding = 'LATIN1'"),
    "an encoding of the client": lambda session: session.cr.connection.set_client_encoding("LATIN1"),
    "replicated": statement("SET default_transaction_read_only = on"),
    "a lock": statement("SELECT pg_advisory_lock(7), pg_advisory_lock(7), pg_advisory_lock_shared(8)"),
    "a temporary table": statement("CREATE TEMP TABLE left_behind (id int)"),
    "a temporary sequence": statement("CREATE TEMP SEQUENCE left_behind"),
    "an ear": statement("LISTEN left_behind; NOTIFY left_behind, 'x'"),
    "a cursor": statement("DECLARE left_behind CURSOR WITH HOLD FOR SELECT generate_series(1, 10)"),
    "a notice": statement("DO $$ BEGIN RAISE WARNING 'left behind'; END $$"),
    "all plans dropped": statement("DEALLOCATE ALL"),
    "all plans dropped beside": at_once("DEALLOCATE ALL"),
    "a class of cursors": lambda session: setattr(session.cr.connection, "cursor_factory", psycopg2.extensions.cursor),
    "a type of its own": typecaster,
    "a cursor that is not as it was": array_size,
    "an attribute": kept_attribute,
    "a cache": lambda session: session.cr.cache.update(key="value"),
    "a hook that opens a transaction": lambda session: session.cr.postcommit.add(
        lambda: session.cr.execute("SET statement_timeout = 1")
    ),
    "a hook that closes the cursor": lambda session: session.cr.postcommit.add(session.cr.close),
    "a hook that closes the connection": lambda session: session.cr.postcommit.add(
        lambda: session.cr.connection.close()
    ),
    "a hook that exits": lambda session: session.cr.postcommit.add(sys.exit),
    "a hook that breaks the transaction": lambda session: session.cr.postcommit.add(
        lambda: session.cr.execute("SELECT no_such_column")
    ),
    "a connection that is reset": lambda session: session.commit() or session.cr.connection.reset(),
    "a connection that is closed": lambda session: session.cr.connection.close(),
    "a cursor that is closed": lambda session: session.cr.close(),
    "a cursor of psycopg2 that is closed": lambda session: session.cr._obj.close(),
}


def fails(habit):
    def deed(session):
        HABITS[habit](session)
        raise ValueError("it fails, too")

    return deed


@pytest.mark.parametrize("ending", ["done", "failed"])
@pytest.mark.parametrize("habit", HABITS)
def test_f6_the_next_job_does_not_notice_what_one_has_left_in_its_session(
    habit, ending, run_here, ends, leave, effects
):
    seen = []

    def look(session):
        seen.append(look_around(session))
        leave(session, "looked")

    ids = run_here(look, HABITS[habit] if ending == "done" else fails(habit), look)
    assert ends(ids)[2] == ("done", 0)
    for name in seen[0]:
        assert set(map(repr, seen[0][name])) ^ set(map(repr, seen[1][name])) == set(), name
    assert effects() == ["looked", "looked"]


@pytest.mark.parametrize("habit", ["a time-out", "a temporary table", "all plans dropped", "a hook that exits"])
def test_f6_jobs_that_all_have_a_bad_habit_are_done_with_their_first_try(habit, run_here, ends, leave, effects):
    def deed(session):
        leave(session)
        HABITS[habit](session)

    assert ends(run_here(*[deed] * 4)) == [("done", 0)] * 4
    assert effects() == ["effect"] * 4


def set_autocommit(session):
    session.commit()
    session.cr.connection.autocommit = True


def commit_by_sql(session):
    session.cr.execute("COMMIT")


def commit_by_sql_beside(session):
    session.cr.connection.cursor().execute("COMMIT")


def commit_and_chain(session):
    session.cr.execute("COMMIT AND CHAIN")


def commit_and_begin(session):
    session.cr.execute("COMMIT; BEGIN")


def commit_and_chain_and_go_on(session):
    with contextlib.suppress(FailedJobError):
        session.cr.execute("COMMIT AND CHAIN")


@pytest.mark.parametrize(
    "habit",
    [
        *(set_autocommit, commit_by_sql, commit_by_sql_beside),
        *(commit_and_chain, commit_and_begin, commit_and_chain_and_go_on),
    ],
)
@pytest.mark.parametrize("is_last", [True, False], ids=["at its end", "in its midst"])
def test_f6_a_job_that_is_not_atomic_any_more_fails_and_says_why(
    habit, is_last, run_here, ends, leave, effects, database
):
    def deed(session):
        leave(session, "before")
        habit(session)
        if not is_last:
            leave(session, "after")

    ids = run_here(deed, leave)
    assert ends(ids) == [("failed", 1), ("done", 0)]
    assert "has switched its cursor to autocommit, or has committed by SQL" in database.value(
        "SELECT message FROM queue_job WHERE id = %s", ids[0]
    )
    assert effects() == ["before", "effect"]


def test_f6_behind_a_pooler_a_job_that_commits_in_its_own_message_fails_too(own_worker, run_here, ends, leave, effects):
    own_worker.is_pooled = True

    def deed(session):
        leave(session, "before")
        session.cr.execute("SELECT 1; COMMIT;")
        leave(session, "after")

    assert ends(run_here(deed, leave)) == [("failed", 1), ("done", 0)]
    assert effects() == ["before", "effect"]


INSERT = "INSERT INTO test_effect (name) VALUES ('lost')"


@pytest.fixture
def end_in_a_row(own_worker, run_here, ends):
    """Return a function that runs jobs that were claimed together; the second one does a deed.

    The function returns how the second job ends. The transaction of such a job begins with its
    first statement, in one message with it.
    """

    def run(deed):
        def second(session):
            connection = session.cr.own_connection
            seen.append((connection.status, connection.get_transaction_status()))
            deed(session)

        seen = []
        own_worker.runner.job_seconds = 0.001
        first, end, last = ends(run_here(lambda session: None, second, lambda session: None))
        assert seen == [(STATUS_BEGIN, TRANSACTION_STATUS_IDLE)]
        assert (first, last) == (("done", 0), ("done", 0))
        return end

    return run


WAYS_TO_WRITE = {
    "execute": lambda cr: cr.execute(INSERT),
    "SQL": lambda cr: cr.execute(SQL(INSERT)),
    "bytes": lambda cr: cr.execute(INSERT.encode()),
    "many": lambda cr: cr.executemany(INSERT, [()]),
    "copy": lambda cr: cr.copy_expert("COPY test_effect (name) FROM STDIN", io.StringIO("lost\n")),
    "psycopg2's cursor": lambda cr: cr._obj.execute(INSERT),
    "psycopg2's connection": lambda cr: cr._cnx.cursor().execute(INSERT),
    "a cursor beside": lambda cr: cr.connection.cursor().execute(INSERT),
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE)
def test_f6_what_a_job_writes_first_is_a_part_of_its_transaction_in_whatever_way(way, end_in_a_row, effects):
    def deed(session):
        WAYS_TO_WRITE[way](session.cr)
        raise ValueError

    assert end_in_a_row(deed) == ("failed", 1)
    assert effects() == []


@pytest.mark.parametrize(
    "query", ["SELEC", "SELECT %(missing)s", "SELECT '\\\\x' || U&'\\1'", "", "-- nothing", "SELEC;"]
)
def test_f6_a_job_goes_on_in_its_transaction_after_a_first_statement_that_was_not_executed(
    query, end_in_a_row, leave, effects
):
    def deed(session):
        with contextlib.suppress(psycopg2.Error, KeyError), mute_logger("odoo.addons.jobs_queue.worker.cursor"):
            session.cr.execute(query, {"number": 1} if "%" in query else None)
        leave(session)

    assert end_in_a_row(deed) == ("done", 0)
    assert effects() == ["effect"]


@pytest.mark.parametrize("error", ["SELECT 1/0", "INSERT INTO test_effect (name) VALUES ('one', 'two')"])
def test_f6_a_job_whose_first_statement_has_committed_before_its_error_fails(error, end_in_a_row, leave, effects):
    def deed(session):
        with contextlib.suppress(psycopg2.Error), mute_logger("odoo.addons.jobs_queue.worker.cursor"):
            session.cr.execute(f"COMMIT; {error}")
        leave(session)

    assert end_in_a_row(deed) == ("failed", 1)
    assert effects() == []


def test_f6_a_job_that_has_closed_its_cursor_fails_and_says_so(run_here, ends, database):
    (job,) = run_here(lambda session: session.cr.close() or session.cr.execute("SELECT 1"))
    assert ends([job]) == [("failed", 1)]
    assert "Cursor already closed" in database.value("SELECT message FROM queue_job WHERE id = %s", job)


_variable = contextvars.ContextVar("connector_test", default="unset")


def test_f6_the_next_job_does_not_notice_what_one_has_left_in_its_thread_and_its_process(run_here, ends, tmp_path):
    def look(session):
        thread = threading.current_thread()
        seen.append(
            [
                (decimal.getcontext().prec, _variable.get(), thread.name, sorted(vars(thread))),
                (os.getcwd(), socket.getdefaulttimeout(), sys.getrecursionlimit()),
            ]
        )

    def leave_things(session):
        thread = threading.current_thread()
        decimal.getcontext().prec = 3
        _variable.set("left")
        thread.name, thread.left = "left", 1
        socket.setdefaulttimeout(1)
        sys.setrecursionlimit(5000)
        gone = tmp_path / "gone"
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()

    seen = []
    ids = run_here(look, leave_things, look)
    assert ends(ids) == [("done", 0)] * 3
    assert seen[0] == seen[1]


def test_f6_a_hook_after_the_commit_that_never_ends_is_stopped_at_the_time_limit_and_the_job_is_done(
    run_here, ends, leave, own_worker
):
    def deed(session):
        leave(session)
        session.cr.postcommit.add(lambda: session.cr.execute("SELECT pg_sleep(1000)"))

    watching, is_over = None, threading.Event()

    def watch():
        while not is_over.wait(0.1):
            own_worker.runner.watch()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        ids = run_here(deed, leave, time_limit=1)
    finally:
        is_over.set()
        watching.join()
    assert ends(ids) == [("done", 0)] * 2


def test_f6_dates_are_read_where_the_server_has_a_format_of_its_own(database, request, ends):
    def look(session):
        session.cr.execute("SELECT '2026-11-29 01:02:03'::timestamp")
        seen.extend(session.cr.fetchone())

    seen = []
    databases.execute("ALTER DATABASE {} SET datestyle = 'SQL, DMY'", database.name)
    try:
        sql_db.close_db(database.name)
        ids = request.getfixturevalue("run_here")(look, look)
    finally:
        databases.execute("ALTER DATABASE {} RESET datestyle", database.name)
        sql_db.close_db(database.name)
    assert ends(ids) == [("done", 0)] * 2
    assert seen == [datetime.datetime(2026, 11, 29, 1, 2, 3)] * 2


class Listener(Proxy):
    """Proxy that notes the queries it forwards."""

    def __init__(self, folder, server):
        self.queries = []
        super().__init__(folder, server)

    def _relay(self, data, source, target):
        if data.startswith(b"Q"):
            self.queries.append(data[5:-1].decode().strip())
        super()._relay(data, source, target)


@pytest.fixture
def listener(database, tmp_path, monkeypatch):
    """Return the proxy between the worker in this process and the server."""
    with databases.cursor() as cr:
        server = cr.connection.info.host
    if not server.startswith("/"):
        pytest.skip(f"PostgreSQL at {server} is not reached by a socket on which one can listen")
    monkeypatch.setitem(config.options, "db_host", str(tmp_path))
    return Listener(tmp_path, server)


RESETS = ("RESET", "RESET", "UNLISTEN", "CLOSE", "DISCARD", "SET", "SELECT")


@pytest.mark.parametrize(
    "deed, messages, after_commit",
    [(lambda session: None, 2, ()), (statement("SELECT 1"), 3, RESETS)],
    ids=["executes nothing", "executes a statement"],
)
def test_f6_a_job_costs_two_messages_and_a_clean_session_none(deed, messages, after_commit, listener, request, ends):
    run_here = request.getfixturevalue("run_here")
    ids = run_here(*[deed] * 20)
    assert ends(ids) == [("done", 0)] * 20
    begins = [number for number, query in enumerate(listener.queries) if query.startswith("BEGIN ISOLATION LEVEL REP")]
    jobs = [listener.queries[begin:next_] for begin, next_ in itertools.pairwise(begins)]
    # the shortest is a job for which nothing was claimed or planned anew; its last statement starts
    # the next job
    shortest = min((job for job in jobs if any("EXECUTE connector_complete" in query for query in job)), key=len)
    *_its_own, end, start = shortest
    assert len(shortest) == messages
    words = [part.split()[0] for part in end.split(";") if part]
    assert words[words.index("SET") :] == ["SET", "EXECUTE", "COMMIT", *after_commit]
    assert start.startswith("EXECUTE connector_start")


class Saboteur(Listener):
    """Proxy that makes the rest of a message fail after the COMMIT of a job, once."""

    is_armed = False

    def _relay(self, data, source, target):
        after = b"SELECT pg_advisory_unlock_all()"
        if self.is_armed and data.startswith(b"Q") and b"COMMIT" in data and after in data:
            self.is_armed = False
            data = data.replace(after, b"SELECT 1/0".ljust(len(after)))
        super()._relay(data, source, target)


def test_f6_an_error_after_the_commit_of_a_job_does_not_undo_it(
    database, tmp_path, monkeypatch, request, ends, effects
):
    with databases.cursor() as cr:
        server = cr.connection.info.host
    if not server.startswith("/"):
        pytest.skip(f"PostgreSQL at {server} is not reached by a socket on which one can listen")
    monkeypatch.setitem(config.options, "db_host", str(tmp_path))
    saboteur = Saboteur(tmp_path, server)
    leave, run_here = request.getfixturevalue("leave"), request.getfixturevalue("run_here")
    heard = []

    def deed(session):
        leave(session)
        session.cr.postcommit.add(lambda: heard.append("after the commit"))
        # what a hook writes is no part of the job, and is not kept
        session.cr.postcommit.add(lambda: leave(session, "by a hook"))
        saboteur.is_armed = True

    ids = run_here(deed, leave)
    assert not saboteur.is_armed
    assert ends(ids) == [("done", 0)] * 2
    assert effects() == ["effect"] * 2
    assert heard == ["after the commit"]
