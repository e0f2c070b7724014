"""Parts of the benchmarks: the journal that jobs write, and the bars for the figures."""

import math
from types import SimpleNamespace

import pytest

from benchmarks import journal, measures  # noqa: F401  the measures register themselves
from benchmarks.journal import Journal
from benchmarks.measure import MEASURES, at_least, at_most, times
from benchmarks.pairs import half_width, percent
from benchmarks.report import Report


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Return a journal to which jobs of this process write."""
    path = tmp_path / "journal"
    monkeypatch.setenv(journal.VARIABLE, str(path))
    return Journal(path)


def test_the_journal_has_what_jobs_noted_in_their_order(notes):
    journal.note(7)
    journal.note(3)
    assert [number for number, _when in notes.entries()] == [7, 3]
    assert notes.entries()[0][1] <= notes.entries()[1][1]


def test_a_journal_that_was_cleared_is_written_on_by_processes_that_have_it_open(notes):
    journal.note(1)
    notes.clear()
    journal.note(2)
    assert [number for number, _when in notes.entries()] == [2]


@pytest.mark.parametrize(
    "bar, ours, judgement",
    [
        (times(10, "oca"), 99, ("9.9 x", False)),
        (times(10, "oca"), 100, ("10 x", True)),
        (at_most(5), 5, ("5", True)),
        (at_most(5), 5.1, ("5.1", False)),
        (at_least(90), 89, ("89", False)),
    ],
)
def test_a_bar_holds_from_its_limit_on(bar, ours, judgement):
    assert bar.judge("connector", {"connector": ours, "oca": 10}) == judgement


def test_a_bar_is_not_judged_without_the_peer_that_it_names():
    assert times(10, "oca").judge("connector", {"connector": 100}) is None


def test_the_report_has_the_median_of_the_runs_and_whether_each_bar_holds(tmp_path):
    peers = [SimpleNamespace(name=name, title=name, remark=None) for name in ("connector", "oca")]
    report = Report(tmp_path / "result", peers, SimpleNamespace(runs=3, jobs=500, backlog=0, records=0), {})
    runs = {"connector": [{"rate": 120}, {"rate": 100}, {"rate": 2000}], "oca": [{"rate": 10}] * 3}
    report.add(MEASURES["drain_noop"], runs)
    assert "| 120 (100 to 2,000) | 10 (10 to 10) | at least 10 x oca | 12 x, holds |" in report.markdown()
    assert report.bars_held() == (1, 1)


def test_the_report_has_a_table_for_queues_and_one_for_frameworks_each_with_whom_it_is_about(tmp_path):
    names = ("connector", "oca", "framework", "oca_framework")
    peers = [SimpleNamespace(name=name, title=name, remark=None) for name in names]
    report = Report(tmp_path / "result", peers, SimpleNamespace(runs=1, jobs=500, backlog=0, records=0), {})
    report.add(MEASURES["drain_noop"], {"connector": [{"rate": 100}], "oca": [{"rate": 10}]})
    report.add(MEASURES["mapper"], {"framework": [{"rate": 30}], "oca_framework": [{"rate": 10}]})
    markdown = report.markdown()
    assert "| measure | unit | connector | oca | bar | result |" in markdown
    assert "| measure | unit | framework | oca_framework | bar | result |" in markdown


def test_an_interval_is_narrower_with_more_pairs_and_infinite_with_one():
    few, many = half_width([1.0, 1.1] * 2), half_width([1.0, 1.1] * 20)
    assert half_width([1.0]) == math.inf
    assert many < few
    assert half_width([1.02] * 20) == 0


def test_a_ratio_is_said_as_a_change():
    assert percent(1.061) == "+6.1 %"
    assert percent(0.99) == "-1.0 %"
