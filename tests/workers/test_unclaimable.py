"""Rows of jobs that PostgreSQL refuses to change, for an unexpected reason.

The other jobs go on.
"""

import contextlib
import secrets
import time

import psycopg2
import pytest

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.connection import connect

from scripts import databases

BAD = "bad"  # the description of jobs whose rows are refused


@pytest.fixture
def cr(database, jobs):
    """Provide a raw cursor, as that of a worker."""
    with contextlib.closing(connect(database.name)) as connection, connection.cursor() as cr:
        cr.execute("TRUNCATE queue_job_trouble")
        cr.execute("UPDATE queue_job_channel SET capacity = 0, is_sequential = false")
        yield cr


@pytest.fixture
def refuse(database):
    """Provide a function that makes a trigger raise for the rows of bad jobs.

    These are the jobs with the description ``BAD``. The trigger is dropped at the end.
    """

    def refuse(sqlstate, condition="new.state = 'enqueued'", bad=f"new.description = '{BAD}'"):
        with databases.cursor(database.name) as cr:
            cr.execute(f"""
                CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'nobody has thought of this' USING ERRCODE = '{sqlstate}'; END $$;
                DROP TRIGGER IF EXISTS refuse ON queue_job;
                CREATE TRIGGER refuse BEFORE UPDATE ON queue_job FOR EACH ROW WHEN ({bad} AND {condition}) EXECUTE FUNCTION refuse();
            """)

    yield refuse
    with databases.cursor(database.name) as cr:
        cr.execute("DROP TRIGGER IF EXISTS refuse ON queue_job")


@pytest.fixture(autouse=True)
def patient_claims(monkeypatch):
    """Let a claim go on behind refused rows, however busy the machine is."""
    monkeypatch.setattr(store.claiming, "SECONDS", 60)


@pytest.fixture
def worker_id(cr):
    return register(cr)


def register(cr):
    return store.workers.register(cr, secrets.token_hex(8), "host", 1, "command", 9, (None, None))


@pytest.fixture
def delay_bad(delay, jobs):
    def delay_bad(function=jobs.do_nothing, *args, **options):
        return delay(function, *args, description=BAD, **options)

    return delay_bad


def delay_many(database, jobs, number):
    """Delay jobs whose rows are refused."""

    def delay(env):
        for _number in range(number):
            jobs.do_nothing.delay(ConnectorSession.from_env(env), "test.effect", description=BAD)

    database.commit(delay)


def row(cr, job_id):
    cr.execute("SELECT state, message, retry FROM queue_job WHERE id = %s", [job_id])
    return cr.fetchone()


def let_minutes_pass(cr, minutes):
    """Make the notes of refused rows older, as if each row was tried again and again meanwhile."""
    cr.execute(
        "UPDATE queue_job_trouble SET date_since = date_since - %s * interval '1 minute', date_next = date_tried",
        [minutes],
    )


def claimed(cr, worker_id, limit=9):
    return {job.id for job in store.claiming.claim(cr, worker_id, limit, limit)}


@pytest.mark.parametrize("sqlstate", ["22003", "23505", "23514", "54000"])
@pytest.mark.parametrize("channel", ["free", "limited"])
def test_f1_a_row_that_cannot_be_leased_fails_with_the_reason_and_the_others_are_leased(
    cr, worker_id, refuse, delay, delay_bad, jobs, sqlstate, channel
):
    if channel == "limited":
        cr.execute("UPDATE queue_job_channel SET capacity = 5 WHERE complete_name = 'root.test'")
    refuse(sqlstate)
    first, bad, last = delay(jobs.do_nothing), delay_bad(), delay(jobs.do_nothing)
    assert claimed(cr, worker_id) == {first, last}
    state, message, tries = row(cr, bad)
    assert (state, tries) == ("failed", 0)
    assert "nobody has thought of this" in message
    cr.execute("SELECT outcome, message FROM queue_job_attempt WHERE job_id = %s", [bad])
    assert cr.fetchall() == [("failed", message)]


