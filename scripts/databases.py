"""Odoo databases: templates that are made once, and copies of the templates.

PostgreSQL makes a copy in a second.
"""

import ast
import hashlib
import importlib
import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.errors import InsufficientPrivilege
from psycopg2.sql import SQL, Identifier, Literal

from odoo import release

from . import declarations
from .paths import ADDONS, ODOO, ODOO_CONFIG, ODOO_DATA, ROOT
from .programs import run
from .progress import Failure, step

MARK = f"Made by the scripts of {ROOT}"  # the first line of a database's comment; others are never dropped
BASE = ("mail",)  # what each other template is made from, unless it has demo data
SHOP = ("product", "contacts")  # with Odoo's demo data, the external system of the tests and the demo


def template(modules=None, demo=False):
    """Create a template with Odoo's modules, unless it exists; return its name.

    It is to be copied by :func:`create`. It is made anew for each version of Odoo.

    :param modules: names of modules; by default those that the addons depend on
    """
    modules = sorted(set(modules or odoo_modules()))
    name = f"template_{'_'.join(modules)[:30]}_{digest(odoo_version(), modules, demo, str(ROOT))}"
    base = None if demo or modules == sorted(BASE) or exists(name) else template(BASE)
    title = f"{', '.join(modules)}{' and demo data' if demo else ''}"
    return make_once(name, title, base, modules, "--with-demo" if demo else "--without-demo=all")


def installed(addons, template):
    """Create a template with addons of this repository, unless it exists; return its name.

    It is to be copied by :func:`create`. It is made anew when those parts of the addons' files have
    changed that are stored in it.

    :param template: name of the template to begin with
    """
    of_any_content = f"installed_{'_'.join(addons)[:20]}_on_{template[-8:]}_"
    name = of_any_content + digest([(addon, declarations.digest(addon)) for addon in ADDONS])
    if not exists(name):
        drop_older(of_any_content)
    return make_once(name, ", ".join(addons), template, addons, "--without-demo=all")


def kept(addons, template):
    """Create or update a database with addons that the next command uses, too; return its name.

    An addon is updated if its files have changed.

    :param template: name of the template to begin with
    """
    name = f"kept_on_{template[-8:]}"
    digests = {addon: declarations.digest(addon) for addon in addons}
    before = digests_of(name)
    if before is None:
        drop_older("kept_on_")
        create_original(name, installed(addons, template))
    elif before != digests:
        update(name, [addon for addon in addons if before.get(addon) != digests[addon]])
    mark(name, json.dumps(digests))
    return name


def digests_of(name):
    """Return the digest of each addon in a kept database, or None without such a database."""
    with cursor() as cr:
        cr.execute(
            "SELECT split_part(shobj_description(oid, 'pg_database'), chr(10), 2) FROM pg_database WHERE datname = %s",
            [name],
        )
        row = cr.fetchone()
    return json.loads(row[0] or "{}") if row else None


def update(name, addons):
    """Update addons in a database, and install those that it does not have."""
    names = ",".join(addons)
    with step(f"Update of {names.replace(',', ', ')}"):
        odoo("--database", name, "--update", names, "--init", names, "--stop-after-init", "--no-http")


