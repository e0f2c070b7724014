"""What a job has set in its thread and its process, beside the database, is taken back after it."""

import contextlib
import os
import socket
import sys
import threading


def look_around():
    """Return what a job may set, for :func:`take_back`: the attributes of its thread, and what its process has once."""
    return vars(threading.current_thread()).copy(), _settings()


def take_back(before):
    """Set all that as it was before the job.

    Where several jobs run in a process, one that changes what this has once disturbs the others while it runs.

    :param before: what :func:`look_around` has returned
    """
    attributes, settings = before
    here = vars(threading.current_thread())
    for name in here.keys() - attributes.keys():
        del here[name]
    here.update(attributes)
    now = _settings()
    if now == settings:
        return
    folder, seconds, depth = settings
    if now[0] != folder:
        # the folder of before may be gone
        with contextlib.suppress(OSError):
            os.chdir(folder)
    socket.setdefaulttimeout(seconds)
    sys.setrecursionlimit(depth)


def _settings():
    try:
        folder = os.getcwd()
    except OSError:
        # it is gone
        folder = "/"
    return folder, socket.getdefaulttimeout(), sys.getrecursionlimit()