@pytest.mark.parametrize("sqlstate", ["P0001", "XX000", "53100", "40001", "42P01", "25006"])
def test_f1_a_row_that_is_refused_for_another_reason_is_left_out_and_says_so(
    cr, worker_id, refuse, delay, delay_bad, database, jobs, sqlstate
):
    refuse(sqlstate)
    bad, good = delay_bad(), delay(jobs.do_nothing)
    assert claimed(cr, worker_id) == {good}
    assert row(cr, bad)[0] == "pending"
    assert "nobody has thought of this" in store.trouble.claim(cr, bad)
    reason = database.commit(lambda env: env["queue.job"].browse(bad).wait_reason)
    assert "nobody has thought of this" in reason
    assert claimed(cr, worker_id) == set()


def test_f1_it_fails_after_ten_minutes_in_which_it_was_refused(cr, worker_id, refuse, delay_bad):
    refuse("P0001")
    bad = delay_bad()
    for _time in range(2):
        with pytest.raises(psycopg2.errors.RaiseException):
            claimed(cr, worker_id)
        assert row(cr, bad)[0] == "pending"
        let_minutes_pass(cr, 4)
    let_minutes_pass(cr, 2)
    with contextlib.suppress(psycopg2.Error):
        claimed(cr, worker_id)
    assert row(cr, bad)[0] == "failed"
    assert claimed(cr, worker_id) == set()


def test_f1_minutes_in_which_nothing_could_be_noted_do_not_count(cr, worker_id, refuse, delay_bad):
    refuse("P0001")
    bad = delay_bad()
    for _time in range(2):
        with pytest.raises(psycopg2.errors.RaiseException):
            claimed(cr, worker_id)
        cr.execute(
            "UPDATE queue_job_trouble SET date_since = date_since - interval '1 hour', date_tried = date_tried - interval '1 hour',"
            " date_next = date_next - interval '1 hour'"
        )
    assert row(cr, bad)[0] == "pending"


def test_f1_a_row_that_can_be_changed_again_is_leased(cr, worker_id, refuse, delay_bad):
    refuse("P0001")
    bad = delay_bad()
    with pytest.raises(psycopg2.errors.RaiseException):
        claimed(cr, worker_id)
    refuse("P0001", bad="false")
    assert claimed(cr, worker_id) == set()
    let_minutes_pass(cr, 1)
    assert claimed(cr, worker_id) == {bad}


def test_f1_a_single_row_does_not_fail_before_another_one_could_be_leased(
    cr, worker_id, refuse, delay, delay_bad, jobs
):
    refuse("23514")
    bad = delay_bad()
    with pytest.raises(psycopg2.errors.CheckViolation):
        claimed(cr, worker_id)
    assert row(cr, bad)[0] == "pending"
    good = delay(jobs.do_nothing)
    assert claimed(cr, worker_id) == {good}
    assert row(cr, bad)[0] == "failed"


def test_f1_where_nothing_can_be_written_nothing_fails(cr, worker_id, delay, jobs):
    good = delay(jobs.do_nothing)
    cr.execute("SET default_transaction_read_only = on")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        claimed(cr, worker_id)
    cr.execute("SET default_transaction_read_only = off")
    assert claimed(cr, worker_id) == {good}


def test_f1_many_refused_rows_keep_the_one_behind_them_for_a_few_claims_only(
    cr, worker_id, refuse, delay, database, jobs
):
    refuse("P0001")
    delay_many(database, jobs, 35)
    good = delay(jobs.do_nothing)
    for _time in range(4):
        with contextlib.suppress(psycopg2.errors.RaiseException):
            if claimed(cr, worker_id, limit=1) == {good}:
                return
    raise AssertionError("it was not leased")


@pytest.mark.parametrize("sqlstate", ["P0001", "23514"])
def test_f1_hundreds_of_refused_rows_do_not_stop_their_channel(
    cr, worker_id, refuse, delay, database, jobs, wait_until, sqlstate
):
    refuse(sqlstate)
    delay_many(database, jobs, 300)
    good = delay(jobs.do_nothing)
    # no claim raises: if one did, a worker would wait longer and longer
    wait_until(lambda: claimed(cr, worker_id, limit=1) == {good}, timeout=20)


@pytest.mark.parametrize("limit", [1, 9])
@pytest.mark.parametrize("capacity", [0, 5])
def test_f1_refused_rows_of_one_channel_do_not_keep_another_one_waiting(
    cr, worker_id, refuse, delay, database, jobs, limit, capacity
):
    refuse("P0001")
    delay_many(database, jobs, 20)
    cr.execute("UPDATE queue_job_channel SET capacity = %s WHERE complete_name = 'root.test'", [capacity])
    good = delay(jobs.do_nothing, channel="root")
    assert claimed(cr, worker_id, limit) == {good}


