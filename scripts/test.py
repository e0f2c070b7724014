"""Command `make test`: all tests, or some of them.

Some of them: `make test ARGS="test_event.py -k name"`, `make test ARGS=pure`.

The addons' tests run inside Odoo, all of them on fresh databases, some on one that is kept and
updated. Those of the folder `tests` are plain ones: `pure` needs no database, the others start
processes of their own. All suites are run side by side. Each suite of plain tests has a server of
its own, with which it may do anything.
"""

import fcntl
import os
import sys
import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from . import databases, postgres
from .paths import ADDONS, HOME, LOGS, ODOO_CONFIG, ODOO_DATA, PYTHON, ROOT, SUITE
from .programs import attend, beside
from .progress import Failure, command, step
from .run import Demo

DATABASE = "connector_test"
#: The addons' tests in two suites that take about the same time; the tours of both would disturb
#: each other, so they are in the first one.
ADDON_SUITES = {
    "addons": [addon for addon in ADDONS if not addon.startswith("connector_odoo")],
    "connectors": [addon for addon in ADDONS if addon.startswith("connector_odoo")],
}
PLAIN = "tests"  # the folder of the plain tests
PURE = "pure"  # its folder of tests that need no database
PLAIN_SUITES = ("workers", "systems", PURE)  # its folders; the first two take about the same time
NO_TEST = 5  # pytest's exit status when it has found none


def main(left_out=()):
    """Run the tests that the command line names, or all; return 0 if some ran and none failed.

    :param left_out: names of plain suites that do not run when the command line names no tests
    """
    paths, options = split(sys.argv[1:])
    of_addons = [path for path in paths if path.split("/")[0] != PLAIN]
    with_addons = bool(of_addons or not paths)
    suites = [suite for suite in plain_suites(paths, options) if paths or suite.name not in left_out]
    on_servers = [suite for suite in suites if suite.name != PURE]
    with (HOME / "test.lock").open("w") as lock, ExitStack() as stack:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if on_servers or with_addons:
            is_private = not postgres.is_own()  # from here on the environment names the private one
            stack.enter_context(postgres.running())
            if is_private and len(on_servers) + with_addons > 1:
                make_templates()
                use_servers_of_their_own(on_servers, stack)
        if of_addons:
            suites.insert(0, Suite("addons", [*of_addons, *in_kept_database(), *options]))
        elif with_addons:
            suites[:0] = [
                Suite(name, [*addons, *stack.enter_context(in_fresh_database(f"{DATABASE}_{name}")), *options])
                for name, addons in ADDON_SUITES.items()
            ]
        return report(run(suites), selected=bool(options))


@dataclass
class Suite:
    """Tests that one pytest runs.

    :param arguments: of pytest
    :param variables: of the environment, beside those of this process
    """

    name: str
    arguments: list
    variables: dict = field(default_factory=dict)

    @property
    def results(self):
        """The file with pytest's report."""
        return LOGS / f"results of {self.name}.xml"

    @property
    def command(self):
        return [PYTHON, "-m", "pytest", f"--junit-xml={self.results}", *self.arguments]


@dataclass
class Outcome:
    """Outcome of a suite, in numbers of tests."""

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self):
        return f"{self.suite}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def split(arguments):
    """Separate the paths of tests from pytest's options."""
    paths, options = [], []
    for word in arguments:
        path = path_of(word)
        (paths if path else options).append(path or word)
    return paths, options


def path_of(word):
    """Return the path of the tests that a word of the command line names, or None.

    The word is a path, a suite, or a file.

    :raise Failure: there is no such file, or several
    """
    if "/" in word or word in (*ADDONS, PLAIN):
        return word
    if word in PLAIN_SUITES:
        return f"{PLAIN}/{word}"
    file, *names = word.split("::")
    if not file.endswith(".py"):
        return None
    found = [path.relative_to(ROOT) for folder in (*ADDONS, PLAIN) for path in (ROOT / folder).rglob(file)]
    if len(found) != 1:
        raise Failure(f"{len(found)} files are called {file}.", "give the path of one of them.", found)
    return "::".join([str(found[0]), *names])


def make_templates():
    """Create all templates that the suites copy.

    So each of them is made once, before the servers of the suites are copied.
    """
    databases.template(databases.BASE)
    databases.make_side_by_side(
        lambda: databases.installed(ADDONS, databases.template()),
        Demo.templates,
        lambda: databases.installed(["test_connector"], databases.template(databases.BASE)),
    )


def in_kept_database():
    """Return the options by which pytest runs in the kept database, which is made if missing."""
    return options_of(databases.kept(ADDONS, databases.template()))


@contextmanager
def in_fresh_database(database):
    """Provide a database with the addons during the block; yield pytest's options for it."""
    databases.create_original(database, databases.installed(ADDONS, databases.template()))
    try:
        yield options_of(database)
    finally:
        databases.drop(database)


def options_of(database):
    os.environ["CONNECTOR_TEMPLATES"] = f"{PYTHON} -Es -m scripts.template"
    return [f"--odoo-config={ODOO_CONFIG}", f"--odoo-database={database}", "--odoo-http"]


def plain_suites(paths, options):
    """Yield the suites of plain tests that are among these paths, or all."""
    for name in PLAIN_SUITES:
        folder = f"{PLAIN}/{name}"
        chosen = [path for path in paths if path.startswith(folder)]
        if not paths or PLAIN in paths:
            chosen = [folder]
        if chosen:
            yield Suite(name, [*chosen, "-p", "no:odoo", *options])


def use_servers_of_their_own(suites, stack):
    """Give each suite a copy of the server, with all templates, until the stack is closed.

    Each suite also gets a folder for its logs.
    """
    for suite in suites:
        with step(f"PostgreSQL of its own for the tests of {suite.name}"):
            cluster = stack.enter_context(postgres.copied(suite.name))
            stack.enter_context(databases.copied_files(suite.name))
        suite.variables = postgres.variables(cluster) | {SUITE: suite.name, "ODOO_DATA_DIR": ODOO_DATA / suite.name}


def run(suites):
    """Run suites side by side, the first one in the terminal.

    The output of each of the others is shown when that suite has ended.
    """
    for suite in suites:
        suite.results.unlink(missing_ok=True)
    first, *others = suites
    with ExitStack() as stack:
        shown = [stack.enter_context(run_beside(suite)) for suite in others]
        print_title(first)
        statuses = [attend(first.command, cwd=ROOT)]
        for suite, show in zip(others, shown, strict=True):
            print_title(suite)
            statuses.append(show())
    return [outcome(suite, status) for suite, status in zip(suites, statuses, strict=True)]


def run_beside(suite):
    return beside(suite.command, LOGS / f"tests of {suite.name}.log", cwd=ROOT, variables=suite.variables)


def print_title(suite):
    print(f"\nTests of {suite.name}", flush=True)


def outcome(suite, status):
    """Return the :class:`Outcome` of a suite.

    :raise Failure: pytest has ended otherwise than by a test
    """
    counted = count(suite.name, suite.results)
    if status not in (0, NO_TEST) and not counted.failed:
        raise Failure(f"pytest ended with status {status}.", "read what it printed above.")
    return counted


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
    """Print the numbers and return the exit status.

    It is 0 if no test failed and each suite ran tests. Of a selection it is enough that any suite
    ran some.
    """
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
