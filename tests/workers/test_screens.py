"""Screens of the queue, with several connections and with real workers."""

import contextlib

from odoo.addons.jobs_queue import mass_change, store
from odoo.addons.jobs_queue.graph import chain
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.connection import connect


def let_fail(database, number):
    """Insert failed jobs, and return their ids."""
    with contextlib.closing(connect(database.name)) as connection, connection.cursor() as cr:
        cr.execute(
            """
            INSERT INTO queue_job (function, payload, state, channel_id, priority, retry, max_retries, su, user_id, message, date_done)
            SELECT 'odoo.addons.test_connector.jobs.do_nothing', '{"args":[],"kwargs":{}}', 'failed',
                   (SELECT id FROM queue_job_channel WHERE parent_id IS NULL), 10, 1, 5, true, 1, 'The shop refuses the key',
                   clock_timestamp() AT TIME ZONE 'UTC'
            FROM generate_series(1, %s) RETURNING id
            """,
            (number,),
        )
        return [id_ for (id_,) in cr.fetchall()]


def test_u1_a_job_that_somebody_has_locked_does_not_hold_up_the_others_and_is_told(database, jobs):
    ids = let_fail(database, 5)
    with contextlib.closing(connect(database.name)) as other, other.cursor() as cr:
        cr.execute("BEGIN; SELECT FROM queue_job WHERE id = %s FOR UPDATE", (ids[2],))
        told = database.commit(lambda env: env["queue.job"].browse(ids).button_requeue())["params"]
    assert told["message"] == "Jobs requeued: 4 of 5. Left as they were, being locked, changed or deleted meanwhile: 1."
    assert database.value("SELECT array_agg(id) FROM queue_job WHERE state = 'failed'") == [ids[2]]


def test_u1_a_job_that_waits_for_a_changed_one_and_that_somebody_has_locked_does_not_hold_up_the_press(database, jobs):
    def delay(env):
        session = ConnectorSession.from_env(env)
        chain(*(jobs.do_nothing.delayable(session, None) for _step in range(2))).delay()

    database.commit(delay)
    parent, child = (id_ for (id_,) in database.rows("SELECT id FROM queue_job ORDER BY id"))
    with contextlib.closing(connect(database.name)) as other, other.cursor() as cr:
        # the lock ends after a time, so that a press that waits for it ends, too
        cr.execute("SET idle_in_transaction_session_timeout = '10s'")
        cr.execute("BEGIN; SELECT FROM queue_job WHERE id = %s FOR UPDATE", (child,))
        told = database.commit(lambda env: env["queue.job"].browse(parent).button_done())["params"]
        cr.execute("ROLLBACK")
    assert told["message"] == "Jobs set to done: 1 of 1."
    with contextlib.closing(connect(database.name)) as raw, raw.cursor() as cr:
        store.dependencies.release_forgotten(cr)
    assert database.value("SELECT state FROM queue_job WHERE id = %s", child) == "pending"


def test_u2_workers_group_what_has_failed_where_no_scheduled_action_runs(database, jobs, worker, wait_until):
    let_fail(database, 3)
    worker()
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE failure_id IS NULL"))
    assert database.rows("SELECT name, count FROM queue_job_failure") == [("The shop refuses the key", 3)]


def test_u2_who_looks_sees_what_failed_before_the_request_began(database, jobs):
    let_fail(database, 3)

    def look(env):
        # the snapshot of the request begins here
        env.cr.execute("SELECT count(*) FROM queue_job")
        return env["queue.job.failure"].web_search_read([("job_ids.state", "=", "failed")], {"failed_count": {}})

    found = database.commit(look)
    assert [record["failed_count"] for record in found["records"]] == [3]


def test_u1_a_job_that_has_failed_anew_since_the_press_is_left_alone(database, jobs, monkeypatch):
    ids = let_fail(database, 6)
    requeue = store.actions.requeue

    def requeue_while_one_fails_anew(cr, chunk):
        if ids[0] in chunk:
            with contextlib.closing(connect(database.name)) as other, other.cursor() as other_cr:
                other_cr.execute(
                    "UPDATE queue_job SET date_done = clock_timestamp() AT TIME ZONE 'UTC' + interval '2 s' WHERE id = %s",
                    (ids[4],),
                )
        return requeue(cr, chunk)

    monkeypatch.setattr(store.actions, "requeue", requeue_while_one_fails_anew)
    monkeypatch.setattr(mass_change, "FIRST_CHUNK", 2)
    monkeypatch.setattr(mass_change, "LARGEST_CHUNK", 2)
    told = database.commit(lambda env: env["queue.job"].browse(ids).button_requeue())["params"]
    assert told["message"] == "Jobs requeued: 5 of 6. Left as they were, being locked, changed or deleted meanwhile: 1."
    assert database.value("SELECT array_agg(id) FROM queue_job WHERE state = 'failed'") == [ids[4]]
