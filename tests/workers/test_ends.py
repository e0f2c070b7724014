"""Ends of jobs, whatever the jobs raise, lock or delete."""

import logging
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from psycopg2.errors import DiskFull

from odoo.modules.registry import Registry

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import RetryableJobError, TooLongForCron
from odoo.addons.jobs_queue.worker import outcome
from odoo.addons.jobs_queue.worker import worker as worker_module

from scripts import databases


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class ExitsAsText(Exception):
    def __str__(self):
        raise SystemExit(3)


class NoString(Exception):
    def __str__(self):
        return 5


class StrangeText(str):
    __slots__ = ()

    def strip(self, *args):
        raise RuntimeError("no strip")

    def __format__(self, spec):
        raise RuntimeError("no format")


class WithStrangeText(Exception):
    def __str__(self):
        return StrangeText("strange")


class Liar(Exception):
    @property
    def __class__(self):
        raise RuntimeError("no class")


class Pretender(Exception):
    __class__ = dict


class Nameless(type):
    def __getattribute__(cls, name):
        if name in ("__name__", "__qualname__", "__module__"):
            raise RuntimeError("no name")
        return super().__getattribute__(name)


class OfNamelessClass(Exception, metaclass=Nameless):
    pass


class NoArguments(Exception):
    args = 5


class NoCause(Exception):
    @property
    def __cause__(self):
        raise RuntimeError("no cause")


class StrangeRetry(RetryableJobError):
    @property
    def ignore_retry(self):
        raise RuntimeError("no answer")

    @ignore_retry.setter
    def ignore_retry(self, value):
        pass


class WithStrangeSeconds(RetryableJobError):
    @property
    def seconds(self):
        raise RuntimeError("no seconds")

    @seconds.setter
    def seconds(self, value):
        pass


def with_many_causes():
    error = ValueError("the first")
    for number in range(1000):
        another = ValueError(str(number))
        another.__cause__ = error
        error = another
    return error


def with_strange_notes():
    error = ValueError("noted")
    error.__notes__ = 5
    return error


class ThatBecause(BaseException):
    pass


ERRORS = {
    "no text": NoText,
    "a text that exits": ExitsAsText,
    "a number as text": NoString,
    "a strange text": WithStrangeText,
    "a class that raises": Liar,
    "another class": Pretender,
    "no name": OfNamelessClass,
    "no arguments": NoArguments,
    "an object as argument": lambda: ValueError(object()),
    "no cause": NoCause,
    "an odd retry": lambda: StrangeRetry("later"),
    "odd seconds": lambda: WithStrangeSeconds("later"),
    "a thousand causes": with_many_causes,
    "odd notes": with_strange_notes,
    "zero bytes and halves": lambda: ValueError("\0 \ud83d"),
    "no exception": lambda: ThatBecause("?"),
    "the end of a generator": StopIteration,
    "an interrupt": KeyboardInterrupt,
    "an exit with an object": lambda: SystemExit(object()),
    "a group": lambda: BaseExceptionGroup("several", [NoText(), SystemExit(3)]),
}


def raises(make):
    def deed(session):
        raise make()

    return deed


@pytest.mark.parametrize("error", ERRORS)
def test_f4_a_job_ends_whatever_it_raises_and_its_worker_goes_on(error, run_here, ends, leave, database, own_worker):
    job, other = run_here(raises(ERRORS[error]), leave)
    assert ends([job]) in ([("failed", 1)], [("scheduled", 1)])
    assert database.value("SELECT message FROM queue_job WHERE id = %s", job)
    assert ends([other]) == [("done", 0)]
    assert not own_worker.ended


def log_objects(session):
    session.job.log_lines.append(object())
    raise ValueError("it fails")


def test_f4_a_job_whose_log_is_no_text_ends(run_here, ends, leave, own_worker):
    job, other = run_here(log_objects, leave)
    assert ends([job, other]) == [("failed", 1), ("done", 0)]
    assert not own_worker.ended


class Unthought(BaseException):
    """An exception that no code expects."""


@pytest.mark.parametrize("place", ["message_of", "traceback_of", "name_of", "_fail", "_decide"])
def test_f4_an_end_is_written_whatever_goes_wrong_on_the_way(place, run_here, ends, leave, own_worker, monkeypatch):
    def raise_(*_arguments, **_options):
        raise Unthought

    monkeypatch.setattr(outcome, place, raise_)
    job, other = run_here(raises(lambda: ValueError("it fails")), leave)
    assert ends([job, other]) == [("failed", 1), ("done", 0)]
    assert not own_worker.ended


