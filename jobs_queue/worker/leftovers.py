"""Leftovers of a job: restore its thread's attributes and the settings of the process.

The settings are the working directory, the default timeout of sockets, and the recursion limit.
"""

import contextlib
import os
import socket
import sys
import threading
from typing import Any, TypeAlias

# The working directory, the default timeout of sockets, and the recursion limit
_Settings: TypeAlias = tuple[str, float | None, int]


def take_snapshot() -> tuple[dict[str, Any], _Settings]:
    """Return the settings that a job may change, for :func:`restore`.

    These are the attributes of the thread, and the settings that a process has only once.
    """
    return vars(threading.current_thread()).copy(), _settings()


def restore(before: tuple[dict[str, Any], _Settings]) -> None:
    """Restore the settings as they were before the job.

    If several jobs run in a process, a job that changes a setting of the process disturbs the
    others while it runs.

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
        # the old directory may be gone
        with contextlib.suppress(OSError):
            os.chdir(folder)
    socket.setdefaulttimeout(seconds)
    sys.setrecursionlimit(depth)


def _settings() -> _Settings:
    try:
        folder = os.getcwd()
    except OSError:
        # the directory is gone
        folder = "/"
    return folder, socket.getdefaulttimeout(), sys.getrecursionlimit()
