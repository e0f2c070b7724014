"""Command `make clean`: remove everything that the set-up made."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .paths import HOME, POSTGRES
from .progress import Failure, command, step


def main():
    """Stop the private PostgreSQL if a killed command left it running, and remove the folder."""
    if not HOME.exists():
        print("Nothing to remove.")
        return
    if POSTGRES.exists():
        refuse_if_used()
        stop_clusters()
        unmount()
        with step(f"Removing {POSTGRES.resolve()}"):
            shutil.rmtree(POSTGRES.resolve())  # may lie outside the checkout
    with step(f"Removing {HOME}"):
        shutil.rmtree(HOME)


def refuse_if_used():
    with (POSTGRES / "users.lock").open("w") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"a command still uses {HOME}.", "stop it, then run again.") from None


def stop_clusters():
    """Stop the servers that a killed command has left: that of the cluster, and that of a copy."""
    for pid_file in POSTGRES.resolve().glob("**/postmaster.pid"):
        pid = int(pid_file.read_text().split()[0])
        process = Path("/proc") / str(pid)
        if not process.exists() or os.fsencode(pid_file.parent) not in (process / "cmdline").read_bytes():
            continue  # the file is of an earlier life of the machine
        with step("Stopping PostgreSQL"):
            os.kill(pid, signal.SIGINT)  # its fast shutdown
            while process.exists():
                time.sleep(0.1)


def unmount():
    """Unmount the small disk that a killed `make chaos` has left."""
    for folder in filter(os.path.ismount, POSTGRES.resolve().glob("*")):
        subprocess.run(["umount", folder], check=True)


if __name__ == "__main__":
    command(main)
