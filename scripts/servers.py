"""Odoo's processes in the background: start them, wait for them, stop them.

The end of the block that uses a process stops it.
"""

import socket
import subprocess
import time
import urllib.error
import urllib.request

from .paths import LOGS, ODOO
from .programs import END, environment
from .progress import Failure

GRACE = 15  # seconds that a process has to stop before it is killed


class Process:
    """An Odoo command that runs in the background; the end of its `with` block stops it.

    :param name: its name in messages and of its log
    :param arguments: of the command `odoo`
    """

    def __init__(self, name, *arguments):
        self.name = name
        self.log = LOGS / f"{name}.log"
        LOGS.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            self.popen = subprocess.Popen(
                [str(word) for word in (ODOO, *arguments)],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the command alone, which then stops all in order
            )

    @property
    def pid(self):
        return self.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    def check(self):
        """Raise a Failure with the end of the log if the process has ended."""
        status = self.popen.poll()
        if status is not None:
            taken = "Address already in use" in self.log.read_text(errors="replace")
            raise Failure(
                f"{self.name} ended with status {status}.",
                "run again: another program took its port." if taken else f"read {self.log}.",
                self.log.read_text(errors="replace").splitlines()[-END:],
            )

    def stop(self):
        """Stop the process; kill it if it is still there after the grace time."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def kill(self):
        """End the process at once (SIGKILL)."""
        self.popen.kill()
        self.popen.wait()


class Server(Process):
    """An Odoo that serves databases on a port of the loopback interface.

    :param databases: names of the databases
    :param options: further options of the command `odoo`
    :param port: a free one by default
    """

    def __init__(self, name, databases, *options, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(name, "--database", ",".join(databases), "--http-port", self.port, *options)

    def __enter__(self):
        try:
            self.wait_until_it_serves()
        except BaseException:
            self.stop()
            raise
        return self

    def wait_until_it_serves(self, timeout=120):
        """Wait until the server answers.

        :param timeout: seconds to wait
        """
        deadline = time.monotonic() + timeout
        while not self.answers():
            self.check()
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} does not answer at {self.url} after {timeout} s.", f"read {self.log}.")
            time.sleep(0.1)

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/web/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def free_port():
    """Return a port of the loopback interface that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