def test_f1_where_all_are_refused_the_worker_is_told_to_wait(cr, worker_id, refuse, database, jobs):
    refuse("P0001")
    delay_many(database, jobs, 25)
    with pytest.raises(psycopg2.errors.RaiseException):
        claimed(cr, worker_id)
    cr.execute("SELECT count(*) FROM queue_job_trouble")
    assert cr.fetchone() == (25,)


def test_f1_a_key_that_is_too_long_for_an_index_is_cut_where_its_job_fails(cr, worker_id, delay, jobs):
    bad, good = delay(jobs.do_nothing), delay(jobs.do_nothing)
    key = secrets.token_hex(3000)
    cr.execute("UPDATE queue_job SET concurrency_key = %s, concurrency_limit = 1 WHERE id = %s", [key, bad])
    assert claimed(cr, worker_id) == {good}
    state, message, _tries = row(cr, bad)
    assert state == "failed"
    assert "index row size" in message
    cr.execute("SELECT concurrency_key FROM queue_job WHERE id = %s", [bad])
    (cut,) = cr.fetchone()
    assert (len(cut), cut[:186]) == (251, key[:186])
    store.actions.requeue(cr, [bad])
    assert claimed(cr, worker_id) == {bad}


def test_f1_jobs_with_keys_go_on_beside_one_that_is_refused(cr, worker_id, refuse, delay, delay_bad, jobs):
    refuse("23514")
    bad = delay_bad(identity_key="a")
    good = {delay(jobs.do_nothing, identity_key="b"), delay(jobs.do_nothing, concurrency_key="c")}
    assert claimed(cr, worker_id) == good
    assert row(cr, bad)[0] == "failed"


def test_f1_a_sequential_channel_keeps_its_order(cr, worker_id, refuse, delay, delay_bad, jobs):
    cr.execute("UPDATE queue_job_channel SET is_sequential = true WHERE complete_name = 'root.test'")
    refuse("23514")
    bad, _next = delay_bad(), delay(jobs.do_nothing)
    elsewhere = delay(jobs.do_nothing, channel="root")
    assert claimed(cr, worker_id) == {elsewhere}
    assert row(cr, bad)[0] == "failed"
    assert claimed(cr, worker_id) == set()


def test_f1_a_row_that_takes_no_change_at_all_is_left_out_and_says_so(cr, worker_id, refuse, delay, delay_bad, jobs):
    refuse("23514", condition="true")
    bad, good = delay_bad(), delay(jobs.do_nothing)
    assert claimed(cr, worker_id) == {good}
    assert row(cr, bad)[0] == "pending"
    assert "Nor can the job be set to failed" in store.trouble.claim(cr, bad)
    assert claimed(cr, worker_id) == set()


def test_f1_a_due_row_that_cannot_be_made_runnable_does_not_stop_the_others(cr, refuse, delay, delay_bad, jobs):
    refuse("P0001", condition="new.state = 'pending'")
    bad, good = delay_bad(eta=3600), delay(jobs.do_nothing, eta=3600)
    cr.execute("ALTER TABLE queue_job DISABLE TRIGGER refuse")
    cr.execute("UPDATE queue_job SET eta = eta - interval '2 hours'")
    cr.execute("ALTER TABLE queue_job ENABLE TRIGGER refuse")
    assert store.upkeep.schedule_due(cr) == 1
    assert (row(cr, bad)[0], row(cr, good)[0]) == ("scheduled", "pending")
    assert store.upkeep.schedule_due(cr) == 0


def test_f1_a_row_that_cannot_be_freed_does_not_keep_the_others_of_a_dead_worker(
    cr, worker_id, refuse, delay, delay_bad, jobs
):
    bad, good = delay_bad(), delay(jobs.do_nothing)
    assert claimed(cr, worker_id) == {bad, good}
    refuse("P0001", condition="new.state = 'pending'")
    store.workers.end_worker(cr, worker_id, "it was killed")
    assert (row(cr, bad)[0], row(cr, good)[0]) == ("enqueued", "pending")
    assert store.workers.free_orphans(cr) == 0
    let_minutes_pass(cr, 10)
    cr.execute("UPDATE queue_job_trouble SET date_next = date_next + interval '1 minute'")
    assert store.trouble.fail_troubled(cr) == 1
    assert row(cr, bad)[0] == "failed"


