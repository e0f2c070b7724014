"""Test kit for jobs: run and check delayed jobs in tests."""

from .cases import JobsCase, WorkerInTransaction

__all__ = ["JobsCase", "WorkerInTransaction"]
