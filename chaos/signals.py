"""Signals to processes that may have gone."""

import os

import psutil


def send(pid, number):
    """Send a signal; return whether the process was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def is_awake(pid):
    """Whether a process is there and does not stand still."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
