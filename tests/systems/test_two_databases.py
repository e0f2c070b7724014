"""Two databases in one process, one with an addon and one without it.

Each has what its own addons register.
"""

import importlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odoo.modules.registry import Registry

from scripts import databases
from scripts.paths import ODOO
from scripts.programs import run

EXTENSION = "test_connector_extension"
RELOADS = 3


@pytest.fixture(scope="module")
def extended(database):
    """Provide a second database, in which the extension is installed.

    It is a copy of the first one. The extension is installed after the models that use its mixins.
    """
    name = f"{database.name}_extended"
    databases.create(name, database.name)
    databases.install(name, [EXTENSION])
    yield type(database)(name)
    Registry.delete(name)
    databases.drop(name)


@pytest.fixture(scope="module")
def plain(database, extended):
    """Return the database without the extension.

    The code of the extension is in this process all the same, as the other database needs it.
    """
    assert EXTENSION in Registry(extended.name)._init_modules
    assert EXTENSION not in Registry(database.name)._init_modules
    return database


@pytest.fixture(scope="module")
def of_extension(plain):
    """Return a function that returns an object of a module of the extension."""
    return lambda module, name: getattr(importlib.import_module(f"odoo.addons.{EXTENSION}.{module}"), name)


def backend(env):
    """Return the shop of the database, of version 2.0."""
    shops = env["test.shop.backend"]
    return shops.search([], limit=1) or shops.create({"name": "Shop", "version": "2.0"})


def mapped_fields(env):
    """Return the names of the fields that the mapper of partners maps.

    The mapped record has a value for each of them.
    """
    mapper = importlib.import_module("odoo.addons.connector.unit.mapper.mapper").ImportMapper
    with backend(env).work_on("test.shop.partner") as environment:
        return set(environment.get_connector_unit(mapper).map_record({"name": "Ada", "remark": "Regular"}).values())


def write_tag(env):
    """Create, write and delete a tag of the shop; return its id."""
    tag = env["test.shop.tag"].create({"name": "Tag", "backend_id": backend(env).id})
    tag.external_id = "1"
    tag.unlink()
    return tag.id


def find_job(env, name):
    return importlib.import_module("odoo.addons.jobs_queue.jobs").find_function(env, name)


def test_a_unit_is_extended_where_the_extension_is_installed(plain, extended):
    without, with_extension = plain.commit(mapped_fields), extended.commit(mapped_fields)
    assert with_extension - without == {"remark", "function"}
    assert without < with_extension


def test_a_consumer_is_called_where_its_addon_is_installed(plain, extended, of_extension):
    heard = of_extension("consumers", "heard")
    heard.clear()
    plain.commit(write_tag)
    tag_id = extended.commit(write_tag)
    assert heard == [(extended.name, tag_id)]


def test_a_job_exists_where_its_addon_is_installed(plain, extended, of_extension):
    not_readable = importlib.import_module("odoo.addons.connector.exception").NotReadableJobError
    greet = of_extension("jobs", "greet")
    name = f"odoo.addons.{EXTENSION}.jobs.greet"
    assert extended.commit(lambda env: find_job(env, name)) is greet
    with pytest.raises(not_readable, match=f"“{EXTENSION}” .* is not installed in this database"):
        plain.commit(lambda env: find_job(env, name))


def test_a_mixin_that_is_extended_after_its_users_were_loaded_reaches_them(plain, extended):
    """Extension of a mixin, installed after the models that use the mixin.

    Formerly such an extension had no effect on these models. With the framework's mixins that is
    not so.
    """
    for model_name in ("test.shop.backend", "test.shop.partner"):
        assert "remark" not in Registry(plain.name)[model_name]._fields
        assert "remark" in Registry(extended.name)[model_name]._fields
    assert extended.commit(lambda env: backend(env).marks()) == ["extension"]
    assert not plain.commit(lambda env: hasattr(backend(env), "marks"))
    extended.commit(lambda env: backend(env).write({"remark": "stored"}))
    assert extended.value("SELECT remark FROM test_shop_backend") == "stored"


def test_it_holds_for_threads_that_work_in_both_while_the_registries_change(plain, extended):
    expected = {plain.name: plain.commit(mapped_fields), extended.name: extended.commit(mapped_fields)}
    registration = importlib.import_module("odoo.addons.jobs_queue.registration")

    reloaded = threading.Event()

    def work():
        while not reloaded.is_set():
            for each in (plain, extended):
                assert each.commit(mapped_fields) == expected[each.name]

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(work) for _number in range(4)]
        try:
            for _time in range(RELOADS):
                registration.registration_changed()
                Registry.new(extended.name)
        finally:
            reloaded.set()
        for work in running:
            work.result()


def test_the_command_shows_which_class_does_what_and_whose_it_is(plain, extended):
    def shown(database, backend="test_shop 2.0"):
        return run([ODOO, "connector_units", "--database", database.name, "--backend", backend], "")

    extension = f"odoo.addons.{EXTENSION}.units.PartnerImportMapperRemark"
    mapper = "odoo.addons.test_connector.units.PartnerImportMapper"
    assert f"ImportMapper         {extension} [{EXTENSION}]\n" + " " * 23 + f"{mapper} [test_connector]\n" in shown(
        extended
    )
    assert f"ImportMapper         {mapper} [test_connector]\n" in shown(plain)
    assert f"{extension} " not in shown(extended, "test_shop 1.0").partition("Not in use")[0]


def test_an_extension_is_forgotten_when_it_is_uninstalled(plain, extended):
    without = plain.commit(mapped_fields)
    extended.commit(lambda env: env["ir.module.module"].search([("name", "=", EXTENSION)]).button_immediate_uninstall())
    assert extended.commit(mapped_fields) == without
