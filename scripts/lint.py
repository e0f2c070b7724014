"""Command `make lint`: the checks of style and structure.

The tools that follow imports find the addons as Odoo does, `odoo.addons.<addon>`, in a folder of
links.
"""

import shutil

from .paths import ADDONS, HOME, ROOT, VENV
from .programs import attend
from .progress import command

TREE = HOME / "lint"
# Odoo itself is not followed: it would be read each time, and has no types
WITHOUT_ODOO = '''"""Stands for Odoo, of whose insides nothing is known here."""

from typing import Any


def __getattr__(name: str) -> Any: ...
'''


def main():
    """Run each check; return 0 if all succeed."""
    make_tree()
    checks = (
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["lint-imports", "--no-logo", "--no-cache"],
        ["mypy", *(f"--package=odoo.addons.{addon}" for addon in ADDONS)],
        ["pylint", *ADDONS],
    )
    statuses = [run(*check) for check in checks]
    return 1 if any(statuses) else 0


def run(tool, *arguments):
    """Run a tool of the virtual environment in the terminal, and return its exit status."""
    print(f"$ {tool} {' '.join(arguments)}", flush=True)
    variables = {"PYTHONPATH": TREE} if tool == "lint-imports" else {"MYPYPATH": TREE}
    return attend([VENV / "bin" / tool, *arguments], cwd=ROOT, variables=variables)


def make_tree():
    shutil.rmtree(TREE, ignore_errors=True)
    folder = TREE / "odoo" / "addons"
    folder.mkdir(parents=True)
    (TREE / "odoo" / "__init__.py").write_text(WITHOUT_ODOO)
    (folder / "__init__.py").write_text("")
    for addon in ADDONS:
        (folder / addon).symlink_to(ROOT / addon)


if __name__ == "__main__":
    command(main)
