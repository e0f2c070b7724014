"""Lack of resources of the worker or the server, which is not the job's fault."""

import errno
import os
import resource
import socket

import psycopg2
import pytest
from psycopg2.errors import CannotConnectNow, ConfigurationLimitExceeded, DiskFull, TooManyConnections
from psycopg2.pool import PoolError

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import FailedJobError, RetryableJobError
from odoo.addons.jobs_queue.store.connection import opened
from odoo.addons.jobs_queue.worker import Worker
from odoo.addons.jobs_queue.worker.kept import kept

from scripts import databases


def limit_connections(database, number):
    """Limit the number of connections to the database; -1 for no limit."""
    with databases.cursor() as cr:
        cr.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT {number}")


@pytest.fixture
def no_connections(database):
    """Provide a function that makes the server refuse new connections to the database."""
    yield lambda: limit_connections(database, 0)
    limit_connections(database, -1)


def make_due(database):
    with databases.cursor(database.name) as cr:
        cr.execute("UPDATE queue_job SET state = 'pending', eta = NULL, ready_seq = id WHERE state = 'scheduled'")


def message_of(database, job_id):
    return database.value("SELECT message FROM queue_job WHERE id = %s", job_id)


def seconds_to_wait(database, job_id):
    return database.value(
        "SELECT extract(epoch FROM eta - clock_timestamp() AT TIME ZONE 'UTC')::int FROM queue_job WHERE id = %s",
        job_id,
    )


def test_f3_a_job_for_which_there_is_no_connection_is_given_back_and_its_worker_takes_no_others_for_a_time(
    database, jobs, delay, own_worker, no_connections, ends, attempts, wait_until
):
    job, other = delay(jobs.leave_effect, "job"), delay(jobs.leave_effect, "other")
    no_connections()
    own_worker.run(own_worker.next_job())
    assert own_worker.next_job() is None
    limit_connections(database, -1)
    assert ends([job, other]) == [("scheduled", 0), ("pending", 0)]
    assert attempts(job) == ["no_resources"]
    assert "want of means" in message_of(database, job)
    assert "too many connections" in message_of(database, job)
    own_worker.run(wait_until(own_worker.next_job))
    assert ends([other]) == [("done", 0)]
    make_due(database)
    own_worker.run(wait_until(own_worker.next_job))
    assert ends([job]) == [("done", 0)]


def test_f3_the_waits_of_a_worker_without_means_grow_until_it_can_run_a_job(
    database, jobs, delay, own_worker, no_connections, wait_until
):
    waits = []
    for number in range(3):
        delay(jobs.leave_effect, str(number))
    leased = [own_worker.next_job() for _number in range(3)]
    no_connections()
    for job in leased:
        own_worker.backoff._until = 0
        own_worker.run(job)
        assert own_worker.backoff.is_on
        waits.append(round(own_worker.backoff.begin()))
    assert waits == [1, 2, 4]
    limit_connections(database, -1)
    make_due(database)
    own_worker.backoff._until = 0
    own_worker.run(own_worker.next_job())
    own_worker.backoff.begin()
    assert round(own_worker.backoff.begin()) == 1


