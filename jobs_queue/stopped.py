"""Base classes of exceptions, and ``JobStopped``; without imports, so all modules can import it."""


class ConnectorException(Exception):
    """Base of all exceptions of the jobs queue and of connectors."""


class JobError(ConnectorException):
    """Base of the exceptions that concern a job."""


class JobStopped(JobError):
    """The running job was told to stop. Its work since its last commit is rolled back."""
