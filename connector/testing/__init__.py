"""Test kit of connectors: test cases, their contract, users with roles, and a local server."""

from .cases import ConnectorCase, JobsCase
from .contract import ConnectorContract
from .registration import extending
from .roles import Roles
from .server import Answer, local_server

__all__ = ["Answer", "ConnectorCase", "ConnectorContract", "JobsCase", "Roles", "extending", "local_server"]
