"""PgBouncer, for the test of a worker behind a pooler.

It is that of the machine, or Debian's package without its installation.
"""

import os
import shutil
import subprocess
from pathlib import Path

from . import debian
from .paths import HOME
from .progress import Failure, step

PACKAGES = ("pgbouncer/bookworm", "libevent-2.1-7/bookworm", "libc-ares2/bookworm")
FETCHED = HOME / "pgbouncer"


def ensure():
    """Fetch PgBouncer if it is missing; if that fails, say that its test will be skipped."""
    if is_there():
        return
    try:
        with step("PgBouncer: Debian's package"):
            debian.download(PACKAGES, FETCHED)
    except Failure as failure:
        print(f"  No PgBouncer here, so its test will be skipped: {failure.what}")
        print("  To run it, install the package pgbouncer, then run again.")


def is_there():
    return bool(installed()) or FETCHED.exists()


def installed():
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


def start(folder, configuration):
    """Start PgBouncer in the background and return its process.

    :param folder: an empty folder that everybody may read: as root it runs as nobody, who may not
        enter a checkout
    :param configuration: text of its configuration file
    """
    folder = Path(folder)
    (folder / "pgbouncer.ini").write_text(configuration)
    program, libraries = installed(), []
    if not program:
        copy = folder / "program"
        shutil.copytree(FETCHED, copy)
        program, libraries = copy / "usr/sbin/pgbouncer", sorted({path.parent for path in copy.rglob("*.so.*")})
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))}
    return subprocess.Popen([program, *as_nobody, folder / "pgbouncer.ini"], env=environment)
