"""Limits of channels (capacity, rate, order, holds), and the shares of channels in a claim."""

from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from ..seconds import as_seconds
from ..texts import REASON, storable
from .sql import BRIEFLY, NOW, UNHURRIED, AnyCursor, is_in_order, is_leased
from .trouble import LEFT_OUT

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


class Share(NamedTuple):
    """The share of a channel in a claim.

    :ivar jobs: number of jobs that the claim should take from the channel
    :ivar is_limited: whether this channel or one above it has a limit
    :ivar is_sequential: whether this channel or one above it is sequential
    """

    channel_id: int
    jobs: int
    is_limited: bool
    is_sequential: bool


def _is_valid(hold: str) -> str:
    """Return the condition that a hold is valid; one without a date is, until it is released."""
    return f"({hold}.date_until IS NULL OR {hold}.date_until > {NOW})"


def _is_limited(channel: str) -> str:
    """Return the condition that a channel has a limit of its own."""
    return f"({channel}.capacity > 0 OR {channel}.rate > 0 OR {channel}.is_sequential)"


def _tokens(channel: str, bucket: str) -> str:
    """Return the expression for the tokens in a channel's bucket now.

    The bucket is filled evenly, with ``rate`` tokens in a period, and never holds more than the
    tokens of one period.
    """
    return f"""LEAST({channel}.rate, {bucket}.tokens
    + {channel}.rate * GREATEST(0, extract(epoch FROM {NOW} - {bucket}.date_filled))::float8 / {channel}.rate_period)"""


# For each channel with a limit of its own: the number of jobs of it and the channels below it that
# may still start now. Jobs that run together as one call share one lease and take one place
ROOM = f"""
    SELECT above.parent_path, LEAST(
        CASE WHEN above.is_sequential THEN 1 ELSE NULLIF(above.capacity, 0) END - (
            SELECT count(DISTINCT job.lease_token) FROM queue_job job JOIN queue_job_channel below ON below.id = job.channel_id
            WHERE {is_leased("job")} AND starts_with(below.parent_path, above.parent_path)
        ),
        CASE WHEN above.rate > 0 THEN floor(COALESCE({_tokens("above", "bucket")}, above.rate))::bigint END
    ) AS jobs
    FROM queue_job_channel above LEFT JOIN queue_job_channel_bucket bucket ON bucket.channel_id = above.id
    WHERE {_is_limited("above")}
"""


def _oldest(channel: str) -> str:
    """Return the query of the oldest job of a sequential channel and the channels below it.

    The job is runnable, failed, or between two tries. For each state the index gives the oldest
    job. If the order were by id, the planner would walk the primary key, through all jobs that have
    ended. It finds id::bigint only in the index with that order.
    """
    return f"""
    SELECT oldest.id, oldest.channel_id, oldest.state
    FROM queue_job_channel below, (VALUES ('pending'), ('failed'), ('scheduled')) AS one (state), LATERAL (
        SELECT id, channel_id, queue_job.state FROM queue_job
        WHERE channel_id = below.id AND queue_job.state = one.state AND {is_in_order("queue_job")}
        ORDER BY id::bigint LIMIT 1
    ) AS oldest
    WHERE starts_with(below.parent_path, {channel}.parent_path)
    ORDER BY oldest.id LIMIT 1
"""


# The next job in order below the topmost sequential channel at or above a channel. That channel
# orders all jobs below it, so the sequential channels below it need no order of their own
NEXT_IN_ORDER = f"""(
    SELECT oldest.id
    FROM (
        SELECT top.parent_path FROM queue_job_channel channel, queue_job_channel top
        WHERE channel.id = %(channel)s AND top.is_sequential AND starts_with(channel.parent_path, top.parent_path)
        ORDER BY top.parent_path LIMIT 1
    ) AS top, LATERAL ({_oldest("top")}) AS oldest
)"""


