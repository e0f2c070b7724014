"""Names in the documents: each file of tests that they name exists."""

import re

import pytest

from scripts.paths import ADDONS, ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# of the folders that belong to the project: in the others, files come and go
TESTS = {path.name for folder in (*ADDONS, "tests") for path in (ROOT / folder).rglob("test_*.py")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_of_tests_that_a_document_names_is_there(document):
    named = set(re.findall(r"\b(test_\w+\.py)\b", document.read_text()))
    assert named <= TESTS | EXAMPLES


# files that the reader of a document writes
EXAMPLES = {"test_connection.py", "test_customer.py", "test_event.py", "test_loyalty.py", "test_recorded.py"}
