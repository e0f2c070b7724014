"""Verdict of a run: what must hold at its end.

Each finding is a row that must not exist.
"""

from collections import Counter
from statistics import median

from .load import LIMITED

#: Condition of jobs that have ended as they should; those that do what a job must not do may fail
ENDED = "(state IN ('done', 'cancelled') OR state = 'failed' AND function LIKE '%%.hostile_jobs.%%')"

FINDINGS = {
    "jobs that have not ended": f"SELECT id, state FROM queue_job WHERE NOT {ENDED}",
    "jobs cancelled without a twin that was done": """
        SELECT id FROM queue_job job WHERE state = 'cancelled' AND NOT EXISTS (
            SELECT FROM queue_job twin WHERE twin.identity_key = job.identity_key AND twin.state = 'done'
        )
    """,
    "jobs done without their effect": """
        SELECT id FROM queue_job job WHERE state = 'done' AND description IS NOT NULL
            AND NOT EXISTS (SELECT FROM test_effect effect WHERE effect.name = job.description)
    """,
    "effects that are there twice": "SELECT name FROM test_effect GROUP BY name HAVING count(*) > 1",
    "effects of jobs that are not done": """
        SELECT name FROM test_effect effect
        WHERE NOT EXISTS (SELECT FROM queue_job job WHERE job.description = effect.name AND job.state = 'done')
    """,
    "jobs done twice": "SELECT job_id FROM queue_job_attempt WHERE outcome = 'done' GROUP BY 1 HAVING count(*) > 1",
    "jobs with a lease": "SELECT id FROM queue_job WHERE worker_id IS NOT NULL OR lease_token IS NOT NULL",
    "jobs that began before those they wait for": """
        SELECT edge.child_id, edge.parent_id FROM queue_job_dependency edge
        JOIN queue_job parent ON parent.id = edge.parent_id
        JOIN queue_job_attempt attempt ON attempt.job_id = edge.child_id
        WHERE attempt.date_started < parent.date_done
    """,
    "edges to stored jobs that nobody has checked": "SELECT parent_id, child_id FROM queue_job_dependency WHERE is_unchecked",
    "jobs of the sequential channel out of order": """
        SELECT id FROM (
            SELECT job.id, date_done, lag(date_done) OVER (ORDER BY job.id) AS before
            FROM queue_job job JOIN queue_job_channel channel ON channel.id = job.channel_id WHERE channel.is_sequential
        ) AS ordered WHERE date_done < before
    """,
    "tries counted for want of means": """
        SELECT job_id, message FROM queue_job_attempt WHERE outcome IN ('retry', 'failed', 'lost')
            AND message ~* 'connection slots|too many clients|pool is full|no space left|could not extend'
    """,
    "workers left": "SELECT host, pid FROM queue_worker",
}

# For each key, the most tries that ran when one of its tries began, itself among them
_TRIES_AT_ONCE = """
    SELECT name, max(tries) FROM (
        SELECT one.name, count(*) AS tries FROM try one JOIN try other ON other.name = one.name
            AND other.date_started <= one.date_started AND one.date_started < other.date_ended
        GROUP BY one.name, one.id
    ) AS counted GROUP BY name
"""
_TRIES = f"""
    WITH try AS (
        SELECT attempt.id, attempt.date_started, attempt.date_ended,
            COALESCE(job.concurrency_key, job.identity_key, channel.complete_name) AS name
        FROM queue_job_attempt attempt JOIN queue_job job ON job.id = attempt.job_id
        JOIN queue_job_channel channel ON channel.id = job.channel_id
        WHERE job.concurrency_key IS NOT NULL OR job.identity_key IS NOT NULL OR channel.complete_name = ANY(%s)
    )
    {_TRIES_AT_ONCE}
"""


def findings(observer, log):
    """Return ``{what must not be: list of the cases found}``.

    :param observer: the :class:`~chaos.observer.Observer` of the attack
    :param log: path of the file in which each job has left its line
    """
    found = {name: observer.rows(query) for name, query in FINDINGS.items()}
    lines = set(log.read_text().splitlines())
    done = observer.rows("SELECT description FROM queue_job WHERE state = 'done' AND description IS NOT NULL")
    found["jobs done without their line outside"] = [name for (name,) in done if name not in lines]
    found["limits exceeded by leases"] = exceeded(observer.most_leases)
    found["limits exceeded by tries"] = exceeded(dict(observer.rows(_TRIES, [list(LIMITED)])))
    return found


def exceeded(most):
    """Return the channels and keys that have exceeded their limit, with their numbers.

    ``most`` has the largest number of each that was seen at once. The limit of a key is one.
    """
    is_key = ("key ", "twin ")
    limits = Counter({**{name: 1 for name in most if name.startswith(is_key)}, **LIMITED})
    return [(name, number) for name, number in most.items() if name in limits and number > limits[name]]


def in_words(seconds):
    """Return in words the median and the longest of several durations, given in seconds."""
    if not seconds:
        return "not seen"
    return f"median {median(seconds):.2f} s, longest {max(seconds):.2f} s, of {len(seconds)}"