def next_in_order(cr: AnyCursor, channel_id: int) -> int | None:
    """Return the id of the next job in the sequential channel at or above a channel, or None.

    Leased jobs do not count.
    """
    cr.execute(f"SELECT {NEXT_IN_ORDER}", {"channel": channel_id})
    return cr.fetchone()[0]


# While addons are installed, updated or removed, the code in memory is not the code of the
# database. The tests of an addon run at that time, and with its code: see regardless_of_modules()
_MODULES_SETTLED = """NOT EXISTS (
        SELECT FROM ir_module_module WHERE state IN ('to install', 'to upgrade', 'to remove')
            AND current_setting('jobs_queue.regardless_of_modules', true) IS DISTINCT FROM 'on'
    )"""


def is_open(channel: str) -> str:
    """Return the condition that jobs of a channel may start at all."""
    return f"""(
    {_MODULES_SETTLED}
    AND NOT EXISTS (
        SELECT FROM queue_job_channel above WHERE above.is_paused AND starts_with({channel}.parent_path, above.parent_path)
    )
    AND NOT EXISTS (
        SELECT FROM queue_job_channel_hold hold JOIN queue_job_channel above ON above.id = hold.channel_id
        WHERE {_is_valid("hold")} AND starts_with({channel}.parent_path, above.parent_path)
    )
)"""


# The next job in order below each topmost sequential channel
_SEQUENTIAL = f"""
    SELECT top.parent_path, oldest.channel_id, oldest.state
    FROM queue_job_channel top, LATERAL ({_oldest("top")}) AS oldest
    WHERE top.is_sequential AND NOT EXISTS (
        SELECT FROM queue_job_channel above
        WHERE above.is_sequential AND above.id <> top.id AND starts_with(top.parent_path, above.parent_path)
    )
"""


def _shares_query(room: str, sequential: str, runnable: str = "state = 'pending'") -> str:
    return f"""
        {BRIEFLY}
        WITH room AS MATERIALIZED ({room}),
        sequential AS MATERIALIZED ({sequential}),
        channel AS MATERIALIZED (
            SELECT channel.id, channel.weight, -ln(1 - random()) AS chance, below.room, below.is_sequential
            FROM queue_job_channel channel, LATERAL (
                SELECT
                    (SELECT min(jobs) FROM room WHERE starts_with(channel.parent_path, room.parent_path)) AS room,
                    (SELECT oldest.channel_id = channel.id AND oldest.state = 'pending'
                     FROM sequential oldest WHERE starts_with(channel.parent_path, oldest.parent_path)) AS is_sequential
            ) AS below
            WHERE {is_open("channel")} AND COALESCE(below.room > 0, true) AND COALESCE(below.is_sequential, true)
        )
        SELECT id, count(*), room IS NOT NULL, is_sequential IS NOT NULL
        FROM (
            SELECT channel.id, channel.room, channel.is_sequential, turn
            FROM channel, LATERAL (
                SELECT row_number() OVER (ORDER BY priority, ready_seq) - 1 AS place FROM queue_job job
                WHERE {runnable} AND channel_id = channel.id
                ORDER BY priority, ready_seq
                LIMIT %(limit)s
            ) AS job, LATERAL (SELECT (job.place + channel.chance) / channel.weight AS turn) AS turns
            WHERE COALESCE(job.place < channel.room, true)
            ORDER BY turn
            LIMIT %(limit)s
        ) AS chosen
        GROUP BY id, room, is_sequential
        ORDER BY min(turn)
    """


def regardless_of_modules(cr: AnyCursor, value: bool) -> None:
    """Let the cursor's transaction lease jobs although addons are to be changed; for tests.

    To be changed means to be installed, updated or removed.

    :param value: False: the transaction leases no such jobs any more
    """
    cr.execute("SELECT set_config('jobs_queue.regardless_of_modules', %s, true)", ("on" if value else "off",))


_SHARES = _shares_query(ROOM, _SEQUENTIAL)

