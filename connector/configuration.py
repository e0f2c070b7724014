"""Credentials of backends in Odoo's configuration file.

The section names one backend, and the host for which its credentials are::

    [connector:production:shop.backend:7]
    host = shop.example.com
    token = 6f1c...

They are used by https on port 443. For another port, or plain http, the port has to be written.
"""

import configparser
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from odoo.addons.jobs_queue import configuration

from .unit.backend_adapter.origin import origin_of

_PREFIX = "connector:"
_NAME = re.compile(rf"{_PREFIX}(?P<database>.+):(?P<model>[a-z0-9_.]+):(?P<id>[1-9][0-9]*)")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s/@:\\?#\[\]]+)(:[0-9]{1,5})?")
_COMMENT = re.compile(r"\s[;#]")
_PEM = "-----BEGIN "  # how a key of several lines begins
_HTTPS = 443


@dataclass(frozen=True)
class ServerCredentials:
    """The credentials of a section, and for whom they are.

    :param host: host, and perhaps a port
    :param values: ``{name of a field: secret}``
    """

    host: str
    values: Mapping[str, str] = field(repr=False)

    def are_for(self, location: object) -> bool:
        """Return whether an address is on that host and port, by default 443.

        On port 443 it must be one of https.
        """
        wanted, found = origin_of(f"//{self.host}"), origin_of(location)
        port = wanted.port or _HTTPS
        return (wanted.host, port) == (found.host, found.port) and (port != _HTTPS or found.scheme == "https")


def server_credentials(
    database: str, model_name: str, record_id: int, fields: Collection[str]
) -> ServerCredentials | None:
    """Return the credentials that the configuration file has for a backend, None if it has none.

    :param database: name of the database
    :param fields: names of the secrets of the model
    :raise ValueError: the file, or the section, is not valid; the message names what is wrong, and
        no secret
    """
    contents = configuration.contents()
    name = f"{_PREFIX}{database}:{model_name}:{record_id}"
    return _checked(contents[name], model_name, fields) if contents.has_section(name) else None


def check(database: str, models: Mapping[str, Collection[str]]) -> None:
    """Check the sections of a database.

    :param models: ``{name of a model of backends: names of its secrets}``
    :raise ValueError: as :func:`server_credentials`; or a section is of no model of backends
    """
    contents = configuration.contents()
    for name in contents.sections():
        if not name.startswith(_PREFIX):
            continue
        if not (found := _NAME.fullmatch(name)):
            raise _error(
                name, "its name must be connector:<database>:<model>:<id>, such as connector:erp:shop.backend:7"
            )
        if found["database"] != database:
            continue
        if found["model"] not in models:
            raise _error(name, f"the database {database} has no backends of the model {found['model']}")
        _checked(contents[name], found["model"], models[found["model"]])


def _checked(section: configparser.SectionProxy, model_name: str, fields: Collection[str]) -> ServerCredentials:
    values = {option: value.strip() for option, value in section.items()}
    host = values.pop("host", None)
    if host is None:
        raise _error(section.name, "host is missing: the host of the backend's location, such as shop.example.com")
    if not _HOST.fullmatch(host):
        raise _error(section.name, "host must be a host, or host and port, such as shop.example.com:8443")
    for option, value in values.items():
        if option not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise _error(section.name, f"{option} is no secret of {model_name}; its secrets are: {known}")
        if not value:
            raise _error(section.name, f"{option} is empty: enter it, or leave it out")
        if "\n" in value and not value.startswith(_PEM):
            raise _error(section.name, f"{option} has more than one line: an indented line belongs to the one above it")
        if _COMMENT.search(value):
            raise _error(section.name, f"{option} has a blank and then ; or #: write a comment on a line of its own")
    return ServerCredentials(host, values)


def _error(section: str, message: str) -> ValueError:
    return ValueError(f"{configuration.path()}, section [{section}]: {message}")
