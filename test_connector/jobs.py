"""Jobs that leave an effect, wait to be let go, commit in their midst, or kill their worker."""

import os
import signal
import time

from odoo.addons.connector.queue.job import job


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
def leave_pid(session, model_name):
    """Leave the process's id as an effect"""
    _leave(session, str(os.getpid()))


def _leave(session, name):
    session.env["test.effect"].create({"job_id": session.job.id, "name": name})


def _touch(path):
    with open(path, "a"):
        pass


def _wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)
