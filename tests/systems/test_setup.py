"""Set-up: what it says when it cannot go on, and what it starts and stops."""

import shutil
import subprocess
import sys

import psycopg2
import pytest

from scripts import databases, postgres, servers
from scripts.paths import HOME, ROOT
from scripts.programs import environment, run
from scripts.progress import Failure


def test_u7_after_a_command_its_private_server_is_not_taken_for_one_of_the_user_s():
    script = (
        "import os; from scripts import postgres\n"
        "for _time in range(2):\n"
        "    with postgres.running(): assert os.environ['PGHOST'] == str(postgres.private_cluster().socket_folder)\n"
        "    assert 'PGHOST' not in os.environ and os.environ['PGTZ'] == 'UTC'"
    )
    env = {name: value for name, value in environment().items() if not name.startswith("PG")} | {"PGTZ": "UTC"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True)


def test_the_requirements_are_complete():
    run([sys.executable, "-m", "pip", "check"], remedy="add what is missing to the requirements.", log="test.log")


@pytest.fixture
def cluster(monkeypatch):
    """Provide a private cluster of the test's own, which is not started yet."""
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
    """Provide the name of a database that the scripts did not make."""
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
