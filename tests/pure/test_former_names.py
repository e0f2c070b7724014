"""Former names of the queue, from when it was a part of the addon connector.

Only the files that have to know these names still have them.
"""

import re

import pytest

from scripts.paths import ADDONS, ROOT

# Both expressions begin with plain letters, so the search is fast
FORMER = re.compile(
    r"""connector(?:
      \.((model|field|selection_|constraint|access)_)?queue_\w*                                   # external ids
    | \.(channel_root|view_server_action_form|field_ir_actions_server__run_as_job)\b
    | \.cron_(run_jobs|group_failures|run_schedules)\b
    | \.(job_retention_days|unknown_job_minutes|imported_channels|database)\b                     # parameters
    | [./]queue\b | \ import\ queue\b                                                             # Python
    | [./](registration|savepoint|configuration|selection|tests[./](trap|registering))\b
    | \.checked\.access\b                                                                         # models
    | _(bounded|jobs_list|jobs_kanban)\b                                                          # widgets
    | -(jobs|failures|channels|functions|schedules|workers)\b                                     # addresses
    )""",
    re.VERBOSE,
)
RELATIVE = re.compile(r"from \.+queue\b")
KINDS = {".py", ".xml", ".csv", ".sql", ".js", ".md", ".template"}
KNOW_THEM = {
    "jobs_queue/graph.py",
    "jobs_queue/mass_change.py",
    "jobs_queue/tests/test_job_graph.py",
    "docs/migration.md",
    "connector/tests/test_former_paths.py",
    "connector/tests/test_vocabulary.py",
}


def files():
    """Yield the files of the addons and the documents, by their paths in the repository."""
    for folder in (*ADDONS, "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in KINDS:
                yield path.relative_to(ROOT).as_posix()


def former_names_in(path):
    """Return the former names that a file contains, each with the path."""
    text = (ROOT / path).read_text()
    return [f"{path}: {found.group()}" for pattern in (FORMER, RELATIVE) for found in pattern.finditer(text)]


def test_no_former_name_is_left():
    assert [name for path in files() if path not in KNOW_THEM for name in former_names_in(path)] == []


@pytest.mark.parametrize("path", sorted(KNOW_THEM))
def test_each_file_that_may_say_former_names_does_so(path):
    assert former_names_in(path)
