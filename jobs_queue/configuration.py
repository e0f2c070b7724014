"""Options of Odoo's configuration file, section ``[jobs_queue]`` or formerly ``[connector]``."""

import configparser
import os
from typing import Any

from odoo.tools import config

from . import addon

# If both sections have an option, the first section wins
_SECTIONS = (addon.NAME, addon.FORMER_NAME)


def section() -> dict[str, str]:
    """Return the options, or an empty dict without a file or a section.

    :raise ValueError: the file cannot be read as a configuration file
    """
    return {name: value for name, (_section, value) in _options().items()}


def number(name: str, default: int, least: int = 0) -> int:
    """Return an option that is a whole number.

    :param least: the smallest valid value
    :raise ValueError: it is no whole number, or it is smaller
    """
    section_name, value = _options().get(name, (None, str(default)))
    if not value.strip().isdecimal() or int(value) < least:
        raise ValueError(
            f"{config['config']}, section [{section_name}]: {name} = {value.strip()} is no number of {least} or more"
        )
    return int(value)


def path() -> str | None:
    """Return the path of Odoo's configuration file, None if there is none."""
    return config["config"] or None


def contents() -> configparser.ConfigParser:
    """Return what is in Odoo's configuration file, nothing without a file.

    It is read when it has changed.

    :raise ValueError: it cannot be read, or not as a configuration file. The message shows none of
        its lines, as there may be passwords in them
    """
    global _read
    try:
        stamp = _stamp(path())
        if not _read or _read[0] != stamp:
            _read = stamp, _parsed(path() if stamp else None)
    except OSError as error:
        raise ValueError(f"The configuration file {path()} cannot be read: {error.strerror}") from None
    return _read[1]


# The file as it was when it was read: what says whether it has changed, and what was in it
_read: tuple[tuple[Any, ...] | None, configparser.ConfigParser] | None = None


def _stamp(file: str | None) -> tuple[Any, ...] | None:
    try:
        found = os.stat(file or "")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None  # Odoo does without it, too: it may be in the home of the user who has started it
    # the time of the last change of rights, too: it may be readable only now
    return file, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _parsed(file: str | None) -> configparser.ConfigParser:
    # no section has that name: each has its own options, and not those of [DEFAULT]
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    if file is None:
        return parser
    try:
        with open(file, encoding="utf-8") as opened:
            parser.read_file(opened)
    except configparser.ParsingError as error:
        lines = [number for number, _line in getattr(error, "errors", ())] or [getattr(error, "lineno", "?")]
        where = ", ".join(map(str, lines))
        raise ValueError(
            f"The configuration file {file} cannot be read: line {where} is neither a [section] nor option = value"
        ) from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ValueError(f"The configuration file {file} cannot be read: {error}") from None
    return parser


def _options() -> dict[str, tuple[str, str]]:
    """Return ``{name: (section, value)}``."""
    parser = contents()
    found: dict[str, tuple[str, str]] = {}
    for name in filter(parser.has_section, reversed(_SECTIONS)):
        found.update((option, (name, value)) for option, value in parser[name].items())
    return found
