"""Lines of Odoo's source on which the queue relies: they exist."""

import ast
import importlib.util
from pathlib import Path

import pytest

from odoo.addons.jobs_queue.odoo_patches import LINES


def source_of(path):
    """Return the source of a class or function of Odoo from its file, whatever is patched."""
    name, names = path, []
    while (spec := _spec_of(name)) is None:
        name, _dot, last = name.rpartition(".")
        names.insert(0, last)
    source = Path(spec.origin).read_text()
    node = ast.parse(source)
    for name in names:
        node = next(child for child in node.body if getattr(child, "name", None) == name)
    return ast.get_source_segment(source, node) if names else source


def _spec_of(name):
    try:
        return importlib.util.find_spec(name)
    except (ModuleNotFoundError, AttributeError):
        return None


@pytest.mark.parametrize("path", LINES)
def test_odoo_has_the_lines_that_the_queue_relies_on(path):
    source = source_of(path)
    missing = [line for line in LINES[path] if line not in source]
    assert not missing, f"Odoo has changed {path}: read what jobs_queue/odoo_patches.py does with it"


def test_the_source_of_a_patched_method_is_that_of_odoo():
    assert source_of("odoo.sql_db.Savepoint.rollback").startswith("def rollback(self):")
