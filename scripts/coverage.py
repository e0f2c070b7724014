"""Coverage of the tests: `make coverage`, or of some of them: `make coverage ARGS="test_event.py"`.

All Python processes of the tests are measured, with the workers and servers that they start. A
process that is killed writes nothing: the lines that only such processes run count as not covered.
"""

import os
import shutil
import sys

from . import test
from .paths import HOME, PYTHON, ROOT
from .programs import attend
from .progress import command

FOLDER = HOME / "coverage"


def main():
    """Run the tests under coverage, print the lines that none of them runs, and return their status."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    # the file coverage.pth of the virtual environment starts the measurement where this is set
    os.environ |= {
        "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
        "COVERAGE_ROOT": str(ROOT),
        "COVERAGE_FILE": str(FOLDER / "data"),
    }
    status = test.main()
    sys.stdout.flush()
    del os.environ["COVERAGE_PROCESS_START"]
    for step in (["combine", "--quiet"], ["report"]):
        attend([PYTHON, "-m", "coverage", *step], cwd=ROOT)
    return status


if __name__ == "__main__":
    command(main)
