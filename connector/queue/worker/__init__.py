"""Workers: how one lives (``worker.py``), runs a job (``runner.py``, ``transaction.py``, ``ending.py``) and is watched (``watcher.py``)."""

from .watcher import WorkerWatcher
from .worker import GRACE_SECONDS, Worker
