"""What a job has set in its thread and its process, beside the database, is taken back after it."""

import contextlib
import os
import socket
import sys
import threading

# What a process has once: how it is read, and how it is set. Where several jobs run in it, one that changes this disturbs the others
# while it runs
_OF_PROCESS = (
    (os.getcwd, os.chdir),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
    (sys.getrecursionlimit, sys.setrecursionlimit),
)


@contextlib.contextmanager
def taken_back():
    """Around a job: have the attributes of its thread, and what is set for the process, be as before."""
    thread = threading.current_thread()
    attributes = vars(thread).copy()
    settings = _settings()
    try:
        yield
    finally:
        here = vars(thread)
        for name in here.keys() - attributes.keys():
            del here[name]
        here.update(attributes)
        for value, now, (_read, set_) in zip(settings, _settings(), _OF_PROCESS, strict=True):
            if value != now:
                # the folder of before may be gone
                with contextlib.suppress(OSError):
                    set_(value)


def _settings():
    return [_read(read) for read, _set in _OF_PROCESS]


def _read(read):
    try:
        return read()
    except OSError:
        # the folder is gone
        return "/"
