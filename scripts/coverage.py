"""Coverage of the tests: `make coverage`, or of some of them: `make coverage ARGS="test_event.py"`.

All Python processes of the tests are measured, with the workers and servers that they start. A
process that is killed writes nothing: the lines that only such processes run count as not covered.

The suite `workers` is left out. Its tests run workers in their own process, and a worker stops a
job by an exception that it raises in the job's thread. Where that hits the measurement, it breaks
it, and the test never ends.
"""

import os
import shutil
import sys

from . import test
from .paths import HOME, PYTHON, ROOT
from .programs import attend
from .progress import command

FOLDER = HOME / "coverage"
UNMEASURABLE = "workers"  # the suite whose tests do not end under the measurement


def main():
    """Run the tests under coverage, print the lines that none runs, and return their status."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    # a file of the package coverage starts the measurement in each Python where this is set
    os.environ |= {
        "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
        "COVERAGE_ROOT": str(ROOT),
        "COVERAGE_FILE": str(FOLDER / "data"),
    }
    if not sys.argv[1:]:
        print(f"The tests of {UNMEASURABLE} are left out: they cannot be measured.\n", flush=True)
    status = test.main(left_out=[UNMEASURABLE])
    sys.stdout.flush()
    del os.environ["COVERAGE_PROCESS_START"]
    reported = [attend([PYTHON, "-m", "coverage", *step], cwd=ROOT) for step in (["combine", "--quiet"], ["report"])]
    return status or max(reported)


if __name__ == "__main__":
    command(main)
