"""Channel for one job at a time, with many workers that want it."""

from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.session import ConnectorSession

JOBS = 1000
LEASES = "SELECT count(*) FROM queue_job WHERE state IN ('enqueued', 'started')"

# Number of the tries that began before another one had ended
OVERLAPS = """
    SELECT count(*) FROM (
        SELECT date_started < max(date_ended) OVER (
            ORDER BY date_started, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS began_early
        FROM queue_job_attempt
    ) AS try WHERE began_early
"""


def test_eight_workers_never_lease_two_jobs_of_a_channel_with_capacity_one(database, jobs, worker, wait_until):
    def delay(env):
        env["queue.job.channel"]._ensure("root.test.one").capacity = 1
        session = ConnectorSession.from_env(env)
        delay_many(session, jobs.do_nothing, "test.effect", [()] * JOBS, channel="root.test.one")

    def all_are_done():
        leases.add(database.value(LEASES))
        return database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == JOBS

    leases = set()
    database.commit(delay)
    worker("--processes", "8")
    wait_until(all_are_done, timeout=240)
    assert database.value("SELECT count(DISTINCT worker) FROM queue_job_attempt") > 1
    assert leases <= {0, 1}
    assert database.value(OVERLAPS) == 0
