"""Test kit of connectors: test cases, users with roles, and a local server."""

from .cases import ConnectorCase, JobsCase
from .roles import Roles
from .server import Answer, local_server

__all__ = ["Answer", "ConnectorCase", "JobsCase", "Roles", "local_server"]
