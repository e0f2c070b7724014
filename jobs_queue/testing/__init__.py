"""The test kit of jobs."""

from .cases import JobsCase, WorkerInTransaction

__all__ = ["JobsCase", "WorkerInTransaction"]
