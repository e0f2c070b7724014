"""Messages of a command for people: its steps with their seconds, and its failures.

A failure says what to do.
"""

import errno
import signal
import sys
import threading
import time
from contextlib import contextmanager


class Failure(Exception):
    """A failure because of which a command cannot go on.

    :param what: one sentence about what failed
    :param remedy: what the user can do about it
    :param tried: what was attempted, a line each
    """

    def __init__(self, what, remedy, tried=()):
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.tried = list(tried)

    def __str__(self):
        lines = [f"FAILED: {self.what}"]
        if self.tried:
            lines += ["Tried:"] + [f"  - {attempt}" for attempt in self.tried]
        return "\n".join([*lines, f"What to do: {self.remedy}"])


@contextmanager
def step(name):
    """Print that a step has begun, and at the end of the block the seconds it took."""
    start = time.monotonic()
    title = f"  {name:<60} "
    if threading.current_thread() is threading.main_thread():
        print(title, end="", flush=True)
        title = ""  # of a step beside others, the whole line comes at its end
    try:
        yield
    except BaseException:
        print(f"{title}failed", flush=True)
        raise
    print(f"{title}{time.monotonic() - start:6.1f} s", flush=True)


def command(main):
    """Run `main` as a command.

    Its return value is the exit status. Signals to stop unwind its `with` blocks.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, frame: sys.exit(128 + received))
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"\n{failure}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"\n{disk_full(error)}")


def disk_full(error):
    """Return the failure to report if the disk has no space left."""
    return Failure(f"the disk is full ({error}).", "free some space (`make clean` removes what the set-up made).")
