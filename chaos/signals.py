"""Signals to processes that may have ended."""

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
    """Tell whether a process exists and does not stand still."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
