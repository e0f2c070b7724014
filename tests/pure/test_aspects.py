"""Files that add to a model of ours: their first line tells which model, and what they add."""

import ast

import pytest

from scripts.paths import ADDONS, ROOT

FILES = [
    path
    for addon in ADDONS
    if not addon.startswith("test_")
    for folder in ("models", "wizards")
    for path in sorted((ROOT / addon / folder).glob("*.py"))
]


def values(path, attribute):
    """Yield the name of each model of a file, or ``_inherit`` of each class without a name."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            attributes = {line.targets[0].id: line.value for line in node.body if isinstance(line, ast.Assign)}
            if attribute in attributes and (attribute == "_name" or "_name" not in attributes):
                yield ast.literal_eval(attributes[attribute])


OURS = {name for path in FILES for name in values(path, "_name")}
EXTENSIONS = [(path, model) for path in FILES for model in values(path, "_inherit") if model in OURS]


@pytest.mark.parametrize("path, model", EXTENSIONS, ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_a_file_that_adds_to_a_model_of_ours_names_the_model_and_the_aspect(path, model):
    assert path.read_text().startswith(f'"""Aspect of ``{model}``: ')


def test_the_models_that_are_in_several_files_are_found():
    assert {"queue.job", "connector.backend", "external.binding"} <= {model for _path, model in EXTENSIONS}
