"""Workers: how one lives (``worker.py``), runs a job (``runner.py``, ``transaction.py``, ``outcome.py``) and is watched
(``watcher.py``, and from outside of its process by ``signs.py``)."""

from .attempt import PATIENCE
from .signs import SignsOfLife
from .watcher import FILES_CLOSED, WorkerWatcher
from .worker import GRACE_SECONDS, Worker

__all__ = ["FILES_CLOSED", "GRACE_SECONDS", "PATIENCE", "SignsOfLife", "Worker", "WorkerWatcher"]
