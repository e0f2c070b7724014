"""Attack: an administrator sets time-outs for two databases.

These are the database of the jobs, and the database of the workers' control connection.
"""

from psycopg2.sql import SQL, Identifier, Literal

from ..attack import LastingAttack
from ..superuser import execute

#: Time-outs: longer than the short jobs take, shorter than the long ones
SETTINGS = {
    "idle_session_timeout": "1s",
    "idle_in_transaction_session_timeout": "1s",
    "transaction_timeout": "2s",
    "statement_timeout": "1s",
    "lock_timeout": "500ms",
}


class Timeouts(LastingAttack):
    name = "time-outs set by an administrator"
    weight = 4
    seconds = 10

    def begin(self):
        self._setting = self.run.chance.choice(list(SETTINGS))
        self._set(SQL("SET {} = {}").format(Identifier(self._setting), Literal(SETTINGS[self._setting])))

    def stop(self):
        self._set(SQL("RESET {}").format(Identifier(self._setting)))

    def _set(self, change):
        for dbname in (self.run.dbname, "postgres"):
            execute(SQL("ALTER DATABASE {} {}").format(Identifier(dbname), change))
        # it holds for new connections only, so the present ones are ended
        self.run.observer.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
