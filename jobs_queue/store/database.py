"""Tell the original database from a copy: it must not do anything by itself."""

from .sql import AnyCursor
from .workers import end_copied_workers

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection

# A restored or duplicated database has another oid or name, and a new uuid if Odoo made the copy
_IDENTITY = """
    SELECT concat_ws(' ', parameter.value, database.oid, database.datname)
    FROM pg_database database LEFT JOIN ir_config_parameter parameter ON parameter.key = 'database.uuid'
    WHERE database.datname = current_database()
"""


def is_original(cr: AnyCursor) -> bool:
    """Tell whether the database is the one where the addon was installed, or that somebody has said to be the production database."""
    cr.execute(
        f"SELECT EXISTS (SELECT FROM ir_config_parameter WHERE key = 'jobs_queue.database' AND value = ({_IDENTITY}))"
    )
    return cr.fetchone()[0]


def remember_database(cr: AnyCursor) -> None:
    """Store which database this is, unless that is stored: an update of the addon in a copy does not make it the original.

    In the transaction of the caller: if it is rolled back, the database is not remembered, and nothing runs.
    """
    cr.execute(
        f"INSERT INTO ir_config_parameter (key, value) VALUES ('jobs_queue.database', ({_IDENTITY})) ON CONFLICT (key) DO NOTHING"
    )


def adopt_database(cr: AnyCursor) -> None:
    """Store that this database is the original from now on; in the transaction of the caller.

    What a copy has taken over of running jobs and their workers is ended here. Nothing serves a copy: its leases are those of the original.
    """
    if is_original(cr):
        return
    end_copied_workers(cr)
    cr.execute(
        f"""
        INSERT INTO ir_config_parameter (key, value) VALUES ('jobs_queue.database', ({_IDENTITY}))
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """
    )


def reason_not_to_serve(cr: AnyCursor) -> str | None:
    """Return why no worker may serve the cursor's database, or None."""
    cr.execute("SELECT to_regclass('ir_module_module')")
    if cr.fetchone()[0]:
        cr.execute("SELECT state FROM ir_module_module WHERE name = 'jobs_queue'")
    row = cr.fetchone()
    if not row or row[0] != "installed":
        return "the addon jobs_queue is not installed"
    if not is_original(cr):
        return "it is a copy of another database; a button on the screen of workers makes it the production database"
    return None
