"""The set-up: what it says when it cannot go on, and what it starts and stops."""

import re
import shutil
import subprocess
import sys

import psycopg2
import pytest

from scripts import databases, odoo_source, postgres, servers, test
from scripts.paths import HOME, ROOT
from scripts.programs import beside, environment, run
from scripts.progress import Failure


def failing(command, **variables):
    """Run a command that has to fail in the checkout, and return what it printed."""
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


def test_u7_after_a_command_its_private_server_is_not_taken_for_one_of_the_user_s():
    script = (
        "import os; from scripts import postgres\n"
        "for _time in range(2):\n"
        "    with postgres.running(): assert os.environ['PGHOST'] == str(postgres.private_cluster().socket_folder)\n"
        "    assert 'PGHOST' not in os.environ and os.environ['PGTZ'] == 'UTC'"
    )
    env = {name: value for name, value in environment().items() if not name.startswith("PG")} | {"PGTZ": "UTC"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True)


def test_a_full_disk_is_called_by_its_name():
    with pytest.raises(Failure, match="the disk is full"):
        run([sys.executable, "-c", "import sys; sys.exit('No space left on device')"], remedy="", log="test.log")


def test_the_requirements_are_complete():
    run([sys.executable, "-m", "pip", "check"], remedy="add what is missing to the requirements.", log="test.log")


def test_a_server_of_ones_own_that_does_not_answer_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PGHOST", str(tmp_path))
    with pytest.raises(Failure, match="does not answer"), postgres.running():
        pass


@pytest.fixture
def cluster(monkeypatch):
    """A private cluster of the test's own, not yet started."""
    folder = HOME / "test-postgres"
    shutil.rmtree(folder, ignore_errors=True)
    monkeypatch.setattr(postgres, "POSTGRES", folder)
    for name in postgres.OWN_SERVER:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PGUSER", raising=False)
    yield
    shutil.rmtree(folder)


def test_the_private_cluster_runs_until_its_last_user_is_gone(cluster):
    with postgres.running():
        with postgres.running():
            pass
        psycopg2.connect(dbname="postgres").close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(dbname="postgres")


def test_the_private_cluster_gives_odoo_an_ordinary_role(cluster):
    with postgres.running(), databases.cursor() as cr:
        cr.execute("SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert cr.fetchone() == ("odoo", False, True)


@pytest.fixture
def foreign_database():
    """The name of a database that the scripts did not make."""
    name = "connector_test_foreign"
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cr:
        cr.execute(f"DROP DATABASE IF EXISTS {name}")
        cr.execute(f"CREATE DATABASE {name}")
        yield name
        cr.execute(f"DROP DATABASE {name}")
    connection.close()


def test_a_database_that_is_not_ours_is_never_replaced(foreign_database):
    with pytest.raises(Failure, match=f"{foreign_database} exists, and these scripts did not make it"):
        databases.create(foreign_database, databases.template())
    assert databases.exists(foreign_database)


def test_a_server_that_ends_early_shows_its_log():
    with pytest.raises(Failure, match="probe ended with status"), servers.Server("probe", ["x"], "--no-such-option"):
        pass


def test_odoo_runs_from_any_folder_and_ignores_the_users_python(tmp_path):
    (tmp_path / "requests.py").write_text("raise SystemExit('the wrong package')")
    env = environment() | {"PYTHONPATH": str(tmp_path)}
    assert "19.0" in run([ROOT / "scripts" / "odoo", "--version"], remedy="", log="test.log", env=env, cwd=tmp_path)


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


def test_f23_a_template_that_two_ask_for_at_once_is_made_once_over_the_files_that_another_server_has_left():
    left = databases.filestore("template_asked_for_twice") / "aa" / "left"
    left.parent.mkdir(parents=True)
    left.touch()
    base = databases.template(databases.BASE)

    def make():
        return databases.make_once("template_asked_for_twice", "nothing more", base, ["base"], "--without-demo=all")

    try:
        databases.make_side_by_side(make, make)
        assert databases.exists("template_asked_for_twice")
        assert not left.exists()
    finally:
        databases.execute("ALTER DATABASE {} IS_TEMPLATE false", "template_asked_for_twice")
        databases.drop("template_asked_for_twice")
