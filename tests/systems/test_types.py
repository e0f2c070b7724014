"""Types of job functions: a type checker finds wrong calls of ``delay``."""

import subprocess

from scripts import lint
from scripts.paths import ROOT, VENV

CALLS = """
from odoo.addons.jobs_queue import Session, job


@job
def export(session: Session, model_name: str, record_id: int, force: bool = False) -> str:
    return ""


def calls(session: Session) -> None:
    export.delay(session, "sale.order", 3)
    export.delay(session, "sale.order", 3, force=True)
    export.delay(session, "sale.order", 3, True, priority=5, eta=60)
    export.delay(session, "sale.order", 3, prioritty=5)  # wrong
    export.delay(session, "sale.order", 3, priority="high")  # wrong
    export.delay(session, "sale.order", record=3)  # wrong
    export.delayable(session, "sale.order", 3, forced=True)  # wrong
    export.delay("sale.order", 3)  # wrong
    export.job_option  # wrong
"""


def test_mypy_finds_the_calls_that_are_wrong_and_no_others(tmp_path):
    lint.make_tree()
    file = tmp_path / "calls.py"
    file.write_text(CALLS)
    command = [VENV / "bin" / "mypy", "--config-file", ROOT / "pyproject.toml", file]
    found = subprocess.run(command, cwd=ROOT, env={"MYPYPATH": str(lint.TREE)}, capture_output=True, text=True).stdout
    lines = {int(line.split(":")[1]) for line in found.splitlines() if ": error:" in line}
    wrong = {number for number, line in enumerate(CALLS.splitlines(), 1) if line.endswith("# wrong")}
    assert lines == wrong, found
