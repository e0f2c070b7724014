"""The PostgreSQL of this checkout: the user's own server, or a private cluster reached by a socket.

The private cluster runs while at least one command uses it; the last one stops it.
"""

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from .cluster import USER, Cluster, copy_programs, may_enter, name_of
from .paths import POSTGRES
from .progress import Failure, step

OWN_SERVER = ("PGHOST", "PGHOSTADDR", "PGSERVICE")


@contextmanager
def running():
    """Provide a server during the block; libpq's environment variables name it."""
    if is_own():
        check_own_server()
        yield
        return
    make_folder()
    with (POSTGRES / "users.lock").open("w") as users:
        with changing_state():
            ensure_started()
            fcntl.flock(users, fcntl.LOCK_SH)
        before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
        os.environ.update(variables(private_cluster()))
        try:
            yield
        finally:
            # later code must not take this server, which may be stopped now, for one of the user's
            for name in ("PGHOST", "PGUSER"):
                del os.environ[name]
            os.environ.update(before)
            with changing_state():
                stop_unless_used(users)


@contextmanager
def copied(name):
    """Provide a copy of the private cluster, with all its databases, during the block.

    The block may do anything with that server.

    :param name: name of its folder
    :return: the :class:`Cluster`
    """
    # it does not wait for the disk: data that the operating system has outlive all but a crash of
    # the machine
    copy = Cluster(POSTGRES.resolve() / name, fsync="off")
    copy.remove()
    copy.copy(private_cluster())
    try:
        copy.start()
        yield copy
    finally:
        copy.remove()


def is_own():
    """Tell whether the environment names a server of the user's own."""
    return any(os.environ.get(name) for name in OWN_SERVER)


def private_cluster():
    return Cluster(POSTGRES.resolve())


def variables(cluster):
    """Return the environment variables by which programs find a cluster."""
    return {"PGHOST": str(cluster.socket_folder), "PGUSER": USER}


def check_own_server():
    """Refuse a server that Odoo cannot work with."""
    try:
        connection = psycopg2.connect(dbname="postgres")
    except psycopg2.OperationalError as error:
        raise Failure(
            "the PostgreSQL server named by the environment does not answer.",
            f"correct {', '.join(OWN_SERVER)} and the other PG variables, or unset them to get a private server.",
            str(error).strip().splitlines(),
        ) from error
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
        role, may_create = cursor.fetchone()
    connection.close()
    if role == "postgres" or not may_create:
        raise Failure(
            f"Odoo cannot work as the PostgreSQL role {role}.",
            "make another one (CREATE ROLE odoo LOGIN CREATEDB) and set PGUSER=odoo.",
            ["Odoo refuses the role postgres" if may_create else f"{role} may not create databases"],
        )


def make_folder():
    """Create the cluster's folder.

    It lies elsewhere, and is linked, if the cluster's owner cannot enter the checkout.
    """
    if POSTGRES.exists():
        return
    POSTGRES.unlink(missing_ok=True)
    if may_enter():
        POSTGRES.mkdir()
        return
    folder = Path("/var/lib") / name_of(POSTGRES)
    shutil.rmtree(folder, ignore_errors=True)
    copy_programs(folder)
    POSTGRES.symlink_to(folder)


@contextmanager
def changing_state():
    """Make sure that one command at a time starts or stops the cluster."""
    with (POSTGRES / "state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_started():
    cluster = private_cluster()
    if not cluster.exists():
        with step("PostgreSQL: a private cluster"):
            cluster.create()
    if not cluster.is_running():
        cluster.start()


def stop_unless_used(users):
    """Stop the cluster if no other command holds the lock `users`."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    private_cluster().stop()