# Rows that are left out must not fill the heads of their channels
_SHARES_OF_OTHERS = _shares_query(ROOM, _SEQUENTIAL, "state = 'pending' AND id <> ALL(%(left_out)s)")

# Most often no channel has a limit. Then the parts of the query that count leases and find the
# oldest jobs are not even planned: planning them takes longer than the rest of the claim. A limit
# that is set between the two statements holds from the next claim on, like a limit that is set a
# moment later
_SHARES_WITHOUT_LIMITS = _shares_query(
    "SELECT ''::varchar AS parent_path, 0::bigint AS jobs WHERE false",
    "SELECT ''::varchar AS parent_path, 0 AS channel_id, ''::varchar AS state WHERE false",
)


def shares(cr: AnyCursor, limit: int) -> tuple[list[Share], list[int]]:
    """Divide a claim of up to ``limit`` jobs among the channels that have runnable jobs.

    Channels take turns by weight. The n-th job of a channel has the turn (n - 1 + chance) / weight,
    and the first turns win. So a channel full of jobs does not keep the first job of another
    channel waiting, however few jobs are asked for and whichever worker asks. Nothing has to be
    remembered: chance comes from the exponential distribution, so the first turn falls to each
    channel in proportion to its weight. Priority orders the jobs of one channel.

    Nothing is locked. The shares say where to look, and the claim counts again where a limit has to
    hold. In each channel only the head of the ready index is read.

    :return: the shares, the first turn first; and the ids of the jobs that are left out, see
        ``trouble.py``
    """
    cr.execute(f"SELECT EXISTS (SELECT FROM queue_job_channel above WHERE {_is_limited('above')}), {LEFT_OUT}")
    has_limits, left_out = cr.fetchone()
    query = _SHARES_OF_OTHERS if left_out else _SHARES if has_limits else _SHARES_WITHOUT_LIMITS
    cr.execute(query, {"limit": limit, "left_out": left_out})
    return [Share._make(row) for row in cr.fetchall()], left_out


def lock_limits(cr: AnyCursor, channel_id: int) -> None:
    """Lock the limits at and above a channel in a fixed order, until the end of the transaction.

    The channels' own rows are locked with NO KEY UPDATE. Claims never change these rows. So a user
    who edits a channel waits for a moment, and gets no error about another transaction.
    """
    cr.execute(
        f"""
        WITH {UNHURRIED}
        SELECT above.id FROM unhurried, queue_job_channel channel, queue_job_channel above
        WHERE channel.id = %s AND {_is_limited("above")} AND starts_with(channel.parent_path, above.parent_path)
        ORDER BY above.id
        FOR NO KEY UPDATE OF above
        """,
        (channel_id,),
    )


def spend_tokens(cr: AnyCursor, channel_id: int, jobs: int) -> None:
    """Take a token for each leased job from the buckets at and above a channel.

    The limits of these channels are locked.
    """
    cr.execute(
        f"""
        INSERT INTO queue_job_channel_bucket AS bucket (channel_id, tokens, date_filled)
        SELECT above.id, above.rate - %(jobs)s, {NOW} FROM queue_job_channel channel, queue_job_channel above
        WHERE channel.id = %(channel)s AND above.rate > 0 AND starts_with(channel.parent_path, above.parent_path)
        ON CONFLICT (channel_id) DO UPDATE SET (tokens, date_filled) = (
            SELECT {_tokens("above", "bucket")} - %(jobs)s, {NOW} FROM queue_job_channel above WHERE above.id = bucket.channel_id
        )
        """,
        {"channel": channel_id, "jobs": jobs},
    )


