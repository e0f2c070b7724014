"""Journal: each job notes its number and the time at which its body runs, in any queue.

All rates and latencies are taken from it, because the columns of the peers differ in precision
(those of queue_job have whole seconds). A note is one small append to a file. It costs some 2
microseconds, and nothing in the database.
"""

import os
import struct
import time
from pathlib import Path

#: Environment variable with the path of the journal, for the processes that run jobs.
VARIABLE = "BENCHMARK_JOURNAL"

_ENTRY = struct.Struct("qq")
_files = {}


def note(number):
    """Append the number of a job and the present time."""
    path = os.environ[VARIABLE]
    if path not in _files:
        _files[path] = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(_files[path], _ENTRY.pack(number, time.time_ns()))


class Journal:
    """The notes of the jobs, as the benchmarks read them."""

    def __init__(self, path):
        self.path = Path(path)
        self.clear()

    def clear(self):
        """Delete all notes; processes that have the file open go on writing to it."""
        self.path.open("wb").close()

    def __len__(self):
        return self.path.stat().st_size // _ENTRY.size

    def entries(self):
        """Return ``[(number, time in seconds since 1970)]`` in the order in which the jobs ran."""
        return [(number, nanoseconds / 1e9) for number, nanoseconds in _ENTRY.iter_unpack(self.path.read_bytes())]
