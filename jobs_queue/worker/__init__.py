"""Workers: they claim the jobs of a database and run them in threads.

``worker.py`` has the life of a worker. ``runner.py``, ``transaction.py`` and ``outcome.py`` run a
job. ``watcher.py`` keeps the workers of a process alive. ``signs.py`` shows the parent of a process
that the process is alive.
"""

from .attempt import PATIENCE
from .signs import SignsOfLife
from .watcher import FILES_CLOSED, WorkerWatcher
from .worker import GRACE_SECONDS, Worker

__all__ = ["FILES_CLOSED", "GRACE_SECONDS", "PATIENCE", "SignsOfLife", "Worker", "WorkerWatcher"]
