"""Count the lines of code of files and folders: Python, XML and CSV apart.

`python -m scripts.loc connector_odoo connector_odoo_sale/unit/backend_adapter.py`

Blank lines, comments and docstrings are not counted, nor are tests: folders that are called `tests`
or `test_...`, and `conftest.py`.
"""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

from .progress import Failure, command

LANGUAGES = {".py": "Python", ".xml": "XML", ".csv": "CSV"}
_TEST = re.compile(r"tests?|test_.*")  # a folder
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
_XML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def main():
    """Print a line for each path of the command line, and a total."""
    paths = list(map(Path, sys.argv[1:]))
    if not paths:
        raise Failure("no path is given.", "name files or folders: python -m scripts.loc connector_odoo")
    rows = {str(path): count(path) for path in paths}
    if len(rows) > 1:
        rows["total"] = {name: sum(row[name] for row in rows.values()) for name in LANGUAGES.values()}
    width = max(map(len, rows))
    print(" " * width, *(f"{name:>7}" for name in LANGUAGES.values()))
    for title, row in rows.items():
        print(f"{title:<{width}}", *(f"{number:>7}" for number in row.values()))
    return 0


def count(path):
    """Return the numbers of lines of a file, or of the files below a folder.

    :param path: path of a file or a folder; what is below it and hidden, or a test, is left out
    :return: dict, name of a language to a number
    :raise Failure: the path does not exist, or a file is not Python
    """
    if not path.exists():
        raise Failure(f"{path} does not exist.", "name files or folders that do.")
    numbers = dict.fromkeys(LANGUAGES.values(), 0)
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file() and file.suffix in LANGUAGES and not is_left_out(file.relative_to(path)):
            numbers[LANGUAGES[file.suffix]] += lines(file)
    return numbers


def is_left_out(path):
    is_test = path.name == "conftest.py" or any(map(_TEST.fullmatch, path.parts[:-1]))
    return is_test or any(part.startswith(".") for part in path.parts)


def lines(file):
    """Return the number of lines of a file that are neither blank nor comments nor docstrings."""
    text = file.read_text(encoding="utf-8-sig")  # with or without a byte order mark
    if file.suffix == ".xml":
        text = _XML_COMMENT.sub("", text)
    elif file.suffix == ".py":
        try:
            return len(python_lines(text))
        except (SyntaxError, tokenize.TokenError) as error:
            raise Failure(f"{file} is not Python: {error}.", "name other files, or mend it.") from None
    return sum(bool(line.strip()) for line in text.splitlines())


def python_lines(text):
    """Return the numbers of the lines of a Python text that have code, as a set.

    A text that is a statement by itself is a docstring, or as good as one.
    """
    docstrings = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for number in range(node.lineno, node.end_lineno + 1)
    }
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_docstring = token.type == tokenize.STRING and token.start[0] in docstrings
        if token.type not in _NO_CODE and not is_docstring:
            found.update(range(token.start[0], token.end[0] + 1))
    rows = text.split("\n")
    return {number for number in found if rows[number - 1].strip()}


if __name__ == "__main__":
    command(main)
