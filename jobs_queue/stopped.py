"""Base classes of exceptions, and ``JobStopped``; without imports, so that all modules can import them."""


class ConnectorException(Exception):
    """Base of all exceptions of the jobs queue and of connectors."""


class JobError(ConnectorException):
    """Base of the exceptions that concern a job."""


class JobStopped(JobError):
    """The running job was told to stop; its work since its last commit is rolled back."""
