"""Names in the documents: each file of tests that they name exists."""

import re

import pytest

from scripts.paths import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_of_tests_that_a_document_names_is_there(document):
    named = set(re.findall(r"\b(test_\w+\.py)\b", document.read_text()))
    assert named <= {path.name for path in ROOT.rglob("test_*.py") if ".dev" not in path.parts} | EXAMPLES


# files that the reader of a document writes
EXAMPLES = {"test_event.py", "test_loyalty.py"}
