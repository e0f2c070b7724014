"""Attack: the disk of the database is full.

The database lies on a small file system of its own, where one can be mounted.
"""

import os
import shutil
import subprocess
from contextlib import suppress

from psycopg2.sql import SQL, Identifier, Literal

from scripts import cluster, databases

from ..attack import LastingAttack
from ..superuser import execute

TABLESPACE = "connector_chaos"
BYTES_A_JOB = 50_000  # of tables and indexes, dead rows among them
BLOCK = bytes(1 << 20)


class FullDisk(LastingAttack):
    name = "disk full"
    weight = 4
    seconds = 6

    def prepare(self):
        self._folder = self.run.cluster.folder / "small disk"
        self.clear()
        if not self._mount():
            return False
        execute(
            SQL("CREATE TABLESPACE {} OWNER {} LOCATION {}").format(
                Identifier(TABLESPACE), Identifier(cluster.USER), Literal(str(self._folder / "tables"))
            )
        )
        databases.execute("ALTER DATABASE {} SET TABLESPACE {}", self.run.dbname, TABLESPACE)
        return True

    def _mount(self):
        self._folder.mkdir()
        with databases.cursor(self.run.dbname) as cr:
            cr.execute("SELECT pg_database_size(current_database())")
            size = 2 * cr.fetchone()[0] + BYTES_A_JOB * self.run.jobs
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self._folder], capture_output=True, text=True
        )
        if mounted.returncode:
            print(f"  No small file system can be mounted, so no disk is filled: {mounted.stderr.strip()}")
            return False
        (self._folder / "tables").mkdir()
        shutil.chown(self._folder / "tables", *cluster.owner())
        return True

    def begin(self):
        with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(BLOCK)

    def stop(self):
        self._ballast.unlink()

    @property
    def _ballast(self):
        return self._folder / "ballast"

    def clear(self):
        """Remove what the attack has set up, and drop the database, which lies there."""
        if not self._folder.exists():
            return
        databases.drop(self.run.dbname)
        execute(SQL("DROP TABLESPACE IF EXISTS {}").format(Identifier(TABLESPACE)))
        if os.path.ismount(self._folder):
            subprocess.run(["umount", self._folder], check=True)
        self._folder.rmdir()
