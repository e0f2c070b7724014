"""Packages of the addons: built, installed by pip beside Odoo, and found there by Odoo."""

import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distributions
from pathlib import Path

import pytest

import odoo.release

from scripts import databases
from scripts.paths import ADDONS, ODOO_DATA, ROOT
from scripts.programs import environment

PRODUCT = [addon for addon in ADDONS if not addon.startswith("test_")]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Return the folder with the wheels of all addons, and of the metapackage.

    The metapackage depends on the addons that are not for tests.
    """
    folder = tmp_path_factory.mktemp("wheels")
    for source in (*ADDONS, "setup/_metapackage"):
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT / source]
        succeed(build)
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory, wheels):
    """Return the Python of an environment with the wheels, beside Odoo and what Odoo needs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    beside = (sysconfig.get_path("purelib"), Path(odoo.release.__file__).parent.parent)
    (packages / "beside.pth").write_text("".join(f"{path}\n" for path in beside))
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels]
    succeed([*install, "odoo-addons-connector-suite"])
    return python


@pytest.fixture(scope="module")
def installed(python):
    """Return the packages in that environment alone, by name."""
    folder = sysconfig.get_path("purelib", vars={"base": str(python.parent.parent)})
    return {package.name: package for package in distributions(path=[folder])}


def succeed(command, **options):
    """Run a command, show its output if it fails, and return it."""
    done = subprocess.run(
        command, env=environment(), cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_metapackage_brings_every_addon_but_those_for_tests(installed):
    assert set(installed) == {f"odoo-addon-{addon}" for addon in PRODUCT} | {"odoo-addons-connector-suite"}


@pytest.mark.parametrize("addon", PRODUCT)
def test_each_addon_asks_for_odoo_19(installed, addon):
    assert "odoo==19.0.*" in installed[f"odoo-addon-{addon}"].requires


def test_the_queue_asks_for_no_connector(installed):
    assert not [name for name in installed["odoo-addon-jobs_queue"].requires if "connector" in name]


def test_odoo_installs_the_addons_from_the_packages(python, tmp_path):
    database = "connector_test_packaging"
    config = tmp_path / "odoo.conf"
    config.write_text(f"[options]\ndata_dir = {ODOO_DATA}\n")
    command = [python, "-m", "odoo"]
    options = ["--config", config, "--database", database, "--no-http"]
    databases.create(database, databases.template())
    try:
        succeed([*command, *options, "--init", ",".join(PRODUCT), "--without-demo=all", "--stop-after-init"])
        with databases.cursor(database) as cr:
            cr.execute("SELECT name FROM ir_module_module WHERE state = 'installed' AND name = ANY(%s)", [PRODUCT])
            assert sorted(name for (name,) in cr.fetchall()) == PRODUCT
        script = "import odoo.addons.connector as addon; print('loaded from', addon.__file__)"
        shell = succeed([*command, "shell", *options], input=script)
        assert f"loaded from {python.parent.parent}" in shell
    finally:
        databases.drop(database)