def test_f4_where_no_end_can_be_written_the_lease_stays_and_the_worker_goes_on(
    run_here, ends, leave, own_worker, monkeypatch, caplog, wait_until
):
    def raise_(*_arguments, **_options):
        raise Unthought("unthought")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(store.leases, "fail", raise_)
        (job,) = run_here(raises(lambda: ValueError("it fails")))
    assert ends([job]) == [("started", 0)]
    assert f"The end of job {job}" in caplog.text
    assert not own_worker.ended
    wait_until(lambda: not own_worker.backoff.is_on)
    assert ends(run_here(leave)) == [("done", 0)]


# F8: the job's own row


_left_open = []


def lock_own_row(session, statement):
    cr = session.env.registry.cursor()
    _left_open.append(cr)
    cr.execute(statement.format(session.job.id))


LOCKS = {
    "the row": "SELECT FROM queue_job WHERE id = {} FOR UPDATE",
    "the row, written": "UPDATE queue_job SET description = 'x' WHERE id = {}",
}


@pytest.fixture
def impatient(monkeypatch):
    """Let a job wait for its own row for half a second only."""
    for module in (store.leases, store.batches):
        monkeypatch.setattr(module, "PATIENTLY", "SET LOCAL lock_timeout = 500;")


@pytest.mark.parametrize("lock", LOCKS)
def test_f8_a_job_whose_own_row_another_cursor_of_it_has_locked_ends(
    lock, run_here, ends, attempts, leave, own_worker, effects, impatient
):
    def deed(session):
        leave(session)
        lock_own_row(session, LOCKS[lock])

    job, other = run_here(deed, lambda session: leave(session, "other"))
    assert ends([job, other]) == [("scheduled", 0), ("done", 0)]
    assert attempts(job) == ["no_resources"]
    assert effects() == ["other"]
    assert not own_worker.ended
    _left_open.clear()


def test_f8_a_request_of_the_same_process_that_has_a_jobs_row_locked_is_not_ended(
    run_here, ends, own_worker, database, impatient, monkeypatch, wait_until
):
    monkeypatch.setattr(outcome, "_LOCKED_SECONDS", 0.1)
    request = ThreadPoolExecutor(1)
    cr = request.submit(Registry(database.name).cursor).result()

    def deed(session):
        request.submit(cr.execute, "SELECT FROM queue_job WHERE id = %s FOR UPDATE", [session.job.id]).result()

    with request:
        (job,) = run_here(deed)
        assert ends([job]) == [("started", 0)]
        request.submit(cr.execute, "UPDATE queue_job SET description = 'a request'").result()
        request.submit(cr.commit).result()
        request.submit(cr.close).result()
    assert database.value("SELECT description FROM queue_job WHERE id = %s", job) == "a request"


def test_f8_a_job_that_commits_while_its_row_is_locked_by_itself_ends(
    run_here, ends, leave, own_worker, effects, impatient
):
    def deed(session):
        leave(session)
        lock_own_row(session, LOCKS["the row"])
        session.commit()

    assert ends(run_here(deed, leave)) == [("scheduled", 0), ("done", 0)]
    assert effects() == ["effect"]
    _left_open.clear()


def test_f8_jobs_of_a_batch_whose_rows_are_locked_by_themselves_end(run_here, ends, jobs, impatient):
    locked = []

    def deed(session):
        if not locked:
            locked.append(session)
            cr = session.env.registry.cursor()
            _left_open.append(cr)
            cr.execute("SELECT FROM queue_job FOR UPDATE")

    ids = run_here(deed, deed, function=jobs.do_together, group_key="together")
    assert ends(ids) == [("scheduled", 0)] * 2
    _left_open.clear()


def test_f22_jobs_of_a_batch_that_is_too_long_for_the_cron_count_a_try_each(run_here, ends, jobs, own_worker):
    def deed(session):
        (run,) = set(own_worker.runner.runs.values())
        run.stop(TooLongForCron("It runs longer than cron allows"))
        raise run.stopped

    ids = run_here(deed, deed, function=jobs.do_together, group_key="together")
    assert ends(ids) == [("scheduled", 1)] * 2


def test_f22_of_a_batch_that_meets_the_stop_of_another_job_only_the_guilty_one_fails(run_here, ends, jobs):
    def deed(session):
        raise TooLongForCron("Another job runs longer than cron allows")

    ids = run_here(deed, lambda session: None, function=jobs.do_together, group_key="together")
    assert ends(ids) == [("failed", 1), ("done", 0)]


