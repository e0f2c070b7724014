"""The tests: `make test`, or some of them: `make test ARGS="connector/tests/test_x.py -k name"`.

The addons' tests run inside Odoo, on a fresh database; those of the folder `tests` are plain ones, about processes and
packages.
"""

import fcntl
import os
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from . import databases, postgres
from .paths import ADDONS, HOME, LOGS, ODOO_CONFIG, PYTHON, ROOT
from .programs import attend
from .progress import Failure, command, step

DATABASE = "connector_test"
PLAIN = "tests"  # the folder of the plain tests


def main():
    """Run the tests that the command line names, or all; return 0 if some ran and none failed."""
    paths, options = split(sys.argv[1:])
    plain = [path for path in paths if path.split("/")[0] == PLAIN]
    of_addons = [path for path in paths if path not in plain]
    suites = []
    with (HOME / "test.lock").open("w") as lock, postgres.running():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if of_addons or not paths:
            suites.append(run_in_odoo(of_addons or ADDONS, options))
        if plain or not paths:
            suites.append(run_pytest("processes and packages", [*(plain or [PLAIN]), "-p", "no:odoo", *options]))
    return report(suites, selected=bool(options))


@dataclass
class Outcome:
    """How the tests of a suite ended, in numbers of tests."""

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self):
        return f"{self.suite}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def split(arguments):
    """Tell the paths of tests from pytest's options."""
    paths = [word for word in arguments if "/" in word or word in (*ADDONS, PLAIN)]
    return paths, [word for word in arguments if word not in paths]


def run_in_odoo(paths, options):
    template = databases.template()
    os.environ["CONNECTOR_ORDERS_TEMPLATE"] = template
    os.environ["CONNECTOR_SHOP_TEMPLATE"] = databases.template(databases.SHOP, demo=True)
    with step("Test database with the addons"):
        databases.create(DATABASE, template)
        databases.install(DATABASE, ADDONS, "--without-demo=all")
    odoo = [f"--odoo-config={ODOO_CONFIG}", f"--odoo-database={DATABASE}", "--odoo-http"]
    try:
        return run_pytest("addons", [*paths, *odoo, *options])
    finally:
        databases.drop(DATABASE)


def run_pytest(suite, arguments):
    results = LOGS / "results.xml"
    results.unlink(missing_ok=True)
    print(f"\nTests of {suite}", flush=True)
    pytest = [PYTHON, "-m", "pytest", f"--junit-xml={results}", *arguments]
    status = attend(pytest, cwd=ROOT)
    outcome = count(suite, results)
    if status not in (0, 5) and not outcome.failed:  # 5: no test was found
        raise Failure(f"pytest ended with status {status}.", "read what it printed above.")
    return outcome


def count(suite, results):
    """Count the tests of a suite in pytest's report, a test with its subtests as one."""
    outcome = Outcome(suite)
    cases = ElementTree.parse(results).iter("testcase") if results.exists() else ()
    for case in cases:
        complaints = {complaint.tag for complaint in case}
        if complaints & {"failure", "error"}:
            outcome.failed += 1
        elif "skipped" in complaints:
            outcome.skipped += 1
        else:
            outcome.passed += 1
    return outcome


def report(outcomes, selected):
    """Print the numbers and return the exit status: each suite ran tests (a selection: any did), none failed."""
    print()
    for outcome in outcomes:
        print(outcome)
    if any(outcome.failed for outcome in outcomes):
        return 1
    ran = any if selected else all
    if not ran(outcome.passed for outcome in outcomes):
        print("FAILED: no test ran.")
        return 1
    return 0


if __name__ == "__main__":
    command(main)
