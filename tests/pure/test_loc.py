"""Lines of code, as `scripts/loc.py` counts them."""

import sys

import pytest

from scripts import loc
from scripts.progress import Failure

PYTHON = '''"""A module.

Its docstring has several lines.
"""

import os  # code with a comment

# a comment


def total(
    lines,
):
    """Return a total."""
    text = """
    a text that is a value

    """
    "a text that is no value"
    return len(text), "a # that begins no comment"


def short(): """Is documented"""; return 1
'''
XML = """<?xml version="1.0"?>
<!-- a comment -->
<odoo>
    <!-- one
         of several lines -->
    <record id="a" /> <!-- behind code -->

</odoo>
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_blank_lines_comments_and_docstrings_of_python_are_not_counted(write):
    assert loc.count(write("code.py", PYTHON)) == {"Python": 9, "XML": 0, "CSV": 0}


def test_blank_lines_and_comments_of_xml_are_not_counted(write):
    assert loc.count(write("views.xml", XML))["XML"] == 4


def test_blank_lines_of_csv_are_not_counted(write):
    assert loc.count(write("access.csv", "id,name\n\na,b\n"))["CSV"] == 2


def test_the_tests_and_hidden_files_of_a_folder_are_not_counted(write, tmp_path):
    write("unit/adapter.py", "a = 1\n")
    for name in ("tests/common.py", "unit/tests/test_adapter.py", "conftest.py", "test_addon/models.py", ".dev/a.py"):
        write(name, "b = 2\n")
    assert loc.count(tmp_path)["Python"] == 1


def test_a_file_of_the_product_is_counted_whatever_it_is_called(write, tmp_path):
    write("wizards/test_connection.py", "a = 1\n")
    assert loc.count(tmp_path)["Python"] == 1


def test_a_byte_order_mark_is_no_code(write):
    assert loc.count(write("code.py", "\ufeffa = 1\n"))["Python"] == 1


def test_a_folder_that_is_named_is_counted_whatever_it_is_called(write, tmp_path):
    write("tests/shop/adapter.py", "a = 1\n")
    assert loc.count(tmp_path / "tests" / "shop")["Python"] == 1


def test_other_files_are_not_counted(write, tmp_path):
    write("README.md", "text\n")
    write("static/code.js", "let a\n")
    assert set(loc.count(tmp_path).values()) == {0}


def test_each_path_has_a_line_and_all_together_one(write, monkeypatch, capsys):
    paths = [str(write("a.py", "a = 1\n")), str(write("b.csv", "id\n1\n"))]
    monkeypatch.setattr(sys, "argv", ["loc", *paths])
    assert loc.main() == 0
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["Python", "XML", "CSV"]
    assert rows == [[paths[0], "1", "0", "0"], [paths[1], "0", "0", "2"], ["total", "1", "0", "2"]]


def test_what_cannot_be_counted_is_refused_by_its_name(write, monkeypatch, tmp_path):
    with pytest.raises(Failure, match=r"nowhere does not exist"):
        loc.count(tmp_path / "nowhere")
    with pytest.raises(Failure, match=r"bad\.py is not Python"):
        loc.count(write("bad.py", "def :\n"))
    monkeypatch.setattr(sys, "argv", ["loc"])
    with pytest.raises(Failure, match="no path is given"):
        loc.main()
