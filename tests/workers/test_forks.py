"""Jobs that fork: the child touches nothing of the worker."""

import contextlib
import logging
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time

import pytest


def raise_system_exit(session):
    sys.exit(3)


def return_(session):
    return "from the child"


def raise_error(session):
    raise ValueError("in the child")


def commit(session):
    session.commit()


def roll_back(session):
    session.cr.rollback()


def leave_a_savepoint(session):
    with session.cr.savepoint():
        session.env["test.effect"].create({"name": "child"})
        raise ValueError("in the child")


def close_all(session):
    with contextlib.suppress(Exception):
        session.cr.connection.close()
    with contextlib.suppress(Exception):
        session.cr.close()


def use_a_cursor_of_its_own(session):
    with session.env.registry.cursor() as cr:
        cr.execute("INSERT INTO test_effect (name) VALUES ('child')")


def close_files(session):
    os.closerange(0, 3)


WAYS = [close_files, raise_system_exit, return_, raise_error, commit, roll_back, leave_a_savepoint, close_all]


def forks(way, leave, statuses):
    """Return a deed that forks; its child leaves the job's code in the given way."""

    def deed(session):
        leave(session, "before")
        with session.env.registry.cursor() as other:
            other.execute("INSERT INTO test_effect (name) VALUES ('beside')")
            pid = os.fork()
            if not pid:
                return way(session)
            _pid, status = os.waitpid(pid, 0)
            statuses.append(os.waitstatus_to_exitcode(status))
        leave(session, "after")
        return "from the parent"

    return deed


@pytest.mark.parametrize("way", WAYS)
def test_f9_the_child_of_a_job_ends_where_it_leaves_the_code_and_its_parent_does_not_notice(
    way, run_here, ends, attempts, leave, effects, database
):
    statuses = []
    ids = run_here(forks(way, leave, statuses), leave)
    assert statuses == [1]
    assert ends(ids) == [("done", 0)] * 2
    assert attempts(ids[0]) == ["done"]
    assert sorted(effects()) == ["after", "before", "beside", "effect"]
    assert database.value("SELECT message FROM queue_job WHERE id = %s", ids[0]) == "from the parent"


def test_f9_the_child_of_a_job_ends_although_the_log_was_just_being_written_when_it_was_forked(
    run_here, ends, leave, wait_until
):
    reading, writing = os.pipe()
    logger = logging.getLogger("odoo.addons.jobs_queue.worker.fork")
    ended = []

    def deed(session):
        leave(session)
        pid = os.fork()
        if not pid:
            return
        try:
            wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0])
            ended.append(True)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with open(reading, "rb") as reader, open(writing, "w") as log:
        # longer than the pipe: the writer holds the lock of the file until somebody reads, and the
        # child's copy of the lock is held for ever
        writer = threading.Thread(target=log.write, args=["x" * 1_000_000])
        writer.start()
        select.select([reader], [], [])
        handler = logging.StreamHandler(log)
        logger.addHandler(handler)
        try:
            ids = run_here(deed)
        finally:
            logger.removeHandler(handler)
            reader.read(1_000_000)
            writer.join()
    assert ended == [True]
    assert ends(ids) == [("done", 0)]


def test_f9_the_child_of_a_hook_after_the_commit_ends_too(run_here, ends, leave, effects):
    def fork():
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        else:
            sys.exit(3)

    def deed(session):
        leave(session)
        session.cr.postcommit.add(fork)
        session.cr.postcommit.add(lambda: hooks.append("after"))

    hooks = []
    ids = run_here(deed, leave)
    assert ends(ids) == [("done", 0)] * 2
    assert (effects(), hooks) == (["effect", "effect"], ["after"])


def test_f9_the_child_of_a_job_may_connect_anew(run_here, ends, leave, effects):
    statuses = []
    ids = run_here(forks(use_a_cursor_of_its_own, leave, statuses), leave)
    assert ends(ids) == [("done", 0)] * 2
    assert sorted(effects()) == ["after", "before", "beside", "child", "effect"]


def square(number):
    return number * number


def sleep_for_ever():
    while True:
        time.sleep(1)


def test_f9_multiprocessing_and_subprocess_work_in_jobs(run_here, ends, leave, database):
    def deed(session):
        leave(session)
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            squares = pool.map(square, range(5))
        sleeper = context.Process(target=sleep_for_ever)
        sleeper.start()
        sleeper.terminate()
        sleeper.join(30)
        text = subprocess.run([sys.executable, "-c", "print('hello')"], capture_output=True, text=True, check=True)
        return f"{squares} {sleeper.exitcode} {text.stdout.strip()}"

    ids = run_here(deed, leave)
    assert ends(ids) == [("done", 0)] * 2
    message = database.value("SELECT message FROM queue_job WHERE id = %s", ids[0])
    assert message == "[0, 1, 4, 9, 16] -15 hello"
