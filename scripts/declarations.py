"""Digests of addons: when one has changed, the databases with that addon must be updated."""

import ast
import hashlib

from .paths import ROOT

APART = {"i18n", "migrations", "readme", "static", "tests"}  # folders that leave nothing in a new database
SUFFIXES = {".csv", ".py", ".sql", ".xml"}
# Functions that write into the database of an addon that is installed
WRITERS = {"init", "_auto_init", "_ensure_access", "_ensure_defaults"}


def digest(addon):
    """Return a digest of those parts of an addon's files that a database with the addon has.

    The bodies of functions are left out: they run from the files. So a changed one needs no update,
    unless it is called by a data file.
    """
    found = hashlib.sha256()
    for path in sorted((ROOT / addon).rglob("*")):
        if path.suffix in SUFFIXES and not APART.intersection(path.relative_to(ROOT).parts):
            found.update(repr((str(path.relative_to(ROOT)), content(path))).encode())
    return found.hexdigest()[:8]


def content(path):
    if path.suffix != ".py" or path.name == "hooks.py":
        return path.read_bytes()
    return ast.dump(WithoutBodies().visit(ast.parse(path.read_bytes())))


class WithoutBodies(ast.NodeTransformer):
    def visit_FunctionDef(self, node):
        if node.name not in WRITERS:
            node.body = []
        return node