def test_f8_a_job_that_frees_its_own_lease_or_deletes_itself_does_not_stop_its_thread(run_here, ends, leave):
    def free(session):
        session.cr.execute("UPDATE queue_job SET lease_token = NULL WHERE id = %s", [session.job.id])

    def delete(session):
        session.cr.execute("DELETE FROM queue_job WHERE id = %s", [session.job.id])

    ids = run_here(free, delete, leave)
    assert ends(ids[2:]) == [("done", 0)]


# F3: ends that cannot be written for lack of resources, or because of a lock


@pytest.fixture
def refuse_attempts(database):
    """Provide a function that makes the server refuse to store attempts, with a SQLSTATE.

    With None instead of the SQLSTATE the server accepts them again. The second argument says how
    often it refuses at most.
    """

    def refuse(sqlstate, times=1_000_000):
        with databases.cursor(database.name) as cr:
            cr.execute("DROP TRIGGER IF EXISTS refuse ON queue_job_attempt; DROP SEQUENCE IF EXISTS refused")
            if sqlstate is None:
                return
            cr.execute(
                f"""
                CREATE SEQUENCE refused;
                CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF nextval('refused') <= {times} THEN RAISE 'refused' USING ERRCODE = '{sqlstate}'; END IF;
                    RETURN NEW;
                END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON queue_job_attempt FOR EACH ROW EXECUTE FUNCTION refuse()
                """
            )

    yield refuse
    refuse(None)


@pytest.fixture
def free_lost(own_worker, monkeypatch):
    """Return a function that makes the worker handle its lost jobs at once."""
    monkeypatch.setattr(worker_module, "LOST_SECONDS", 0)

    def free():
        for _time in range(2):
            own_worker.do_housekeeping()
        own_worker.backoff._until = 0

    return free


@pytest.mark.parametrize("error", [DiskFull("no room"), ValueError("it fails"), RetryableJobError("later")])
def test_f3_an_end_for_which_there_is_no_room_on_the_disk_costs_no_try(
    error, run_here, ends, attempts, own_worker, refuse_attempts, free_lost, database, leave
):
    def deed(session):
        refuse_attempts("53100")
        raise error

    (job,) = run_here(deed)
    assert ends([job]) == [("started", 0)]
    refuse_attempts(None)
    free_lost()
    assert ends([job]) == [("pending", 0)]
    assert attempts(job) == ["interrupted"]
    message = database.value("SELECT message FROM queue_job WHERE id = %s", job)
    assert message == "Interrupted: its end could not be written: refused"
    free_lost()
    assert not own_worker.unwritten


def test_f3_an_end_that_waits_in_vain_for_the_jobs_row_costs_no_try(
    run_here, ends, attempts, own_worker, free_lost, database, impatient, monkeypatch
):
    monkeypatch.setattr(outcome, "_LOCKED_SECONDS", 0.1)
    somebody = psycopg2.connect(dbname=database.name)

    def deed(session):
        somebody.cursor().execute("SELECT FROM queue_job WHERE id = %s FOR UPDATE", [session.job.id])

    (job,) = run_here(deed)
    assert ends([job]) == [("started", 0)]
    free_lost()
    assert ends([job]) == [("started", 0)]
    somebody.rollback()
    free_lost()
    somebody.close()
    assert ends([job]) == [("pending", 0)]
    assert attempts(job) == ["interrupted"]
    assert not own_worker.ended


def test_f3_an_end_whose_statement_somebody_cancels_is_written_again(run_here, ends, attempts, refuse_attempts):
    def deed(session):
        refuse_attempts("57014", times=2)
        raise ValueError("it fails")

    (job,) = run_here(deed)
    assert ends([job]) == [("failed", 1)]
    assert attempts(job) == ["failed"]


def test_f8_a_job_that_has_changed_its_own_row_still_counts_a_try(run_here, ends, attempts, free_lost):
    def deed(session):
        with session.env.registry.cursor() as cr:
            cr.execute("UPDATE queue_job SET lease_token = NULL WHERE id = %s", [session.job.id])

    (job,) = run_here(deed)
    free_lost()
    assert ends([job]) == [("pending", 1)]
    assert attempts(job) == ["lost"]


# F10: queries in the log


def test_f10_a_failed_query_is_cut_in_the_log(run_here, ends, caplog):
    def deed(session):
        session.cr.execute("SELECT %s::int", ["x" * 2_000_000])

    with caplog.at_level(logging.ERROR):
        (job,) = run_here(deed)
    assert ends([job]) == [("failed", 1)]
    (told,) = [record.getMessage() for record in caplog.records if "bad query" in record.getMessage()]
    assert "SELECT" in told
    assert len(told) < 11_000
    assert max(len(record.getMessage()) for record in caplog.records) < 60_000
