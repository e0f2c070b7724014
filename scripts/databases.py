"""Databases of Odoo: templates that are made once, copies of them in two seconds."""

import ast
import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2.sql import SQL, Identifier, Literal

from odoo import release

from .paths import ADDONS, HOME, ODOO, ROOT
from .programs import run
from .progress import Failure, step

MARK = f"Made by the scripts of {ROOT}"  # a database's comment; others are never dropped
SHOP = ("product", "contacts")  # with Odoo's demo data, the external system of the tests and the demo


def template(modules=None, demo=False):
    """Have a database with Odoo's modules installed, to be copied by :func:`create`, and return its name.

    It is made anew for each version of Odoo.

    :param modules: names of modules; by default those that the addons depend on
    """
    modules = sorted(set(modules or odoo_modules()))
    content = hashlib.sha256(repr((odoo_version(), modules, demo, str(ROOT))).encode()).hexdigest()
    name = f"template_{'_'.join(modules)[:30]}_{content[:8]}"
    with (HOME / "templates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not exists(name):
            with step(f"Template database with {', '.join(modules)}{' and demo data' if demo else ''}"):
                part = f"{name}_part"
                drop(part)
                install(part, modules, "--with-demo" if demo else "--without-demo=all")
                mark(part)
                odoo("db", "rename", part, name)
                with cursor() as cr:  # hides it from Odoo's list of databases
                    cr.execute(SQL("ALTER DATABASE {} IS_TEMPLATE true").format(Identifier(name)))
    return name


def odoo_modules():
    """The modules of Odoo that the addons depend on."""
    manifests = [ast.literal_eval((ROOT / addon / "__manifest__.py").read_text()) for addon in ADDONS]
    return {module for manifest in manifests for module in manifest["depends"]} - set(ADDONS)


def odoo_version():
    """What changes with each Odoo: the commit of a clone, else the date of the files."""
    folder = Path(release.__file__).parent.parent
    git = ["git", "-C", folder, "rev-parse", "HEAD"]
    if (folder / ".git").exists():
        return run(git, "install git, or have ODOO_HOME be an Odoo without .git.").strip()
    return f"{folder} {Path(release.__file__).stat().st_mtime_ns}"


def create(name, template):
    """Make a database as a copy of a template; one of this checkout with that name is replaced.

    :raise Failure: the name is taken by a database that the scripts did not make
    """
    drop(name)
    odoo("db", "duplicate", template, name)
    mark(name)


def install(name, modules, *options):
    """Install addons in a database, which is created if it does not exist."""
    odoo("--database", name, "--init", ",".join(modules), "--stop-after-init", "--no-http", *options)


def drop(name):
    """Drop a database that the scripts made, if it exists."""
    if not exists(name):
        return
    with cursor() as cr:
        cr.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        (comment,) = cr.fetchone()
    # A template that was not finished has no mark yet, and a name that nobody else gives.
    if comment != MARK and not (name.startswith("template_") and name.endswith("_part")):
        raise Failure(
            f"the database {name} exists, and these scripts did not make it.",
            "rename or drop it, or unset PGHOST to get a private server.",
        )
    odoo("db", "drop", name)


def exists(name):
    with cursor() as cr:
        cr.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return bool(cr.fetchone())


@contextmanager
def cursor(database="postgres"):
    """A cursor on a database, in one transaction."""
    connection = psycopg2.connect(dbname=database)
    try:
        with connection, connection.cursor() as cr:
            yield cr
    finally:
        connection.close()


def mark(name):
    with cursor() as cr:
        cr.execute(SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), Literal(MARK)))


def odoo(*arguments):
    run([ODOO, *arguments], "correct what the lines above name.", log="odoo.log")
