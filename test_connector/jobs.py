"""Jobs that leave an effect, wait to be let go, commit in their midst, or kill their worker."""

import os
import random
import re
import signal
import time
from collections.abc import Callable

from odoo.addons.connector.connector import get_environment
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter
from odoo.addons.connector.unit.jobs.channel import backend_channel
from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job


@job(default_channel=backend_channel)
def read_page(session, model_name, backend_id, external_id):
    """Read a page of the shop's site"""
    with get_environment(session, model_name, backend_id) as environment:
        return environment.get_connector_unit(BackendAdapter).read(external_id)["title"]


@job(default_channel="root.test")
def do_nothing(session, model_name):
    """Do nothing"""


@job(default_channel="root.test", group_size=100)
def do_nothing_together(session, model_name, calls):
    """Do nothing, for many jobs at once"""
    return [None] * len(calls)


@job(default_channel="root.test", group_size=100)
def leave_effects(session, model_name, calls):
    """Leave an effect for each call; one that is called “bad” cannot be left"""
    session.env["test.effect"].create([{"name": name} for (_key, name) in calls])
    if any(name == "bad" for (_key, name) in calls):
        raise ValueError("bad")
    return [None] * len(calls)


@job(default_channel="root.test")
def leave_effect(session, model_name, name):
    """Leave an effect"""
    _leave(session, name)


@job(default_channel="root.test")
def leave_effect_when_let_go(session, model_name, name, gate):
    """Leave an effect, wait until the file called gate exists, and leave another effect"""
    _leave(session, f"{name} before")
    _touch(f"{gate}.reached")
    _wait_for(gate)
    _leave(session, f"{name} after")


@job(default_channel="root.test")
def commit_when_let_go(session, model_name, name, gate):
    """As leave_effect_when_let_go, and commit between the two effects"""
    _leave(session, f"{name} before")
    _touch(f"{gate}.reached")
    _wait_for(gate)
    session.commit()
    _touch(f"{gate}.committed")
    _leave(session, f"{name} after")


@job(default_channel="root.test", max_retries=3)
def kill_own_worker(session, model_name):
    """Kill the process in which this job runs"""
    os.kill(os.getpid(), signal.SIGKILL)


@job(default_channel="root.test")
def leave_line(session, model_name, name, log):
    """Leave an effect, and a line outside of the database before it is committed"""
    leave_lines_outside(session, [name], log)


@job(default_channel="root.test")
def leave_line_slowly(session, model_name, name, log):
    """Leave an effect and a line, with seconds between them"""
    leave_lines_outside(session, [name], log, seconds=3)


@job(default_channel="root.test", group_size=20)
def leave_lines(session, model_name, calls):
    """Leave an effect and a line for each call"""
    leave_lines_outside(session, [name for name, _log in calls], calls[0][1])
    return [None] * len(calls)


@job(default_channel="root.test", retry_pattern={1: 1})
def leave_line_when_tried_again(session, model_name, name, log):
    """Leave an effect and a line, which are kept at the second try only"""
    leave_lines_outside(session, [name], log)
    if session.job.attempt == 1:
        raise RetryableJobError("Not yet")


@job(default_channel="root.test")
def wait_until_let_go(session, model_name, gate):
    """Wait until the file called gate exists"""
    _wait_for(gate)


#: What tests want a job of a worker in their own process to do: functions of the job's session, by their names.
deeds: dict[str, Callable] = {}


@job(default_channel="root.test", max_retries=5)
def do(session, model_name, deed):
    """Do what a test in this process wants to be done"""
    return deeds[deed](session)


@job(default_channel="root.test", group_size=10)
def do_together(session, model_name, calls):
    """Do what a test in this process wants to be done, as one call"""
    return [deeds[deed](session) for (deed,) in calls]


@job(default_channel="root.test")
def leave_pid(session, model_name):
    """Leave the process's id as an effect"""
    _leave(session, str(os.getpid()))


def _leave(session, name):
    session.env["test.effect"].create({"job_id": session.job.id, "name": name})


def leave_lines_outside(session, names, log, seconds=None):
    """Leave an effect for each name, wait for some milliseconds or so many seconds, and leave a line for each in a file."""
    session.env["test.effect"].create([{"name": name} for name in names])
    session.env.flush_all()
    time.sleep(seconds or random.uniform(0, 0.1))
    with open(log, "a") as lines:
        lines.writelines(f"{name}\n" for name in names)


def _touch(path):
    with open(path, "a"):
        pass


def _wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)


@job(default_channel="root.test", max_retries=1)
def wait_in_the_database(session, model_name, gate):
    """Wait in a statement of the database, for ever"""
    _leave(session, "before")
    _touch(f"{gate}.reached")
    session.cr.execute("SELECT pg_sleep(1000)")


@job(default_channel="root.test", max_retries=1)
def wait_in_python(session, model_name, gate):
    """Wait in Python code, for ever"""
    _leave(session, "before")
    _wait_for_ever(gate, time.sleep, 0.02)


@job(default_channel="root.test", max_retries=1)
def wait_out_of_reach(session, model_name, gate):
    """Wait in a call that does not come back to Python"""
    _leave(session, "before")
    _wait_for_ever(gate, time.sleep, 1000)


@job(default_channel="root.test", max_retries=1)
def take_memory(session, model_name, gate):
    """Take 100 MB of memory and wait"""
    taken = bytearray(100_000_000)
    _wait_for_ever(gate, time.sleep, 0.02)
    return len(taken)


@job(default_channel="root.test", max_retries=2)
def change_own_row(session, model_name, statement, apart):
    """Execute a statement on the job's own row, in the job's transaction or apart from it"""
    _leave(session, "kept")
    if not apart:
        session.cr.execute(statement, [session.job.id])
        return
    with session.env.registry.cursor() as cr:
        cr.execute(statement, [session.job.id])


@job(default_channel="root.test", max_retries=2)
def hold_the_interpreter(session, model_name, gate):
    """Search text by a regular expression that takes longer than the world will stand; no other thread runs Python code meanwhile"""
    _leave(session, "before")
    _touch(f"{gate}.reached")
    re.match(r"(a+)+$", "a" * 60 + "b")


@job(default_channel="root.test", max_retries=2)
def close_all_files(session, model_name, gate):
    """Close all files of the process but its log, and wait"""
    _leave(session, "before")
    _touch(f"{gate}.reached")
    os.closerange(3, 65536)
    time.sleep(1000)


@job(default_channel="root.test")
def report(session, model_name, gate):
    """Report progress, log, wait until let go, and end"""
    session.job.log("first line")
    session.job.progress(3, 10, "the third of ten")
    session.job.log("second line")
    _touch(f"{gate}.reached")
    _wait_for(gate)


def _wait_for_ever(gate, wait, seconds):
    _touch(f"{gate}.reached")
    while True:
        wait(seconds)


#: What :func:`behave` does in this process: ``function(job)``
behaviour = None


@job(default_channel="root.test")
def behave(session, model_name):
    """Do what a test wants of it"""
    return behaviour(session.job)
