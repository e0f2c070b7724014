"""Jobs that create effects, wait for a file, commit before their end, or kill their worker."""

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
from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import job


@job(default_channel=backend_channel)
def read_page(session, model_name, backend_id, external_id):
    """Read a page of the shop's site"""
    with get_environment(session, model_name, backend_id) as environment:
        return environment.get_connector_unit(BackendAdapter).read(external_id)["title"]


@job(default_channel=backend_channel)
def read_page_and_wait(session, model_name, backend_id, external_id, gate):
    """Read a page of the shop's site, and wait until the file called gate exists"""
    with get_environment(session, model_name, backend_id) as environment:
        environment.get_connector_unit(BackendAdapter).read(external_id)
    _touch(f"{gate}.reached.{external_id}")
    _wait_for(gate)


@job(default_channel="root.test")
def do_nothing(session, model_name):
    """Do nothing"""


@job(default_channel="root.test", group_size=100)
def do_nothing_together(session, model_name, calls):
    """Do nothing, for many jobs at once"""
    return [None] * len(calls)


@job(default_channel="root.test", group_size=100)
def leave_effects(session, model_name, calls):
    """Create an effect for each call; a call named “bad” raises an error"""
    session.env["test.effect"].create([{"name": name} for (_key, name) in calls])
    if any(name == "bad" for (_key, name) in calls):
        raise ValueError("bad")
    return [None] * len(calls)


@job(default_channel="root.test")
def leave_effect(session, model_name, name):
    """Create an effect"""
    _leave(session, name)


@job(default_channel="root.test")
def leave_effect_when_let_go(session, model_name, name, gate):
    """Create an effect, wait until the file called gate exists, and create another effect"""
    _leave(session, f"{name} before")
    _touch(f"{gate}.reached")
    _wait_for(gate)
    _leave(session, f"{name} after")


@job(default_channel="root.test")
def commit_when_let_go(session, model_name, name, gate):
    """Do the same as leave_effect_when_let_go, and commit between the two effects"""
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
def be_followed_and_die(session, model_name, parent_id, name):
    """Delay a job that waits for a stored one, and kill this process right after the commit"""
    session.cr.postcommit.add(lambda: os.kill(os.getpid(), signal.SIGKILL))
    parent = session.env["queue.job"].browse(parent_id)
    chain(parent, leave_effect.delayable(session, model_name, name)).delay()


@job(default_channel="root.test")
def leave_line(session, model_name, name, log):
    """Create an effect, and write a line outside of the database before it is committed"""
    leave_lines_outside(session, [name], log)


@job(default_channel="root.test")
def leave_line_slowly(session, model_name, name, log):
    """Create an effect and write a line, with seconds between them"""
    leave_lines_outside(session, [name], log, seconds=3)


@job(default_channel="root.test")
def leave_line_and_delay_segment(session, model_name, name, log, left, page_ids=(), end_id=None):
    """Create an effect, write a line, and delay two pages, their end and the next segment

    The end waits for the pages and for the end before it, the next segment for the pages before it.
    """

    def prepare(kind, function, **arguments):
        title = f"{name} {kind}"
        return function.delayable(session, model_name, title, log, description=title, max_retries=0, **arguments)

    leave_lines_outside(session, [name], log)
    records = session.env["queue.job"]
    pages = [prepare(f"page {number}", leave_line) for number in (1, 2)]
    end = prepare("end", leave_line)
    group(chain(group(*pages), end), chain(records.browse(end_id), end)).delay()
    if left:
        known = {"page_ids": [page.id for page in pages], "end_id": end.id}
        following = prepare("next", leave_line_and_delay_segment, left=left - 1, **known)
        before = records.browse([session.job.id, *page_ids])
        chain(before, following, on_failure="continue").delay()


@job(default_channel="root.test", group_size=20)
def leave_lines(session, model_name, calls):
    """Create an effect and write a line for each call"""
    leave_lines_outside(session, [name for name, _log in calls], calls[0][1])
    return [None] * len(calls)


@job(default_channel="root.test", retry_pattern={1: 1})
def leave_line_when_tried_again(session, model_name, name, log):
    """Create an effect and write a line; the first try ends with a request for another one"""
    leave_lines_outside(session, [name], log)
    if session.job.attempt == 1:
        raise RetryableJobError("Not yet")


@job(default_channel="root.test")
def wait_until_let_go(session, model_name, gate):
    """Wait until the file called gate exists"""
    _wait_for(gate)


#: Functions of a test, by their names: a job of a worker in the test's own process calls them with
#: its session.
deeds: dict[str, Callable] = {}


@job(default_channel="root.test", max_retries=5)
def do(session, model_name, deed):
    """Call the function of a test in this process"""
    return deeds[deed](session)


@job(default_channel="root.test", group_size=10)
def do_together(session, model_name, calls):
    """Call functions of a test in this process, as a batch"""
    return [deeds[deed](session) for (deed,) in calls]


@job(default_channel="root.test")
def leave_pid(session, model_name):
    """Create an effect with the id of the process"""
    _leave(session, str(os.getpid()))


def _leave(session, name):
    session.env["test.effect"].create({"job_id": session.job.id, "name": name})


def leave_lines_outside(session, names, log, seconds=None):
    """Create an effect for each name, wait, and write a line for each name to a file.

    The wait is ``seconds`` long, or some milliseconds.
    """
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
    """Wait for ever, in a statement of the database"""
    _leave(session, "before")
    _touch(f"{gate}.reached")
    session.cr.execute("SELECT pg_sleep(1000)")


@job(default_channel="root.test", max_retries=1)
def wait_in_python(session, model_name, gate):
    """Wait for ever, in Python code"""
    _leave(session, "before")
    _wait_for_ever(gate, time.sleep, 0.02)


@job(default_channel="root.test", max_retries=1)
def wait_out_of_reach(session, model_name, gate):
    """Wait in a call that does not return to Python"""
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
    """Execute a statement on the job's own row, in the job's transaction or in another one"""
    _leave(session, "kept")
    if not apart:
        session.cr.execute(statement, [session.job.id])
        return
    with session.env.registry.cursor() as cr:
        cr.execute(statement, [session.job.id])


@job(default_channel="root.test", max_retries=2)
def hold_the_interpreter(session, model_name, gate):
    """Hold the interpreter: match text with a regular expression that takes for ever

    No other thread runs Python code meanwhile.
    """
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
    """Report progress, write to the log, wait until the file called gate exists, and end"""
    session.job.log("first line")
    session.job.progress(3, 10, "the third of ten")
    session.job.log("second line")
    _touch(f"{gate}.reached")
    _wait_for(gate)


def _wait_for_ever(gate, wait, seconds):
    _touch(f"{gate}.reached")
    while True:
        wait(seconds)


#: The function that :func:`behave` calls in this process: ``function(job)``
behaviour = None


@job(default_channel="root.test")
def behave(session, model_name):
    """Call the function ``behaviour``, which a test has set"""
    return behaviour(session.job)