# With a real worker


@pytest.mark.parametrize("sqlstate", ["54000", "P0001"])
@pytest.mark.parametrize("state_refused", ["enqueued", "started"])
def test_f1_a_worker_goes_on_in_its_life_with_the_others(
    cr, database, refuse, delay, delay_bad, jobs, worker, state, wait_until, sqlstate, state_refused
):
    refuse(sqlstate, condition=f"new.state = '{state_refused}'")
    bad = delay_bad(jobs.leave_effect, "bad")
    good = [delay(jobs.leave_effect, "good") for _number in range(3)]
    process = worker("--threads", "2")
    wait_until(lambda: {state(job) for job in good} == {"done"})
    uuid = database.value("SELECT uuid FROM queue_worker")
    later = delay(jobs.leave_effect, "later")
    wait_until(lambda: state(later) == "done")
    if sqlstate == "54000":
        wait_until(lambda: state(bad) == "failed")
    else:
        wait_until(lambda: state(bad) == "pending" and store.trouble.claim(cr, bad))
    assert database.rows("SELECT uuid FROM queue_worker") == [(uuid,)]
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE outcome = 'interrupted'") == 0
    assert "new life" not in process.log.read_text()


def test_f1_a_member_that_cannot_be_started_leaves_its_batch(
    cr, database, refuse, delay, delay_bad, jobs, worker, state, wait_until
):
    refuse("23514", condition="new.state = 'started'")
    good = [delay(jobs.leave_effects, "key", name) for name in "ab"]
    bad = delay_bad(jobs.leave_effects, "key", "bad one")
    good.append(delay(jobs.leave_effects, "key", "c"))
    worker()
    wait_until(lambda: {state(job) for job in good} == {"done"})
    wait_until(lambda: state(bad) == "failed", timeout=90)
    assert sorted(database.rows("SELECT name FROM test_effect")) == [("a",), ("b",), ("c",)]


def test_f1_a_worker_that_can_claim_nothing_waits_longer_and_longer(
    cr, database, refuse, delay, jobs, worker, state, wait_until
):
    refuse("P0001", bad="true")
    job = delay(jobs.leave_effect, "late")
    process = worker()
    wait_until(lambda: "takes no jobs for" in process.log.read_text())
    refuse("P0001", bad="false")
    cr.execute("UPDATE queue_job_trouble SET date_next = date_tried")
    began = time.monotonic()
    wait_until(lambda: state(job) == "done")
    assert time.monotonic() - began < 30
    assert database.value("SELECT count(*) FROM queue_worker") == 1


@pytest.mark.parametrize("eta", ["infinity", "-infinity", "294276-12-31", "4713-01-01 BC"])
def test_f1_a_date_of_a_job_that_nobody_can_wait_for_does_not_end_the_life_of_a_worker(
    cr, database, delay, jobs, own_worker, state, eta
):
    delay(jobs.do_nothing, eta=3600)
    cr.execute("UPDATE queue_job SET eta = %s", [eta])
    own_worker.do_housekeeping()
    soon = delay(jobs.do_nothing, eta=30)
    own_worker.do_housekeeping()
    assert state(soon) == "scheduled"


@pytest.mark.parametrize(
    ("room", "step"),
    [
        (store.upkeep, "seconds_to_next_eta"),
        (store.channels, "seconds_to_next_token"),
        (store.upkeep, "adopt_strays"),
        (store.workers, "free_orphans"),
    ],
)
@pytest.mark.parametrize("sqlstate", ["22008", "57014", "55P03", "53100", "XX000"])
def test_f1_no_part_of_the_care_for_all_ends_a_life_or_keeps_the_others_from_being_done(
    cr, database, own_worker, monkeypatch, room, step, sqlstate
):
    def refuse(cr):
        cr.execute(f"DO $$ BEGIN RAISE EXCEPTION 'nobody has thought of this' USING ERRCODE = '{sqlstate}'; END $$")

    done = []
    monkeypatch.setattr(room, step, refuse)
    monkeypatch.setattr(store.dependencies, "release_forgotten", lambda cr: done.append(cr))
    own_worker.do_housekeeping()
    assert len(done) == 1
    assert not own_worker.ended