def give_back_tokens(jobs: str) -> str:
    """Return the part of a statement that gives back what :func:`spend_tokens` took for some jobs.

    :param jobs: the part of that statement with these jobs; they have not started
    """
    return f"""
    UPDATE queue_job_channel_bucket bucket SET tokens = LEAST(above.rate, bucket.tokens + above.jobs)
    FROM (
        SELECT above.id, above.rate, count(*) AS jobs
        FROM {jobs}, queue_job_channel channel, queue_job_channel above
        WHERE channel.id = {jobs}.channel_id AND above.rate > 0 AND starts_with(channel.parent_path, above.parent_path)
        GROUP BY above.id, above.rate
    ) AS above
    WHERE bucket.channel_id = above.id
"""


def hold(
    cr: AnyCursor,
    channel_id: int | None,
    holder: str,
    reason: object,
    seconds: float | Decimal | timedelta | None = None,
) -> None:
    """Stop the start of further jobs of a channel and the channels below it, for a time.

    The holds of other holders do not matter. A hold is a row of its own beside the channel's row,
    as users edit that one. A channel that other transactions do not see yet is not held.

    :param channel_id: None: nothing is held
    :param holder: the owner of the hold; each has one hold on a channel, and the newest one counts
    :param reason: shown to the user; any object that becomes text; a long text is cut
    :param seconds: from now, a year at most; None: until :func:`release_holds`
    :raise ValueError: the seconds are no finite number
    """
    if seconds is not None:
        seconds = as_seconds(seconds, "seconds", clamp=True)
    cr.execute(
        f"""
        INSERT INTO queue_job_channel_hold (channel_id, holder, reason, date_until)
        SELECT id, %(holder)s, %(reason)s, {NOW} + %(seconds)s * interval '1 second' FROM queue_job_channel WHERE id = %(channel)s
        ON CONFLICT (channel_id, holder) DO UPDATE SET reason = excluded.reason, date_until = excluded.date_until
        """,
        {
            "channel": channel_id,
            "holder": holder,
            "reason": storable("" if reason is None else reason, REASON),
            "seconds": seconds,
        },
    )


def release_holds(cr: AnyCursor, channel_id: int, holder: str | None = None, but: str = "") -> None:
    """Release holds of a channel.

    :param holder: whose hold; None: those of all holders
    :param but: the holder whose hold stays
    """
    cr.execute(
        "DELETE FROM queue_job_channel_hold WHERE channel_id = %s AND holder = COALESCE(%s, holder) AND holder <> %s",
        (channel_id, holder, but),
    )


def held(cr: AnyCursor, channel_id: int) -> tuple[str, str] | None:
    """Return the hold because of which the jobs of a channel do not start now, or None.

    :return: ``(reason, complete name of the held channel)``
    """
    cr.execute(
        f"""
        SELECT hold.reason, above.complete_name
        FROM queue_job_channel channel, queue_job_channel above JOIN queue_job_channel_hold hold ON hold.channel_id = above.id
        WHERE channel.id = %s AND {_is_valid("hold")} AND starts_with(channel.parent_path, above.parent_path)
        ORDER BY hold.date_until DESC LIMIT 1
        """,
        (channel_id,),
    )
    return cr.fetchone()


def seconds_to_next_token(cr: AnyCursor) -> float | None:
    """Return the seconds until a channel that has used up its rate may start a job, or None.

    The result is not less than a fifth of a second. A bucket takes at least a second to fill, so no
    token is lost by that.
    """
    cr.execute(
        f"""
        SELECT min(GREATEST(0.2, (1 - tokens) * rate_period / rate))::float8
        FROM (
            SELECT above.parent_path, above.rate, above.rate_period, {_tokens("above", "bucket")} AS tokens
            FROM queue_job_channel above JOIN queue_job_channel_bucket bucket ON bucket.channel_id = above.id
            WHERE above.rate > 0
        ) AS above
        WHERE tokens < 1 AND EXISTS (
            SELECT FROM queue_job_channel below, LATERAL (
                SELECT FROM queue_job job WHERE job.state = 'pending' AND job.channel_id = below.id LIMIT 1
            ) AS waiting
            WHERE starts_with(below.parent_path, above.parent_path)
        )
        """
    )
    return cr.fetchone()[0]
