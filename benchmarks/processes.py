"""Programs in the background, and their cost in processor time and memory."""

import contextlib
import json
import os
import subprocess
from pathlib import Path

import psutil

from scripts import databases, servers
from scripts.paths import HOME, LOGS, ROOT
from scripts.programs import environment
from scripts.progress import Failure

from . import journal

#: The folder of all that the benchmarks install and write.
FOLDER = HOME / "bench"
JOURNAL = FOLDER / "journal"


def variables(**further):
    """Return the environment variables of a program that runs jobs or delays them."""
    return environment() | {"PYTHONPATH": str(ROOT), journal.VARIABLE: str(JOURNAL)} | further


class Background(servers.Process):
    """A program that runs in the background; the end of its ``with`` block stops it.

    It may be any program.

    :param name: its name in messages and of its log
    :param command: the program and its arguments
    :param further: environment variables
    """

    def __init__(self, name, command, **further):
        self.name = name
        self.log = LOGS / f"{name}.log"
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            self.popen = subprocess.Popen(
                [str(word) for word in command],
                cwd=ROOT,
                env=variables(**further),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


class Client:
    """A program that reads commands as lines of JSON, and answers each by such a line.

    :param name: name of its log
    :param command: the program and its arguments
    :param further: environment variables
    """

    def __init__(self, name, command, **further):
        self.log = LOGS / f"{name}.log"
        with self.log.open("w") as log:
            self._popen = subprocess.Popen(
                [str(word) for word in command],
                cwd=ROOT,
                env=variables(**further),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                start_new_session=True,
            )

    def ask(self, *command):
        """Return the answer to a command.

        :raise Failure: the program has ended
        """
        print(json.dumps(command), file=self._popen.stdin)
        if answer := self._popen.stdout.readline():
            return json.loads(answer)
        raise Failure("the program that delays jobs ended.", f"read {self.log}.")

    def close(self):
        """End the program; kill it if it is still there after the grace time."""
        self._popen.stdin.close()
        try:
            self._popen.wait(servers.GRACE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def tree(pid):
    """Return a process and all its descendants that live."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


class Usage:
    """Processor time that is used from :meth:`begin` on, in seconds.

    :param workers: id of the process that runs the jobs, or is the parent of those that do; or None
    """

    def __init__(self, workers=None):
        self._workers = workers
        self._postgres = _postmaster()

    def begin(self):
        """Start counting."""
        self._began = self._seconds()

    def since(self):
        """Return a dict of seconds since the beginning: ``machine``, ``workers``, ``postgres``."""
        return {part: seconds - self._began[part] for part, seconds in self._seconds().items()}

    def _seconds(self):
        seconds = {"machine": _machine_seconds(), "postgres": _process_seconds(self._postgres)}
        return seconds | ({"workers": _process_seconds(self._workers)} if self._workers else {})


def _postmaster():
    """Return the process id of the PostgreSQL server, which runs on this machine."""
    with databases.cursor() as cr:
        cr.execute("SELECT pg_backend_pid()")
        return psutil.Process(cr.fetchone()[0]).ppid()


def _machine_seconds():
    """Return the seconds that all processors have worked since the start of the machine.

    The work for all programs counts.
    """
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def _process_seconds(pid):
    """Return the seconds of processor time that a process and its descendants have used.

    Descendants that have ended count, too.
    """
    seconds = 0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:4])
    return seconds


def megabytes(pid):
    """Return the memory of a process and its descendants in MB.

    It is their PSS, in which each has its part of what several share.
    """
    sizes = []
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_full_info().pss)
    return sum(sizes) / 2**20


def busy_share(seconds=1):
    """Return the used part of the machine's processors, from 0 to 1."""
    return psutil.cpu_percent(interval=seconds) / 100


def described():
    """Return a description of the machine, as text."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} processors ({model}), {psutil.virtual_memory().total / 2**30:.0f} GB"
