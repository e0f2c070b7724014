"""Scripts, as far as they need no server.

The tests check what they say when they cannot go on, and how they run other programs.
"""

import re
import subprocess
import sys

import pytest

from scripts import odoo_source, postgres, test
from scripts.paths import ROOT
from scripts.programs import beside, environment, run
from scripts.progress import Failure


def failing(command, **variables):
    """Run a command that has to fail, in the checkout; return what it printed."""
    env = environment() | variables
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def test_another_python_is_refused_with_the_versions_that_work():
    script = "import sys; sys.version_info = (3, 9, 2); import scripts"
    message = failing([sys.executable, "-c", script])
    assert "Odoo 19.0 needs 3.11 to 3.13" in message
    assert "make test PYTHON=python3.11" in message


def test_an_odoo_home_without_odoo_is_refused_by_its_name(tmp_path):
    message = failing([sys.executable, "-m", "scripts.setup", "run"], ODOO_HOME=str(tmp_path))
    assert f"ODOO_HOME={tmp_path} is not Odoo 19.0" in message
    assert f"{tmp_path}/odoo/release.py: does not exist" in message


def test_an_odoo_home_of_another_series_is_refused_with_its_series(tmp_path):
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo" / "release.py").write_text("version_info = (18, 0, 0, FINAL, 0, '')\n")
    message = failing([sys.executable, "-m", "scripts.setup", "run"], ODOO_HOME=str(tmp_path))
    assert f"{tmp_path}/odoo/release.py: Odoo 18.0" in message


def test_the_series_of_a_development_version_is_read(tmp_path):
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo" / "release.py").write_text("version_info = ('saas~19', 1, 0, FINAL, 0, '')\n")
    assert odoo_source.series(tmp_path) == "saas~19.1"


def test_a_program_that_fails_shows_the_end_of_its_output_and_the_way_out():
    with pytest.raises(Failure) as failure:
        run([sys.executable, "-c", "import sys; sys.exit('no such mirror')"], remedy="try another one.", log="test.log")
    assert "no such mirror" in str(failure.value)
    assert "What to do: try another one." in str(failure.value)


def test_a_full_disk_is_called_by_its_name():
    with pytest.raises(Failure, match="the disk is full"):
        run([sys.executable, "-c", "import sys; sys.exit('No space left on device')"], remedy="", log="test.log")


def test_a_server_of_ones_own_that_does_not_answer_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PGHOST", str(tmp_path))
    with pytest.raises(Failure, match="does not answer"), postgres.running():
        pass


def test_a_run_without_a_test_is_a_failure(capsys):
    assert test.report([test.Outcome("addons", passed=3), test.Outcome("processes")], selected=False) == 1
    assert "no test ran" in capsys.readouterr().out


def test_a_selection_may_leave_a_suite_without_tests():
    assert test.report([test.Outcome("addons", passed=3), test.Outcome("processes")], selected=True) == 0


def test_skipped_tests_do_not_count_as_run():
    assert test.report([test.Outcome("addons", skipped=3)], selected=True) == 1


def test_a_failed_test_fails_the_run():
    assert test.report([test.Outcome("addons", passed=3, failed=1)], selected=False) == 1


def test_f23_continuous_integration_runs_the_commands_of_the_readme():
    commands = re.findall(r"^\$ (make \w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    run = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands == ["make run", "make test"]
    assert {"make run ONCE=1", "make test"} <= set(run)


def test_what_a_program_prints_in_the_background_is_shown_to_its_end(tmp_path, capsys):
    script = "import sys; print('first', flush=True); print('last'); sys.exit(3)"
    with beside([sys.executable, "-c", script], tmp_path / "log") as show:
        assert show() == 3
    assert capsys.readouterr().out == "first\nlast\n"


def test_a_program_in_the_background_is_interrupted_at_the_end_of_its_block(tmp_path):
    script = f"import pathlib, signal; pathlib.Path({str(tmp_path / 'began')!r}).touch(); signal.pause()"
    with beside([sys.executable, "-c", script], tmp_path / "log"):
        while not (tmp_path / "began").exists():
            pass
    assert "KeyboardInterrupt" in (tmp_path / "log").read_text()


def test_a_file_of_tests_is_found_by_its_name():
    assert test.path_of("test_texts.py::TestStorable") == "tests/pure/test_texts.py::TestStorable"
    assert test.path_of("pure") == "tests/pure"
    assert test.path_of("-k") is None


def test_a_file_that_does_not_exist_or_has_a_double_is_refused():
    with pytest.raises(Failure, match=r"0 files are called test_nothing\.py"):
        test.path_of("test_nothing.py")
    with pytest.raises(Failure, match=r"[2-9] files are called common\.py") as failure:
        test.path_of("common.py")
    assert "connector_odoo/tests/common.py" in str(failure.value)
