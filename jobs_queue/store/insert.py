"""Insert jobs, and create or drop the sequences of the queue."""

import json
from collections.abc import Collection
from typing import Any

from odoo.sql_db import BaseCursor

from .sql import NOW

# Only constants of this package and names of columns are formatted into the statements below
# pylint: disable=sql-injection


def create_sequences(cr: BaseCursor) -> None:
    """Create the sequences of the queue; each number is used once in the life of the database."""
    cr.execute("CREATE SEQUENCE IF NOT EXISTS queue_job_ready_seq")
    cr.execute("CREATE SEQUENCE IF NOT EXISTS queue_job_lease_token_seq")


def drop_sequences(cr: BaseCursor) -> None:
    """Drop the sequences of the queue; its tables are dropped next."""
    cr.execute("DROP SEQUENCE IF EXISTS queue_job_ready_seq, queue_job_lease_token_seq")


def insert_jobs(
    cr: BaseCursor, rows: list[dict[str, Any]], extra_columns: Collection[tuple[str, str]] = ()
) -> list[int]:
    """Insert jobs in the caller's transaction; return their ids in order.

    A job is runnable at once, from its eta on, or once the jobs for which it waits have ended. The
    statement is a plain INSERT of new rows without foreign keys: it waits for no other transaction
    and conflicts with none.

    :param rows: with the columns below; ``eta`` is an absolute time, ``eta_seconds`` one relative
        to now
    :param extra_columns: (name, SQL type) of each further column
    """
    extra_names = "".join(f", {name}" for name, _type in extra_columns)
    extra_types = "".join(f", {name} {sql_type}" for name, sql_type in extra_columns)
    cr.execute(
        f"""
        WITH stored AS (
            INSERT INTO queue_job (function, model_name, payload, context, description, channel_id, priority, max_retries, retry,
                                   identity_key, identity_policy, concurrency_key, concurrency_limit, time_limit, memory_limit,
                                   user_id, company_id, su, graph_uuid, group_key, external_id, record_name, date_created, eta, state,
                                   ready_seq{extra_names})
            SELECT function, model_name, payload, context, description, channel_id, priority, max_retries, 0,
                   identity_key, identity_policy, concurrency_key, concurrency_limit, time_limit, memory_limit,
                   user_id, company_id, su, graph_uuid, group_key, external_id, record_name, {NOW}, due.eta,
                   CASE WHEN waits THEN 'wait_dependencies' WHEN due.later THEN 'scheduled' ELSE 'pending' END,
                   CASE WHEN waits OR due.later THEN NULL ELSE nextval('queue_job_ready_seq') END{extra_names}
            FROM json_to_recordset(%(rows)s) AS job(
                    function varchar, model_name varchar, payload text, context varchar, description varchar, channel_id int,
                    priority int, max_retries int, identity_key varchar, identity_policy varchar, concurrency_key varchar,
                    concurrency_limit int, time_limit int, memory_limit int, user_id int, company_id int, su boolean,
                    graph_uuid varchar, waits boolean, group_key varchar, external_id varchar, record_name varchar,
                    eta timestamp, eta_seconds float8{extra_types}),
                 LATERAL (SELECT COALESCE(job.eta, {NOW} + make_interval(secs => job.eta_seconds)) AS eta) AS asked,
                 LATERAL (SELECT asked.eta > {NOW} IS TRUE AS later, CASE WHEN asked.eta > {NOW} THEN asked.eta END AS eta) AS due
            RETURNING id, external_id, record_name, description
        ),
        label AS (
            INSERT INTO queue_job_label (id, external_id, record_name, description)
            SELECT * FROM stored WHERE (external_id, record_name, description) IS DISTINCT FROM (NULL, NULL, NULL)
        )
        SELECT id FROM stored
        """,
        {"rows": json.dumps(rows)},
    )
    return [id_ for (id_,) in cr.fetchall()]
