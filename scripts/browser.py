"""Chromium for the browser tests."""

import os
import shutil

from .programs import environment, run
from .progress import step

NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")  # those that Odoo looks for


def is_there():
    return any(shutil.which(name) for name in NAMES)


def ensure():
    """Install Debian's Chromium where that is allowed; otherwise say that the browser tests will be skipped."""
    if is_there():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("  No Chromium here, and only root can install it: the browser tests will be skipped.")
        print("  To run them: apt-get install chromium")
        return
    remedy = "install Chromium, then run again."
    with step("Chromium: Debian's package"):
        env = environment() | {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], remedy, env=env)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"], remedy, env=env)