def make_side_by_side(*makers):
    """Call functions that make templates, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in [pool.submit(maker) for maker in makers]:
            result.result()


def digest(*content):
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


def make_once(name, title, base, modules, demo):
    """Create a template unless it exists; return its name."""
    with cursor() as lock:
        lock.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])  # until the end of the block
        if not exists(name):
            with step(f"Template database with {title}"):
                make_template(name, base, modules, demo)
    return name


def make_template(name, base, modules, demo):
    """Install modules in a new database, or in a copy of another template.

    The database gets its name when it is finished.
    """
    part = f"{name}_part"
    drop(part)
    if base:
        copy(base, part)
    install(part, modules, demo)
    mark(part)
    execute("ALTER DATABASE {} RENAME TO {}", part, name)
    shutil.rmtree(filestore(name), ignore_errors=True)  # of one that has gone with its server
    if filestore(part).exists():
        filestore(part).rename(filestore(name))
    execute("ALTER DATABASE {} IS_TEMPLATE true", name)  # hides it from Odoo's list of databases


def drop_older(prefix):
    """Drop the templates that were made from earlier files of the same addons."""
    with cursor() as cr:
        cr.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{prefix}[0-9a-f]{{8}}$"])
        names = [name for (name,) in cr.fetchall()]
    for name in names:
        execute("ALTER DATABASE {} IS_TEMPLATE false", name)
        drop(name)


def odoo_modules():
    """Return the modules of Odoo that the addons depend on."""
    manifests = [ast.literal_eval((ROOT / addon / "__manifest__.py").read_text()) for addon in ADDONS]
    return {module for manifest in manifests for module in manifest["depends"]} - set(ADDONS)


def odoo_version():
    """Return a text that changes with each Odoo.

    It is the commit of a clone, else the folder and the date of the files.
    """
    folder = Path(release.__file__).parent.parent
    git = ["git", "-C", folder, "rev-parse", "HEAD"]
    if (folder / ".git").exists():
        return run(git, "install git, or have ODOO_HOME be an Odoo without .git.").strip()
    return f"{folder} {Path(release.__file__).stat().st_mtime_ns}"


def create(name, template):
    """Create a database as a copy of a template; replace one of this checkout with that name.

    :raise Failure: the name is taken by a database that the scripts did not make
    """
    drop(name)
    copy(template, name)
    mark(name)


def create_original(name, template):
    """Create a database as a copy, and declare that this copy is the original: its jobs run.

    The template has the addons.
    """
    create(name, template)
    adopt(name)


def adopt(name):
    """Declare that a copy is the production database."""
    # imported here: it takes half a second, for which a command that adopts nothing should not wait
    from odoo.modules.module import initialize_sys_path
    from odoo.tools import config

    config.parse_config(["--config", str(ODOO_CONFIG)], setup_logging=False)
    initialize_sys_path()
    with cursor(name) as cr:
        importlib.import_module("odoo.addons.jobs_queue.store.database").adopt(cr)


def copy(source, name):
    """Copy a database and its files, as `odoo db duplicate` does.

    Odoo itself would have to be started each time.
    """
    with cursor() as cr:
        cr.execute(  # autovacuum's processes are not ours to end; the copy waits for them
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
            [source],
        )
    # without FILE_COPY the copy goes through the log; then sequences that were used in the source
    # count backwards in the copy after a crash (PostgreSQL 18)
    execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, source)
    with cursor(name) as cr:
        cr.execute(
            "UPDATE ir_config_parameter SET value = gen_random_uuid() WHERE key IN ('database.uuid', 'database.secret')"
        )
    shutil.rmtree(filestore(name), ignore_errors=True)  # of one that has gone with its server
    if filestore(source).exists():
        shutil.copytree(filestore(source), filestore(name))


@contextmanager
def copied_files(suite):
    """Keep a copy of the files of all databases, during the block.

    It is for tests with a copy of the server, where the names of the databases are the same.
    """
    folder = ODOO_DATA / suite
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ODOO_DATA / "filestore", folder / "filestore")
    try:
        yield
    finally:
        shutil.rmtree(folder)


def filestore(name):
    """Return the folder of a database's files."""
    return ODOO_DATA / "filestore" / name


def install(name, modules, *options):
    """Install addons in a database, which is created if it does not exist."""
    odoo("--database", name, "--init", ",".join(modules), "--stop-after-init", "--no-http", *options)


def drop(name):
    """Drop a database that the scripts made, if it exists."""
    if not exists(name):
        return
    with cursor() as cr:
        cr.execute(
            "SELECT split_part(shobj_description(oid, 'pg_database'), chr(10), 1) FROM pg_database WHERE datname = %s",
            [name],
        )
        (comment,) = cr.fetchone()
    # A template that was not finished has no mark yet, and a name that nobody else gives.
    if comment != MARK and not (name.startswith(("template_", "installed_")) and name.endswith("_part")):
        raise Failure(
            f"the database {name} exists, and these scripts did not make it.",
            "rename or drop it, or unset PGHOST to get a private server.",
        )
    patience = time.monotonic() + 60
    while True:
        try:
            execute("DROP DATABASE {} WITH (FORCE)", name)
            break
        except InsufficientPrivilege:  # autovacuum works in it, which only a superuser may end
            if time.monotonic() > patience:
                raise
            time.sleep(0.2)
    shutil.rmtree(filestore(name), ignore_errors=True)


def exists(name):
    with cursor() as cr:
        cr.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return bool(cr.fetchone())


@contextmanager
def cursor(database="postgres"):
    """Open a cursor on a database, in one transaction."""
    connection = psycopg2.connect(dbname=database)
    try:
        with connection, connection.cursor() as cr:
            yield cr
    finally:
        connection.close()


def execute(statement, *names):
    """Execute a statement about databases, which cannot be part of a transaction."""
    with closing(psycopg2.connect(dbname="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cr:
            cr.execute(SQL(statement).format(*map(Identifier, names)))


def mark(name, *more):
    """Write into a database's comment that the scripts made it, and perhaps more."""
    with cursor() as cr:
        cr.execute(SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), Literal("\n".join([MARK, *more]))))


def odoo(*arguments):
    run([ODOO, *arguments], "correct what the lines above name.", log="odoo.log")
