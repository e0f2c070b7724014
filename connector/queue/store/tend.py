"""What any worker does for all, and what it repeats in case another one died before it came to it."""

from .sql import NOW, RUNNABLE

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection


def schedule_due(cr):
    """Make jobs runnable whose time has come, a page at a time; return how many.

    SKIP LOCKED: workers that do this at the same time share the work instead of waiting.
    """
    cr.execute(
        f"""
        UPDATE queue_job job SET {RUNNABLE}
        FROM (
            SELECT id FROM queue_job WHERE state = 'scheduled' AND eta <= {NOW}
            ORDER BY eta LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
        ) AS due
        WHERE job.id = due.id
        """
    )
    return cr.rowcount


def seconds_to_next_eta(cr):
    """Return how many seconds there are until the next scheduled job, or None if there is none."""
    cr.execute(f"SELECT extract(epoch FROM min(eta) - {NOW})::float8 FROM queue_job WHERE state = 'scheduled'")
    return cr.fetchone()[0]


def count_runnable(cr):
    """Return how many jobs could run now, counted to a thousand."""
    cr.execute("SELECT count(*) FROM (SELECT FROM queue_job WHERE state = 'pending' LIMIT 1000) AS runnable")
    return cr.fetchone()[0]
