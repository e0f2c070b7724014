"""Chromium for the browser tests."""

import os
import shutil

from .programs import environment, run
from .progress import Failure, step

NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")  # those that Odoo looks for


def is_there():
    return any(shutil.which(name) for name in NAMES)


def ensure():
    """Install Debian's Chromium if allowed; else say that the browser tests will be skipped."""
    if is_there():
        return
    try:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Failure("only root can install it, by apt-get.", "")
        with step("Chromium: Debian's package"):
            install()
    except Failure as failure:
        print(f"  No Chromium here, so the browser tests will be skipped: {failure.what}")
        print("  To run them, install it (Debian: apt-get install chromium), then run again.")


def install():
    env = environment() | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], "", env=env)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"], "", env=env)
