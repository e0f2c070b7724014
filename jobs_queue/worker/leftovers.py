"""Restore the thread attributes, working directory, socket time-out and recursion limit after a job."""

import contextlib
import os
import socket
import sys
import threading
from typing import Any, TypeAlias

# The current folder, the default of sockets' timeouts, and the limit of recursion
_Settings: TypeAlias = tuple[str, float | None, int]


def take_snapshot() -> tuple[dict[str, Any], _Settings]:
    """Return what a job may set, for :func:`restore`: the attributes of its thread, and what its process has once."""
    return vars(threading.current_thread()).copy(), _settings()


def restore(before: tuple[dict[str, Any], _Settings]) -> None:
    """Set all that as it was before the job.

    Where several jobs run in a process, one that changes what this has once disturbs the others while it runs.

    :param before: what :func:`take_snapshot` has returned
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


def _settings() -> _Settings:
    try:
        folder = os.getcwd()
    except OSError:
        # it is gone
        folder = "/"
    return folder, socket.getdefaulttimeout(), sys.getrecursionlimit()
