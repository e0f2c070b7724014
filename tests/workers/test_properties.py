"""Property tests: values that people, other systems and strange code may give.

Such a value is refused by name where it is given, or it is stored. It never makes the flush of a
transaction fail, nor a claim, nor the end of a job. Hypothesis chooses the values: the same ones
each time, or many others with ``--hypothesis-profile=thorough``.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tools import mute_logger

from odoo.addons.connector.connector import external_id_text
from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.unit.backend_adapter.errors import retry_after
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NotSerializableJobError, RetryableJobError
from odoo.addons.jobs_queue.jobs import Job, RunningJob, StoredJob, arguments, job
from odoo.addons.jobs_queue.jobs.keys import stored_key
from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.jobs.retry import Exponential, Fixed, Pattern, RetryPolicy
from odoo.addons.jobs_queue.jobs.unfinished import keys_of_failed, seconds_waiting
from odoo.addons.jobs_queue.models.fingerprint import Places, fingerprint, merged, names_and_words
from odoo.addons.jobs_queue.seconds import LATEST, as_seconds
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.failures import FailedJob
from odoo.addons.jobs_queue.testing import WorkerInTransaction
from odoo.addons.jobs_queue.texts import LOG, MESSAGE, TRACEBACK, Log, storable

REFUSED = (ValueError, TypeError, NotSerializableJobError)


class Raising:
    """An object that has no text and no ``repr()``, and cannot be compared or hashed."""

    def __init__(self, error):
        self._error = error

    def _raise(self, *_args):
        raise self._error("no")

    __str__ = __repr__ = __eq__ = __hash__ = __bool__ = _raise

    def _repr_pretty_(self, printer, _cycle):
        """Print an example for the report of Hypothesis."""
        printer.text(f"Raising({self._error.__name__})")


class TextThatExits:
    def __str__(self):
        raise SystemExit(1)


class ErrorWithoutText(Exception):
    def __str__(self):
        raise ZeroDivisionError("no text")


texts = st.one_of(
    st.text(st.characters()),  # with halves of characters
    st.sampled_from(
        ["", "a", "\0", "\ud83d", "cut \ud83d", "\ude00" * 6000, " \n ", "\x85", "“" * 80_000, "'" * 80_000]
    ),
    st.integers(240, 260).map("é".__mul__),
    st.integers(150_000, 151_000).map("x".__mul__),
    st.just('  File "' + '", line 1, in ' * 10_000),
)
numbers = st.one_of(
    st.integers(),
    st.just(5000).map(lambda digits: 10**digits),
    st.floats(),
    st.decimals(),
    st.sampled_from(
        [
            0,
            -1,
            True,
            2**31,
            2**31 - 1,
            2**63,
            10**400,
            -(10**400),
            1e308,
            -1e308,
            5e-324,
            Decimal("sNaN"),
            Decimal("1e999999"),
        ]
    ),
)
waits = st.one_of(numbers, st.timedeltas(), st.sampled_from([timedelta.max, timedelta.min]))
dates = st.one_of(
    st.datetimes(),
    st.datetimes(timezones=st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)),
    st.sampled_from(
        [
            datetime.max,
            datetime.min,
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
            datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        ]
    ),
)
things = st.one_of(
    st.none(),
    texts,
    waits,
    dates,
    st.binary(),
    st.dates(),
    st.lists(st.integers() | texts, max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    st.builds(
        Raising,
        st.sampled_from([ValueError, RecursionError, MemoryError]),
    ),
    st.builds(ErrorWithoutText),
    st.builds(ValueError, texts),
    st.just(object()),
    st.just(ValueError),
)
# a signaling NaN is no key of a dict
keys = st.one_of(numbers.filter(lambda number: not (isinstance(number, Decimal) and number.is_snan())), texts)
tables = st.dictionaries(
    keys, st.one_of(waits, texts, st.lists(waits, max_size=3), st.tuples(waits, waits)), max_size=3
)
# The examples of a test share its fixtures. Examples that reach the database take long, so there
# are fewer
shared = settings(suppress_health_check=list(HealthCheck), max_examples=settings.default.max_examples // 2)

OPTIONS = (
    "priority", "eta", "max_retries", "description", "channel", "identity_key", "identity_policy", "concurrency_key", "time_limit",
    "memory_limit", "group_key",
)  # fmt: skip


@pytest.fixture
def env(database):
    """Provide an environment for the examples of a test; its transaction is rolled back."""
    with Registry(database.name).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})
        cr.rollback()


@pytest.fixture
def session(env):
    return ConnectorSession.from_env(env)


def is_refused(name, call):
    """Call a function that may refuse a value, and return whether it did.

    The error names what the value was given for, and is short.
    """
    try:
        call()
    except REFUSED as error:
        assert name in str(error), error
        assert len(str(error)) < 2000, "the error is as long as the value"
        str(error).encode()
        return True
    return False


def run_all(env):
    """Claim and run the runnable jobs, to the end of each."""
    with mute_logger("odoo.addons.jobs_queue.worker"):
        return WorkerInTransaction(env).run_all()


# Texts


@given(things, st.integers(100, 10_000))
@example(TextThatExits(), 100)
def test_anything_becomes_a_text_that_can_be_stored(value, limit):
    text = storable(value, limit)
    if value is None:
        assert text is None
        return
    assert type(text) is str
    assert len(text) <= limit
    assert "\0" not in text
    text.encode()


@given(st.lists(texts | things, max_size=10), st.integers(1, 200))
def test_a_log_has_a_limit_and_keeps_its_ends(lines, times):
    log = Log()
    for line in lines * times:
        log.add(line)
    text = str(log)
    assert len(text) <= LOG
    if lines:
        last = "None" if lines[-1] is None else storable(lines[-1])
        assert text.endswith(last[-100:])


@given(texts, texts, texts)
def test_any_failed_job_has_a_fingerprint(message, exc_name, exc_info):
    stored = {"message": storable(message), "exc_name": storable(exc_name), "exc_info": storable(exc_info)}
    job = FailedJob(company_id=1, function="f", **stored)
    names, words = names_and_words(job)
    assert len(fingerprint(job, Places({}).of(job.exc_info), names)) == 64
    assert merged(words, words) == words


# Keys and ids


@given(texts, texts)
def test_keys_are_stored_short_and_equal_only_to_themselves(one, other):
    assert len(stored_key(one)) == min(len(one), 251)
    assert (stored_key(one) == stored_key(other)) == (one == other)


@given(things)
def test_an_external_id_is_refused_or_can_be_looked_up(value):
    try:
        text = external_id_text(value)
    except InvalidDataError as error:
        assert len(str(error)) < 1000
        str(error).encode()
        return
    assert text is None or (len(text) <= 501 and "\0" not in text and text.encode())


@shared
@given(
    key=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
    | st.integers(200, 3000).map("é".__mul__)
)
def test_a_job_is_found_by_its_keys(env, session, jobs, key):
    handle = jobs.do_nothing.delay(session, "test.effect", identity_key=key, concurrency_key=key)
    record = handle.record(env)
    search = env["queue.job"].search
    for name in ("identity_key", "concurrency_key"):
        assert (
            search([(name, "=", key)])
            == search([(name, "in", [key, "other"])])
            == search([(name, "=", record[name])])
            == record
        )
        assert record not in search([(name, "!=", key)]) | search([(name, "not in", [key])])
    assert key in seconds_waiting(env, [key])
    assert not keys_of_failed(env, [key])
    record_ids = run_all(env)
    assert record_ids == [record.id]
    env.cr.execute("UPDATE queue_job SET state = 'failed' WHERE id = %s", [record.id])
    assert keys_of_failed(env, [key]) == {key}
    env.cr.execute("DELETE FROM queue_job")
    env.invalidate_all()


# Waits


@given(things, st.booleans())
def test_a_wait_is_refused_by_name_or_a_year_at_most(value, clamp):
    if not is_refused("wait", lambda: as_seconds(value, "wait", clamp)):
        assert -LATEST <= as_seconds(value, "wait", clamp) <= LATEST


@given(things | tables, waits, st.integers(0, 10**9))
def test_a_retry_pattern_is_refused_or_gives_waits(pattern, asked, tries):
    error = RetryableJobError("x")
    error.seconds, error.retry_after = asked, asked
    try:
        policy = RetryPolicy(pattern)
    except ValueError as refusal:
        assert len(str(refusal)) < 2000
        policy = RetryPolicy()
    for reason in (error, RetryableJobError("x"), RecursionError()):
        assert 0 <= policy.seconds(reason, tries) <= LATEST


@given(waits, numbers, waits, numbers, st.integers(0, 10**9))
def test_a_strategy_is_refused_or_gives_waits(first, factor, longest, jitter, tries):
    for strategy in (Exponential, Fixed):
        values = (first,) if strategy is Fixed else (first, factor, longest, jitter)
        try:
            made = strategy(*values)
        except ValueError:
            continue
        assert 0 <= made.seconds(max(1, tries)) <= LATEST


@given(st.dictionaries(st.integers(1, 20), st.integers(0, 10**6), min_size=1), st.integers(1, 30))
def test_a_pattern_gives_the_wait_of_the_try_that_was_reached_and_before_it_the_default(table, tries):
    reached = [number for number in table if number <= tries]
    assert Pattern(table).seconds(tries) == (table[max(reached)] if reached else 600)


@given(
    st.text(st.characters(codec="latin-1"))
    | numbers.filter(lambda n: not isinstance(n, int) or abs(n) < 10**400).map(str)
)
@example("2.0")
@example("Fri, 31 Dec 9999 23:59:59 -2300")
@example("9" * 5000)
def test_any_retry_after_is_ignored_or_a_wait(value):
    wait = retry_after(SimpleNamespace(headers={"Retry-After": value}))
    assert wait is None or 0 <= wait <= LATEST


@given(things)
def test_the_seconds_of_an_error_are_refused_where_it_is_made_or_used(value):
    if value is not None and not is_refused("seconds", lambda: RetryableJobError("x", seconds=value)):
        assert 0 <= RetryPolicy().seconds(RetryableJobError("x", seconds=value), 1) <= LATEST


# Options of calls and of functions


@shared
@given(name=st.sampled_from(OPTIONS), value=things)
def test_an_option_of_a_call_is_refused_by_name_or_the_job_comes_to_its_end(env, session, jobs, name, value):
    function, args = (jobs.do_nothing_together, (1,)) if name == "group_key" else (jobs.do_nothing, ())
    if not is_refused(name, lambda: function.delay(session, "test.effect", *args, **{name: value})):
        env.cr.flush()
        env["queue.job"].search([]).read(["name", "state", "eta"])
        run_all(env)
    env.cr.execute("DELETE FROM queue_job")


@shared
@given(
    first=st.text(st.characters()) | st.integers(200, 20_000).map("x".__mul__),
    values=st.lists(st.text(st.characters()), max_size=5),
)
def test_what_is_delayed_as_a_list_runs_whatever_texts_it_has(env, session, jobs, first, values):
    delay_many(session, jobs.do_nothing_together, "test.effect", [(first, value) for value in values])
    env.cr.flush()
    assert len(run_all(env)) == len(values)
    assert not env["queue.job"].search([("state", "!=", "done")])
    env["queue.job"].search([]).mapped("arguments")
    env.cr.execute("DELETE FROM queue_job")


@shared
@given(
    option=st.sampled_from(("default_channel", "retry_pattern", "max_retries", "identity_policy", "concurrency_key", "limit", "time_limit",
        "memory_limit", "group_size")),
    value=things | tables,
)  # fmt: skip
def test_an_option_of_a_function_is_refused_or_its_jobs_come_to_their_end(
    env, session, jobs, monkeypatch, option, value
):
    def function(session, model_name):
        raise RetryableJobError("another time")

    try:
        options = job(**{option: value})(function).job_options
    except ValueError as error:
        assert len(str(error)) < 2000
        return
    monkeypatch.setattr(
        jobs.do_nothing, "job_options", replace(options, name=jobs.do_nothing.job_options.name, group_size=0)
    )
    env.registry.clear_cache()
    # a class is a function of the arguments, whose result is checked when the job is delayed
    if not is_refused(option, lambda: jobs.do_nothing.delay(session, "test.effect", concurrency_key="key")):
        env.cr.flush()
        run_all(env)
        env.cr.execute("DELETE FROM queue_job")
    monkeypatch.undo()
    env.registry.clear_cache()


@shared
@given(value=things, option=st.sampled_from(("default_channel", "concurrency_key")))
def test_what_a_function_of_the_arguments_returns_is_refused_or_stored(env, session, jobs, monkeypatch, value, option):
    def function(session, model_name):
        pass

    options = job(**{option: lambda args: value})(function).job_options
    monkeypatch.setattr(jobs.do_nothing, "job_options", replace(options, name=jobs.do_nothing.job_options.name))
    env.registry.clear_cache()
    if not is_refused(option, lambda: jobs.do_nothing.delay(session, "test.effect")):
        env.cr.flush()
        run_all(env)
    env.cr.execute("DELETE FROM queue_job")
    monkeypatch.undo()
    env.registry.clear_cache()


# Actions of a job


@shared
@given(
    log=st.lists(things, max_size=3),
    progress=st.tuples(things, things, things),
    error=st.one_of(
        st.none(),
        st.builds(ValueError, things),
        st.builds(lambda value: RetryableJobError(value), things),
        st.builds(lambda value: type("E" * 3000, (Exception,), {"retry_after": value})("x"), things),
        st.builds(ErrorWithoutText),
        st.builds(UserError, texts),
    ),
    chain_of=st.sampled_from((0, 3, 1000)),
)
def test_whatever_a_job_tells_and_raises_its_end_is_written(
    env, session, jobs, monkeypatch, log, progress, error, chain_of
):
    def behave(job):
        for line in log:
            job.log(line)
        try:
            job.progress(*progress)
        except ValueError as refusal:
            assert "done" in str(refusal) or "total" in str(refusal)
        if error:
            cause = error
            for _number in range(chain_of):
                cause.__cause__ = ValueError("x" * 1000)
                cause = cause.__cause__
            raise error

    monkeypatch.setattr(jobs, "behaviour", behave)
    record = jobs.behave.delay(session, "test.effect").record(env)
    run_all(env)
    env.invalidate_all()
    assert record.state in ("done", "failed", "scheduled")
    attempt = record.attempt_ids
    assert len(record.message or "") <= MESSAGE
    assert len(attempt.message or "") <= MESSAGE
    assert len(attempt.exc_info or "") <= TRACEBACK
    assert len(attempt.exc_name or "") <= 250
    assert len(attempt.log or "") <= LOG
    env.cr.execute("DELETE FROM queue_job_attempt; DELETE FROM queue_job; DELETE FROM queue_job_progress")


@shared
@given(reason=things, seconds=things, who=things)
def test_what_holds_and_cancels_is_stored_or_refused_by_name(env, session, jobs, reason, seconds, who):
    root = env.ref("jobs_queue.channel_root").id
    if not is_refused("seconds", lambda: store.channels.hold(env.cr, root, "test", reason, seconds)):
        store.channels.held(env.cr, root)
    store.channels.release_holds(env.cr, root)
    record = jobs.do_nothing.delay(session, "test.effect").record(env)
    store.actions.request_cancellation(env.cr, record.ids, who)
    store.actions.cancel(env.cr, record.ids, who)
    env.cr.execute("DELETE FROM queue_job")


@shared
@given(done=things, total=things, message=things)
@example(done=0, total=None, message=Raising(ValueError))
def test_progress_is_refused_by_name_or_written_and_shown(env, session, jobs, done, total, message):
    record = jobs.do_nothing.delay(session, "test.effect").record(env)
    job = RunningJob(id=record.id)
    job.run = SimpleNamespace(
        job=job, report_progress=lambda *values: store.leases.write_progress(env.cr, job.id, *values)
    )
    refused = False
    try:
        job.progress(done, total, message)
    except ValueError as error:
        refused = True
        assert str(error).startswith(("done is", "total is"))
    env.cr.execute("UPDATE queue_job SET state = 'started' WHERE id = %s", [record.id])
    env.invalidate_all()
    if not refused:
        assert math.isfinite(record.progress)
        assert len(record.progress_message) <= 1000
    env.cr.execute("DELETE FROM queue_job; DELETE FROM queue_job_progress")


# The codec

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from(["$date", "$records", "$dict", "\0", "\ud83d"]),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.integers(-82800, 82800).map(lambda seconds: timezone(timedelta(seconds=seconds)))),
    st.decimals(),
    st.binary(),
)
# possible keys of a dict: each is equal to itself
numbers_and_texts = st.one_of(
    st.none(), st.integers(), st.text(st.characters()), st.dates(), st.decimals(allow_nan=False), st.binary()
)
hashable = st.recursive(numbers_and_texts, lambda inner: st.tuples(inner, inner))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(
            st.text(st.characters(), max_size=4) | st.sampled_from(["$date", "$dict", "$unknown"]), inner, max_size=4
        ),
        st.dictionaries(hashable, inner, max_size=3),
    ),
)


def is_same(one, other):
    """Tell whether two values are equal and of the same types, at all depths; NaN equals itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return is_same(list(one.items()), list(other.items()))
    return repr(one) == repr(other) or one == other


@given(value=values)
def test_what_the_codec_writes_comes_back_as_it_was(value):
    assert is_same(arguments.decode(arguments.encode(value), None), value)


@shared
@given(args=st.lists(values, max_size=3), kwargs=st.dictionaries(st.text(st.characters()), values, max_size=3))
def test_arguments_come_back_from_the_database_as_they_were(env, args, kwargs):
    payload = arguments.encode_call(tuple(args), kwargs)
    handle = Job(env=env, function="res.partner.exists", model_name=None, payload=payload, description=None,
        priority=10, max_retries=5, channel_id=1, identity_key=None, identity_policy=None, concurrency_key=None, concurrency_limit=1,
        time_limit=0, memory_limit=0)  # fmt: skip
    record = handle.delay().record(env)
    back_args, back_kwargs = arguments.decode_call(StoredJob.load(record).payload, env)
    assert is_same(back_args, tuple(args))
    assert is_same(back_kwargs, kwargs)
    env.cr.execute("DELETE FROM queue_job")
