"""Check whether the database is the original or a copy: workers serve no copy."""

from .sql import AnyCursor
from .workers import end_copied_workers

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection

# A restored or duplicated database has another oid or name. If Odoo made the copy, it has a new
# uuid
_IDENTITY = """
    SELECT concat_ws(' ', parameter.value, database.oid, database.datname)
    FROM pg_database database LEFT JOIN ir_config_parameter parameter ON parameter.key = 'database.uuid'
    WHERE database.datname = current_database()
"""


def is_original(cr: AnyCursor) -> bool:
    """Tell whether the database is the original, and not a copy.

    The original is the database where the addon was installed, or the one that somebody has
    declared to be the production database.
    """
    cr.execute(
        f"SELECT EXISTS (SELECT FROM ir_config_parameter WHERE key = 'jobs_queue.database' AND value = ({_IDENTITY}))"
    )
    return cr.fetchone()[0]


def remember(cr: AnyCursor) -> None:
    """Store which database this is, unless that is stored already.

    So an update of the addon in a copy does not make the copy the original. It runs in the caller's
    transaction: if that is rolled back, the database is not remembered, and nothing runs.
    """
    cr.execute(
        f"INSERT INTO ir_config_parameter (key, value) VALUES ('jobs_queue.database', ({_IDENTITY})) ON CONFLICT (key) DO NOTHING"
    )


def adopt(cr: AnyCursor) -> None:
    """Store that this database is the original from now on; runs in the caller's transaction.

    A copy has taken over running jobs and their workers. They are ended here. Nothing serves a
    copy, so its leases are those of the original.
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
    """Return the reason why no worker may serve the cursor's database, or None."""
    cr.execute("SELECT to_regclass('ir_module_module')")
    if cr.fetchone()[0]:
        cr.execute("SELECT state FROM ir_module_module WHERE name = 'jobs_queue'")
    row = cr.fetchone()
    if not row or row[0] != "installed":
        return "the addon jobs_queue is not installed"
    if not is_original(cr):
        return "it is a copy of another database; a button on the screen of workers makes it the production database"
    return None
