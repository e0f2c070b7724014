"""Test kit of connectors: test cases, users with roles, extensions of units, and a local server."""

from .cases import ConnectorCase, JobsCase
from .registration import extending
from .roles import Roles
from .server import Answer, local_server

__all__ = ["Answer", "ConnectorCase", "JobsCase", "Roles", "extending", "local_server"]