def test_f3_a_job_for_which_there_are_no_open_files_left_is_given_back(
    database, jobs, delay, own_worker, ends, attempts
):
    job = delay(jobs.leave_effect, "job")
    leased = own_worker.next_job()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
    try:
        with pytest.raises(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        own_worker.run(leased)
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert ends([job]) == [("scheduled", 0)]
    assert attempts(job) == ["no_resources"]


def test_f3_all_jobs_are_done_once_there_are_connections_again(
    database, jobs, delay, worker, no_connections, wait_until, effects
):
    process = worker("--threads", "4")
    wait_until(lambda: database.value("SELECT count(*) FROM queue_worker"))
    ids = [delay(jobs.leave_effect_when_let_go, "first", "/dev/null")]
    wait_until(lambda: "first after" in effects())
    # the one thread that has a connection goes on
    no_connections()
    ids += database.commit(lambda env: _delay_many(env, jobs))
    wait_until(lambda: "takes no jobs for" in process.log.read_text())
    limit_connections(database, -1)
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'"), timeout=120)
    assert database.value("SELECT max(retry) FROM queue_job") == 0


def _delay_many(env, jobs):
    session = _session(env)
    return [jobs.leave_effect.delay(session, "test.effect", str(number)).id for number in range(40)]


def _session(env):
    from odoo.addons.jobs_queue.session import ConnectorSession

    return ConnectorSession.from_env(env)


def lock_without_end(session):
    session.cr.execute("SELECT pg_advisory_xact_lock(number) FROM generate_series(1, 1000000) AS number")


def connect_to_nobody(session):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        psycopg2.connect(host="127.0.0.1", port=probe.getsockname()[1], dbname="postgres")


def raises(error):
    def deed(session):
        raise error

    return deed


def raises_from(error, make=lambda: ValueError("something went wrong")):
    def deed(session):
        try:
            raise error
        except Exception as cause:
            raise make() from cause

    return deed


DEEDS = {
    "no memory for locks": lock_without_end,
    "a server that refuses": connect_to_nobody,
    "the pool": raises(PoolError("The Connection Pool Is Full")),
    "open files": raises(OSError(errno.EMFILE, "Too many open files")),
    "open files of all": raises(OSError(errno.ENFILE, "Too many open files in system")),
    "the disk": raises(OSError(errno.ENOSPC, "No space left on device")),
    "the server's disk": raises(DiskFull("could not extend file")),
    "connections": raises(TooManyConnections("sorry, too many clients already")),
    "a server that starts": raises(CannotConnectNow("the database system is starting up")),
    "memory": raises(MemoryError()),
    "what led to it": raises_from(PoolError("The Connection Pool Is Full")),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_f3_a_job_that_meets_a_lack_of_means_is_tried_again_without_counting(deed, run_here, ends, attempts, database):
    (job,) = run_here(DEEDS[deed])
    assert ends([job]) == [("scheduled", 0)]
    assert attempts(job) == ["no_resources"]
    assert 5 < seconds_to_wait(database, job) <= 10


def test_f3_from_the_fourth_time_in_a_row_on_a_lack_of_means_counts(run_here, ends, attempts, own_worker, database):
    (job,) = run_here(DEEDS["the pool"], max_retries=2)
    waits = [seconds_to_wait(database, job)]
    for _number in range(4):
        make_due(database)
        own_worker.run(own_worker.next_job())
        waits.append(seconds_to_wait(database, job))
    assert [round(seconds, -1) for seconds in waits[:3]] == [10, 60, 600]
    assert ends([job]) == [("failed", 2)]
    assert attempts(job) == ["no_resources"] * 4 + ["failed"]


def raises_while_handling(error):
    def deed(session):
        try:
            raise PoolError("The Connection Pool Is Full")
        except PoolError:
            raises(error)(session)

    return deed


DECIDED = {
    "when to try again": (
        raises_from(PoolError("full"), lambda: RetryableJobError("the shop is away", seconds=3600)),
        ("scheduled", 1),
    ),
    "when, without counting": (
        raises_from(PoolError("full"), lambda: RetryableJobError("the shop is away", seconds=3600, ignore_retry=True)),
        ("scheduled", 0),
    ),
    "that it fails": (raises_from(PoolError("full"), lambda: FailedJobError("no")), ("failed", 1)),
    "another error meanwhile": (raises_while_handling(ValueError("wrong")), ("failed", 1)),
    "another try meanwhile": (raises_while_handling(RetryableJobError("later")), ("scheduled", 1)),
}


@pytest.mark.parametrize("decision", DECIDED)
def test_f3_what_the_code_decides_holds_whatever_has_led_to_it(decision, run_here, ends, attempts, database):
    deed, end = DECIDED[decision]
    (job,) = run_here(deed)
    assert ends([job]) == [end]
    assert attempts(job) != ["no_resources"]
    if "when" in decision:
        assert 3500 < seconds_to_wait(database, job) <= 3600


def test_f3_of_a_batch_that_lacks_means_again_and_again_only_the_guilty_one_pays(
    database, jobs, own_worker, run_here, ends, attempts
):
    ids = run_here(
        DEEDS["memory"], lambda session: None, lambda session: None, function=jobs.do_together, group_key="g"
    )
    for _time in range(2):
        make_due(database)
        own_worker.run(own_worker.next_job())
    assert ends(ids) == [("scheduled", 0)] * 3
    make_due(database)
    own_worker.run(own_worker.next_job())
    assert ends(ids) == [("scheduled", 1), ("done", 0), ("done", 0)]


def test_f3_what_was_put_off_before_its_code_was_called_is_none_of_the_three_times(
    database, jobs, delay, own_worker, no_connections, ends, attempts
):
    def run_due():
        own_worker.backoff._until = 0
        own_worker.run(own_worker.next_job())

    def put_off():
        own_worker.close_thread()
        make_due(database)
        no_connections()
        run_due()
        limit_connections(database, -1)
        make_due(database)

    waits = []
    jobs.deeds["meets a full pool"] = DEEDS["the pool"]
    job = delay(jobs.do, "meets a full pool", max_retries=1)
    for _time in range(2):
        put_off()
    for _time in range(3):
        run_due()
        waits.append(round(seconds_to_wait(database, job), -1))
        put_off()
    assert waits == [10, 60, 600]
    assert ends([job]) == [("pending", 0)]
    run_due()
    assert ends([job]) == [("failed", 1)]
    assert attempts(job) == ["no_resources"] * 8 + ["failed"]


def test_f3_a_limit_that_was_set_for_statements_counts_always(run_here, ends, attempts):
    (job,) = run_here(raises(ConfigurationLimitExceeded("temporary file size exceeds temp_file_limit")))
    assert ends([job]) == [("scheduled", 1)]
    assert attempts(job) == ["retry"]


def test_f3_a_job_whose_arguments_do_not_come_after_its_start_waits_and_others_run_before_it(
    database, jobs, delay, own_worker, ends, attempts, monkeypatch
):
    large, other = delay(jobs.leave_effect, "large"), delay(jobs.leave_effect, "other")
    start = store.leases.start

    def lack_memory(cr, job):
        start(cr, job)
        if job.id == large:
            raise MemoryError

    monkeypatch.setattr(store.leases, "start", lack_memory)
    own_worker.run(own_worker.next_job())
    assert own_worker.next_job() is None
    assert ends([large, other]) == [("scheduled", 0), ("pending", 0)]
    assert attempts(large) == ["no_resources"]
    monkeypatch.setattr(store.leases, "start", start)
    own_worker.backoff._until = 0
    own_worker.run(own_worker.next_job())
    assert ends([other]) == [("done", 0)]


def test_f3_a_full_pool_of_connections_puts_off_a_batch_and_costs_no_try(
    database, jobs, delay, own_worker, ends, attempts, monkeypatch
):
    jobs.deeds["nothing"] = lambda session: None
    job = delay(jobs.do_together, "nothing")
    full = sql_db.ConnectionPool(0)
    monkeypatch.setattr(full, "borrow", lambda info: (_ for _ in ()).throw(PoolError("The Connection Pool Is Full")))
    monkeypatch.setattr(Worker, "options_of", lambda worker, job: full.borrow(None))
    own_worker.run(own_worker.next_job())
    assert own_worker.next_job() is None
    assert ends([job]) == [("pending", 0)]


# F24: the pool


def used_places():
    return sum(connection._pool_in_use for connection in sql_db._Pool._connections) if sql_db._Pool else 0


def test_f24_a_job_takes_no_place_of_odoos_pool(run_here, ends):
    used = []
    before = used_places()
    ids = run_here(lambda session: used.append(used_places()))
    assert ends(ids) == [("done", 0)]
    assert used == [before]


@pytest.fixture
def full_pool(monkeypatch, database):
    """Provide a function that takes all places of Odoo's pool, as requests do.

    They are free again at the end of the test.
    """
    held = []

    def fill():
        monkeypatch.setattr(sql_db._Pool, "_maxconn", 2)
        with pytest.raises(PoolError):
            while True:
                held.append(Registry(database.name).cursor())

    yield fill
    for cr in held:
        cr.close()


class Unreachable(Exception):
    """An exception that the policy of a function does not name."""


ENDS_WITH_A_FULL_POOL = {
    "for good": (FailedJobError("no"), {}, ("failed", 1), ["failed"]),
    "an error": (Unreachable("no"), {}, ("failed", 1), ["failed"]),
    "another try": (RetryableJobError("later"), {}, ("scheduled", 1), ["retry"]),
    "the last try": (RetryableJobError("later"), {"max_retries": 1}, ("failed", 1), ["failed"]),
    "a try that does not count": (RetryableJobError("later", ignore_retry=True), {}, ("scheduled", 0), ["retry"]),
    "no means": (PoolError("The Connection Pool Is Full"), {}, ("scheduled", 0), ["no_resources"]),
}


@pytest.mark.parametrize("end", ENDS_WITH_A_FULL_POOL)
def test_f24_a_job_ends_as_it_should_while_odoos_pool_is_full(end, run_here, ends, attempts, full_pool):
    error, options, state, outcomes = ENDS_WITH_A_FULL_POOL[end]

    def deed(session):
        full_pool()
        raise error

    (job,) = run_here(deed, **options)
    assert ends([job]) == [state]
    assert attempts(job) == outcomes


def test_f24_jobs_of_a_batch_end_as_they_should_while_odoos_pool_is_full(run_here, ends, jobs, full_pool):
    def deed(session):
        full_pool()
        raise RetryableJobError("later")

    # the first job of the batch has filled the pool
    ids = run_here(deed, deed, function=jobs.do_together, group_key="together")
    assert ends(ids) == [("scheduled", 1)] * 2


def test_f24_jobs_of_a_batch_start_together_while_odoos_pool_is_full(
    delay, own_worker, ends, attempts, jobs, full_pool
):
    ran = []
    jobs.deeds["note"] = ran.append
    ids = [delay(jobs.do_together, "note", group_key="together") for _number in range(2)]
    full_pool()
    own_worker.run(own_worker.next_job())
    assert ends(ids) == [("done", 0)] * 2
    assert len(ran) == 2
    assert [attempts(id_) for id_ in ids] == [["done"]] * 2


def test_f24_the_pattern_that_an_administrator_has_set_holds_while_odoos_pool_is_full(
    run_here, database, jobs, full_pool
):
    def set_pattern(env):
        env["queue.job.function"].search(
            [("name", "=", jobs.do_together.job_options.name)]
        ).retry_pattern = '{"1": 4000}'

    def deed(session):
        full_pool()
        raise RetryableJobError("later")

    database.commit(set_pattern)
    (job,) = run_here(deed, function=jobs.do_together)
    assert 3900 < seconds_to_wait(database, job) <= 4000


@pytest.fixture
def three_workers(database, jobs):
    """Provide three workers of one thread, as if each had a database of its own."""
    workers = [Worker(database.name, "command", 2) for _number in range(3)]
    yield workers
    for worker in workers:
        worker.close_thread()
        worker.end()


def run_one_each(database, jobs, delay, workers):
    for worker in workers:
        delay(jobs.leave_effect, "job")
        worker.run(worker.next_job())


def test_f24_all_threads_together_keep_no_more_cursors_than_half_of_the_pool(
    database, jobs, delay, three_workers, monkeypatch
):
    monkeypatch.setitem(config.options, "db_maxconn", 8)
    run_one_each(database, jobs, delay, three_workers)
    # two threads, four places
    assert [bool(worker.transactions.server_pids) for worker in three_workers] == [False, True, True]
    assert database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == 3


def test_f24_each_thread_keeps_one_cursor_however_small_the_pool_is(database, jobs, delay, three_workers, monkeypatch):
    monkeypatch.setitem(config.options, "db_maxconn", 1)
    run_one_each(database, jobs, delay, three_workers)
    assert [bool(worker.transactions.server_pids) for worker in three_workers] == [False, False, True]


def test_f24_a_cursor_is_closed_when_its_thread_has_had_nothing_to_do_for_a_time(
    database, jobs, delay, three_workers, wait_until
):
    run_one_each(database, jobs, delay, three_workers)
    (pid,) = three_workers[0].transactions.server_pids
    assert not kept.close_idle()
    assert kept.close_idle(0)
    wait_until(lambda: not database.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid))


def test_f24_a_thread_without_a_connection_for_a_job_closes_those_that_it_does_not_use(
    database, jobs, delay, three_workers, no_connections, ends
):
    run_one_each(database, jobs, delay, three_workers[:1])
    job = delay(jobs.leave_effect, "job")
    # no room for another connection; the server may not have ended those yet that the test before
    # has closed
    pool = sql_db._Pool._connections
    connections = sum(
        not connection.closed and connection.info.dbname == database.name for connection in [*opened, *pool]
    )
    connections += 1  # that of the test
    limit_connections(database, connections)
    three_workers[1].run(three_workers[1].next_job())
    limit_connections(database, -1)
    assert ends([job]) == [("done", 0)]
