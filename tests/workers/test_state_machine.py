"""State machine of the store: any order of delays, claims, ends, stops and deaths of workers.

Hypothesis chooses the steps. A :class:`Model` in memory says what each of them may do. After each
step the database is what the model says, and the invariants of ``docs/queue.md`` hold: a job's
effects and its *done* come together and once (I1), a worker that was declared dead commits nothing
(I2), no job is without somebody who moves it on (I3), and no limit is exceeded (I6). No job is
released before those for which it waits have ended, though it was delayed while they ran, ended or
were deleted. At the end all jobs end.

``--hypothesis-profile=thorough`` tries many more steps, and other ones each time.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg2.errors import SerializationFailure

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import LeaseLost
from odoo.addons.jobs_queue.jobs import RunningJob
from odoo.addons.jobs_queue.store.connection import connect
from odoo.addons.jobs_queue.store.ending import Ending
from odoo.addons.jobs_queue.worker.cursor import JobCursor

LEASED = ("enqueued", "started")
FINAL = ("done", "failed", "cancelled")
WAITING = ("pending", "scheduled", "wait_dependencies")
DELETED = "deleted"  # only the model still knows such a job
#: States of a parent in which a job does not wait for it, by ``on_failure``
SATISFIED_BY = {"stop": ("done", DELETED), "continue": (*FINAL, DELETED)}
WORKERS = 2
MANY = 1000  # more jobs than there are
MOST_UNENDED = 60  # no more are delayed, as each that runs has a connection

#: The channels, each with the one above it
CHANNELS = {"top": None, "free": "top", "limited": "top", "below": "limited", "ordered": "top"}
#: Identity keys with their policies; concurrency keys with their limits
IDENTITIES = {"the same": "skip", "the newest": "replace", "the latest": "debounce"}
LIMITS = {"alone": 1, "in pairs": 2}

FAILURE = Ending("message", "Error", "traceback")
#: How a try ends without success: the function of the store, the state of the job, and arguments
ENDS = {
    "fail": (store.leases.fail, "failed", (FAILURE,)),
    "retry": (store.leases.retry, "scheduled", (FAILURE, 3600, True)),
    "retry without counting": (store.leases.retry, "scheduled", (FAILURE, 3600, False)),
    "stop": (store.leases.end_cancelled, "cancelled", (Ending("message"),)),
}
#: Actions of people: the function of the store, the state of the job, the states in which it can be
#: done, and arguments
BUTTONS = {
    "cancel": (store.actions.cancel, "cancelled", ("failed", "enqueued", *WAITING), ("message",)),
    "set to done": (store.actions.set_done, "done", ("failed", "cancelled", *WAITING), ("message",)),
    "requeue": (store.actions.requeue, "pending", (*FINAL, "scheduled"), ()),
}

channels = st.sampled_from(list(CHANNELS))
places = st.integers(0, WORKERS - 1)
limits = st.sampled_from([1, 2, MANY])
which = st.integers(0, 9)  # of a list that goes round
batches = st.fixed_dictionaries(
    {
        "channel": channels,
        "priority": st.sampled_from([1, 10]),
        "identity_key": st.sampled_from([None, *IDENTITIES]),
        "concurrency_key": st.sampled_from([None, *LIMITS]),
        "is_later": st.booleans(),
        "copies": st.integers(1, 3),
    }
)


edges = st.lists(st.tuples(which, st.sampled_from(list(SATISFIED_BY))), min_size=1, max_size=3)


@pytest.mark.hypothesis
def test_no_order_of_events_breaks_an_invariant(database):
    with Store(database) as store_:
        run_state_machine_as_test(lambda: Queue(store_))


@dataclass
class ModelJob:
    """The knowledge of the model about a job."""

    channel: str
    identity_key: str | None
    concurrency_key: str | None
    state: str
    lease: tuple | None = None  # (worker id, lease token)
    was_tried: bool = False  # since it became runnable
    parents: dict[int, str] = field(default_factory=dict)  # for which it waits, and on_failure of each

    @property
    def is_in_order(self):
        """Tell whether the job has a place in the order of a sequential channel."""
        return self.state in ("pending", "failed") or (self.state == "scheduled" and self.was_tried)

    def end(self, state):
        self.state, self.lease = state, None

    def make_runnable(self):
        self.end("pending")
        self.was_tried = False


class Model:
    """The expected content of the database: jobs, live workers, limits, committed effects."""

    def __init__(self):
        self.jobs = {}
        self.workers = set()
        self.paused = set()
        self.capacity = dict.fromkeys(CHANNELS, 0)
        self.effects = Counter()

    def holds(self, job_id, lease):
        """Tell whether a lease is still that of the job."""
        return self.jobs[job_id].lease == lease

    def is_paused(self, channel):
        return any(name in self.paused for name in path(channel))

    def leases_in(self, channel):
        """Return the number of leases in a channel and those below it."""
        return sum(job.state in LEASED and channel in path(job.channel) for job in self.jobs.values())

    def limits(self):
        """Return the number of leases that each channel with a limit may have."""
        return {name: number for name, number in self.capacity.items() if number} | {"ordered": 1}

    def has_room(self, channel):
        return all(self.leases_in(name) < limit for name, limit in self.limits().items() if name in path(channel))

    def in_order(self):
        """Return the ids of the jobs with a place in the sequential channel, in their order."""
        return sorted(id_ for id_, job in self.jobs.items() if job.channel == "ordered" and job.is_in_order)

    def twins(self, id_):
        """Return the ids of the other jobs with the same identity key as a job."""
        key = self.jobs[id_].identity_key
        return [other for other, job in self.jobs.items() if key and other != id_ and job.identity_key == key]

    def leased_with(self, name, key):
        """Return the number of leased jobs with an identity key or a concurrency key."""
        return sum(job.state in LEASED and getattr(job, name) == key for job in self.jobs.values())

    def waits(self, job):
        """Tell whether a job waits for one of its parents."""
        return any(self.jobs[id_].state not in SATISFIED_BY[policy] for id_, policy in job.parents.items())

    def is_awaited(self, id_):
        """Tell whether a job that has not ended well has a job as a parent."""
        return any(id_ in job.parents and job.state not in ("done", "cancelled", DELETED) for job in self.jobs.values())

    def is_key_taken(self, job):
        """Tell whether a job has to wait for the end of another one with the same key."""
        if job.identity_key and self.leased_with("identity_key", job.identity_key):
            return True
        key = job.concurrency_key
        return bool(key) and self.leased_with("concurrency_key", key) >= LIMITS[key]

    def must_run(self, id_):
        """Tell whether a claim has to take a job; of twins it may take another one."""
        job = self.jobs[id_]
        return (
            job.state == "pending"
            and not job.identity_key
            and not self.is_paused(job.channel)
            and self.has_room(job.channel)
            and not self.is_key_taken(job)
            and (job.channel != "ordered" or self.in_order()[0] == id_)
        )


def path(channel):
    """Return a channel and those above it."""
    return [channel, *path(CHANNELS[channel])] if channel else []


class Store:
    """The database, and a connection for each worker.

    The connections are kept, as opening one takes longer than many steps.
    """

    def __init__(self, database):
        self.name = database.name
        ids = database.commit(lambda env: [env["queue.job.channel"]._ensure(full_name(name)).id for name in CHANNELS])
        self.channel_ids = dict(zip(CHANNELS, ids, strict=True))
        self.user_id, self.company_id = database.rows("SELECT id, company_id FROM res_users WHERE active LIMIT 1")[0]

    def __enter__(self):
        self.connections = [connect(self.name) for _number in range(WORKERS + 1)]
        *self.cursors, self.delaying = [connection.cursor() for connection in self.connections]
        return self

    def __exit__(self, *exception):
        for connection in self.connections:
            connection.close()

    def clear(self):
        """Begin anew: no job, no worker, the limits of an empty model.

        Chance decides the same for the same steps.
        """
        cr = self.cursors[0]
        self.delaying.execute("ROLLBACK")
        for table in (
            "queue_job",
            "queue_job_dependency",
            "queue_job_attempt",
            "queue_job_cancellation",
            "queue_worker",
            "test_effect",
        ):
            cr.execute(f"DELETE FROM {table}")
        cr.execute("UPDATE queue_job_channel SET capacity = 0, is_paused = false, is_sequential = false")
        cr.execute("UPDATE queue_job_channel SET is_sequential = true WHERE id = %s", [self.channel_ids["ordered"]])
        # rows in the order of their ids, so that the same random numbers fall to them
        cr.execute("CLUSTER queue_job_channel USING queue_job_channel_pkey")
        for cr in self.cursors:
            cr.execute("SELECT setseed(0.5)")

    def configure(self, channel, column, value):
        self.cursors[0].execute(
            f"UPDATE queue_job_channel SET {column} = %s WHERE id = %s", [value, self.channel_ids[channel]]
        )

    def rows(self, query, *values):
        self.cursors[0].execute(query, values)
        return self.cursors[0].fetchall()


def full_name(channel):
    return ".".join(["root", "machine", *reversed(path(channel))])


class Run:
    """A try of a job on a cursor of its own, as a worker's thread makes it.

    Its transaction begins with its first effect.
    """

    def __init__(self, dbname, leased, worker_id):
        self.lease = (worker_id, leased.lease_token)
        self.holder = SimpleNamespace(id=worker_id, name="worker")
        self.job = RunningJob(
            id=leased.id, function=leased.function, retry=leased.retry, lease_token=leased.lease_token
        )
        self.cr = JobCursor(dbname)
        self.cr.lease(self.job, worker_id)
        self.effects = []

    def leave_effect(self):
        effect = (self.job.id, f"{self.lease} {len(self.effects)}")
        self.cr.execute("INSERT INTO test_effect (job_id, name) VALUES (%s, %s)", effect)
        self.effects.append(effect)

    def end(self):
        self.cr.abandon()
        self.cr.close()


class Queue(RuleBasedStateMachine):
    """The steps. Each worker is a place, at which one life follows another.

    Each step is always possible, and does nothing where there is nothing for it. The possible steps
    may not depend on what the database has answered, such as after a lock time-out of a slow
    machine: Hypothesis would refuse the test as flaky.
    """

    def __init__(self, store_):
        super().__init__()
        self.store = store_
        self.store.clear()
        self.model = Model()
        self.workers = [self._register(place) for place in range(WORKERS)]
        # jobs and runs that threads have, whether or not the lease is still there
        self.claimed = []  # (place, worker id, leased job)
        self.runs = []  # (place, run)
        self.delayed = {}  # by the transaction that is open, as the jobs of the model

    def teardown(self):
        try:
            if sys.exception() is None:
                self._work_until_all_jobs_end()
        finally:
            for _place, run in self.runs:
                run.end()
            self.store.delaying.execute("ROLLBACK")

    def _work_until_all_jobs_end(self):
        """Run the queue until all jobs have ended.

        Nothing is paused, and no worker dies any more. Each failed job is set to done, as it keeps
        its sequential channel. So is each cancelled one for which others may wait.
        """
        self.commit_delay(False)
        for channel in CHANNELS:
            self.pause_or_resume(channel, False)
        for place in range(WORKERS):
            self._kill(place, place, store.workers.STOPPED)
        for _round in range(3 * len(self.model.jobs)):
            stuck = {id_: job for id_, job in self.model.jobs.items() if job.state not in (*FINAL, DELETED)}
            if not stuck:
                return
            for number, job in enumerate(self.model.jobs.values()):
                if job.state == "failed" or (job.state == "cancelled" and not job.identity_key):
                    self.press(number, "set to done")
            self.let_time_pass(0)
            self.sweep(0)
            self.claim_and_start(0, MANY)
            while self.runs:
                self._complete(*self.runs.pop())
        assert not stuck, "these jobs never end"

    def _register(self, place):
        worker_id = store.workers.register(
            self.store.cursors[place], f"worker {place}", "host", place, "command", 1, (None, None)
        )
        self.model.workers.add(worker_id)
        return worker_id

    @initialize(batches=st.lists(batches, min_size=2, max_size=6))
    def delay_some(self, batches):
        for batch in batches:
            self._delay(**batch)

    @rule(batch=batches)
    def delay(self, batch):
        if self._has_room():
            self._delay(**batch)

    def _has_room(self):
        return sum(job.state not in (*FINAL, DELETED) for job in self.model.jobs.values()) < MOST_UNENDED

    @rule(batch=batches, edges=edges, is_late=st.booleans())
    def begin_to_delay_a_job_that_waits(self, batch, edges, is_late):
        """Delay a job in a transaction that is left open.

        The job waits for stored ones, and for the other jobs of its batch. If it comes late, those
        that are stored have ended.
        """
        states = (*FINAL, DELETED) if is_late else (*LEASED, *WAITING, *FINAL, DELETED)
        stored = [id_ for id_, job in self.model.jobs.items() if not job.identity_key and job.state in states]
        if self.delayed or not stored or not self._has_room():
            return
        cr = self.store.delaying
        cr.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        row = self._row(**batch | {"identity_key": None})
        *new, child = store.insert.insert_jobs(cr, [row] * (batch["copies"] - 1) + [row | {"waits": True}])
        before = {stored[which % len(stored)]: policy for which, policy in edges}
        store.dependencies.insert(
            cr,
            [
                *(store.dependencies.Edge(id_, child, policy, True) for id_, policy in before.items()),
                *(store.dependencies.Edge(id_, child, "stop", False) for id_ in new),
            ],
        )
        key = batch["concurrency_key"]
        state = "scheduled" if batch["is_later"] else "pending"
        self.delayed = {id_: ModelJob(batch["channel"], None, key, state) for id_ in new}
        parents = before | dict.fromkeys(new, "stop")
        self.delayed[child] = ModelJob(batch["channel"], None, key, "wait_dependencies", parents=parents)

    @rule(is_checked=st.booleans())
    def commit_delay(self, is_checked):
        """Commit the transaction that is open; its process may die before it checks the edges."""
        self.store.delaying.execute("COMMIT")
        ids = list(self.delayed)
        self.model.jobs.update(self.delayed)
        self.delayed = {}
        if is_checked and ids:
            released = store.dependencies.release_unchecked(self.store.cursors[0], ids[-1:])
            assert released == (not self.model.waits(self.model.jobs[ids[-1]]))
            self._follow_releases()

    def _delay(self, **batch):
        cr = self.store.cursors[0]
        for id_ in store.insert.insert_jobs(cr, [self._row(**batch)] * batch["copies"]):
            self.model.jobs[id_] = ModelJob(
                batch["channel"],
                batch["identity_key"],
                batch["concurrency_key"],
                "scheduled" if batch["is_later"] else "pending",
            )

    def _row(self, channel, priority, identity_key, concurrency_key, is_later, copies):
        """Return the columns of a job; each job without an identity key is part of a graph."""
        return {
            "function": "res.partner.exists",
            "payload": "{}",
            "channel_id": self.store.channel_ids[channel],
            "priority": priority,
            "max_retries": 3,
            "identity_key": identity_key,
            "identity_policy": IDENTITIES.get(identity_key),
            "concurrency_key": concurrency_key,
            "concurrency_limit": LIMITS.get(concurrency_key),
            "user_id": self.store.user_id,
            "company_id": self.store.company_id,
            "su": False,
            "graph_uuid": None if identity_key else "graph",
            "waits": False,
            "eta_seconds": 3600 if is_later else None,
        }

    # Steps of workers

    @rule(place=places, limit=limits)
    def claim(self, place, limit):
        before = self._states()
        leased = self._claim(place, limit)
        assert len(leased) <= limit
        if limit == MANY and self._states() == before:
            overlooked = [id_ for id_ in self.model.jobs if self.model.must_run(id_)]
            assert not overlooked, f"jobs {overlooked} may run, and a claim does not take them"

    @rule(place=places, limit=limits)
    def claim_and_start(self, place, limit):
        for _job in self._claim(place, limit):
            self._start(*self.claimed.pop())

    def _claim(self, place, limit):
        """Claim, and let the model follow the choice.

        The choice is which jobs are leased, wait for a key, or are the same as another one.
        """
        model, worker_id = self.model, self.workers[place]
        leases_before = {name: model.leases_in(name) for name in CHANNELS}
        in_order = model.in_order()
        leased = store.claiming.claim(self.store.cursors[place], worker_id, limit, limit)
        collapsed = {id_ for id_, state in self._changes().items() if state == "cancelled"}
        for job in leased:
            known = model.jobs[job.id]
            # one that waits for its key may be leased in place of a twin, which ends with this
            # claim
            in_place = known.state == "wait_dependencies" and collapsed.intersection(model.twins(job.id))
            assert known.state == "pending" or in_place, f"job {job.id} was leased as {known.state}"
            assert not model.is_paused(known.channel), f"job {job.id} was leased in a paused channel"
            assert not model.is_key_taken(known), f"job {job.id} was leased while its key is taken"
            if known.channel == "ordered":
                # it has the place of a twin that it replaces
                turn = min([job.id, *collapsed.intersection(model.twins(job.id))])
                first = min(set(in_order) - collapsed)
                assert turn <= first, f"job {job.id} was leased when it was the turn of {first}"
            known.state, known.lease = "enqueued", (worker_id, job.lease_token)
            self.claimed.append((place, worker_id, job))
        for name, most in model.limits().items():
            assert model.leases_in(name) <= max(most, leases_before[name]), f"{name} has more leases than {most}"
        self._follow_keys()
        return leased

    def _follow_keys(self):
        changes = self._changes()
        for id_, state in changes.items():
            known = self.model.jobs[id_]
            if state == "cancelled":
                assert known.state in WAITING, f"job {id_} was cancelled as {known.state}"
            else:
                assert (known.state, state) == ("pending", "wait_dependencies"), f"job {id_} became {state}"
                assert self.model.is_key_taken(known), f"job {id_} waits for a key that nobody has"
            known.end(state)
        for id_, state in changes.items():
            twins = [self.model.jobs[twin].state for twin in self.model.twins(id_)]
            assert state != "cancelled" or set(twins) & {*LEASED, *WAITING}, f"job {id_} is the same as none that runs"

    @rule(which=which)
    def start(self, which):
        if self.claimed:
            self._start(*take(self.claimed, which))

    def _start(self, place, worker_id, job):
        started = store.leases.start(self.store.cursors[place], job) is not None
        assert started == self.model.holds(job.id, (worker_id, job.lease_token))
        if started:
            self.model.jobs[job.id].state, self.model.jobs[job.id].was_tried = "started", True
            self.runs.append((place, Run(self.store.name, job, worker_id)))

    @rule(which=which)
    def give_back(self, which):
        if not self.claimed:
            return
        place, worker_id, job = take(self.claimed, which)
        given = store.leases.release_unstarted(self.store.cursors[place], [job])
        assert given == ({job.id} if self.model.holds(job.id, (worker_id, job.lease_token)) else set())
        if given:
            self.model.jobs[job.id].make_runnable()

    @rule(which=which, commits=st.booleans())
    def leave_effect(self, which, commits):
        if not self.runs:
            return
        _place, run = self.runs[which % len(self.runs)]
        run.leave_effect()
        if commits:
            self._commit(run, run.cr.commit)

    @rule(which=which, dies_after_it=st.booleans())
    def complete(self, which, dies_after_it):
        if self.runs:
            self._complete(*take(self.runs, which), dies_after_it)

    def _complete(self, place, run, dies_after_it=False):
        if self._commit(run, lambda: run.cr.complete(run.holder)):
            self.model.jobs[run.job.id].end("done")
        run.end()
        if not dies_after_it:
            self._release_others(place, run)

    def _commit(self, run, commit):
        """Commit what a job did; return whether its lease was there.

        The commit is possible as long as the lease is there.
        """
        is_held = self.model.holds(run.job.id, run.lease)
        try:
            commit()
        except (LeaseLost, SerializationFailure):
            assert not is_held, f"job {run.job.id} could not commit, though its lease is there"
            run.cr.rollback()
        else:
            assert is_held, f"job {run.job.id} was committed without its lease"
            self.model.effects.update(run.effects)
        run.effects.clear()
        return is_held

    @rule(which=which, how=st.sampled_from(list(ENDS)))
    def end(self, which, how):
        """End a try without success.

        The try's own transaction is rolled back. The worker's connection writes how the try ended.
        """
        if not self.runs:
            return
        end, state, arguments = ENDS[how]
        place, run = take(self.runs, which)
        run.end()
        ended = end(self.store.cursors[place], run.job, run.holder, *arguments)
        assert ended == self.model.holds(run.job.id, run.lease)
        if ended:
            self.model.jobs[run.job.id].end(state)
        self._release_others(place, run)

    def _release_others(self, place, run):
        store.keys.release(self.store.cursors[place], self.model.jobs[run.job.id])
        self._follow_releases()
        store.dependencies.release_children(self.store.cursors[place], [run.job.id])
        self._follow_releases()

    def _follow_releases(self):
        for id_, state in self._changes().items():
            job = self.model.jobs[id_]
            assert job.state == "wait_dependencies" and state in ("pending", "scheduled"), f"job {id_} became {state}"
            assert not self.model.waits(job), f"job {id_} was released though it waits for another one"
            job.make_runnable()
            job.end(state)

    @rule(
        which=which,
        by=places,
        end=st.sampled_from([store.workers.DIED, store.workers.INTERRUPTED, store.workers.STOPPED]),
    )
    def kill(self, which, by, end):
        """Let another worker declare a worker dead, whose threads do not know it yet."""
        if held := [*self.runs, *self.claimed]:
            self._kill(held[which % len(held)][0], by, end)

    def _kill(self, place, by, end):
        worker_id = self.workers[place]
        store.workers.end_worker(self.store.cursors[by], worker_id, "it was killed", end)
        self.model.workers.discard(worker_id)
        states = self._states()
        for id_, job in self.model.jobs.items():
            if job.lease and job.lease[0] == worker_id:
                was_lost = job.state == "started" and end != store.workers.STOPPED
                assert states[id_] in (("pending", "scheduled", "failed") if was_lost else ("pending",)), (
                    f"job {id_} of a dead worker became {states[id_]}"
                )
                job.end(states[id_])
                job.was_tried = states[id_] != "pending"
        assert store.claiming.claim(self.store.cursors[place], worker_id, MANY, MANY) == [], "a dead worker has claimed"
        self.workers[place] = self._register(place)

    # Steps of people

    @rule(which=which, button=st.sampled_from(list(BUTTONS)))
    def press(self, which, button):
        change, state, states, arguments = BUTTONS[button]
        id_ = list(self.model.jobs)[which % len(self.model.jobs)]
        job = self.model.jobs[id_]
        changed = change(self.store.cursors[0], [id_], *arguments)
        assert changed == (job.state in states), f"{button} a job that is {job.state}"
        if changed and state == "pending":
            job.make_runnable()
        elif changed:
            job.end(state)
        if button == "requeue" and job.state == "pending" and self.model.waits(job):
            job.end("wait_dependencies")
        self._follow_releases()

    @rule(place=places)
    def delete_what_has_ended(self, place):
        cr = self.store.cursors[place]
        old = {id_ for id_, job in self.model.jobs.items() if job.state in ("done", "cancelled")}
        awaited = {id_ for id_ in old if self.model.is_awaited(id_)}
        with store.sql.transaction(cr):
            store.actions.delete_ended(cr, -1)
        assert set(self._states()) & old == awaited
        for id_ in old - awaited:
            self.model.jobs[id_].state = DELETED

    @rule(channel=st.sampled_from(["free", "limited"]), is_paused=st.booleans())
    def pause_or_resume(self, channel, is_paused):
        self.store.configure(channel, "is_paused", is_paused)
        (self.model.paused.add if is_paused else self.model.paused.discard)(channel)

    @rule(channel=st.sampled_from(["top", "limited", "below"]), capacity=st.integers(0, 3))
    def set_capacity(self, channel, capacity):
        self.store.configure(channel, "capacity", capacity)
        self.model.capacity[channel] = capacity

    # Steps of time

    @rule(place=places)
    def let_time_pass(self, place):
        """Let all dates be reached, and let a worker see it."""
        cr = self.store.cursors[place]
        cr.execute("UPDATE queue_job SET eta = eta - interval '1 day' WHERE state = 'scheduled'")
        scheduled = [job for job in self.model.jobs.values() if job.state == "scheduled"]
        assert store.upkeep.schedule_due(cr) == len(scheduled)
        for job in scheduled:
            job.make_runnable()

    @rule(place=places)
    def sweep(self, place):
        """Let a worker do its housekeeping.

        It repeats steps before which another worker may have died.
        """
        cr = self.store.cursors[place]
        assert store.workers.free_orphans(cr) == 0
        store.keys.release_forgotten(cr)
        store.dependencies.release_forgotten(cr)
        store.dependencies.release_all_unchecked(cr)
        self._follow_releases()

    # Conditions that hold after each step

    @invariant()
    def the_database_is_what_the_model_says(self):
        assert self._changes() == {}

    @invariant()
    def effects_are_committed_once_and_by_the_owner_of_the_lease(self):
        assert Counter(self.store.rows("SELECT job_id, name FROM test_effect")) == self.model.effects

    @invariant()
    def each_job_has_somebody_who_moves_it_on(self):
        unowned = self.store.rows(
            """
            SELECT id, state FROM queue_job job WHERE NOT CASE
                WHEN state IN ('enqueued', 'started')
                    THEN lease_token IS NOT NULL AND worker_id IN (SELECT id FROM queue_worker)
                ELSE worker_id IS NULL AND lease_token IS NULL AND CASE state
                    WHEN 'pending' THEN ready_seq IS NOT NULL
                    WHEN 'scheduled' THEN eta IS NOT NULL
                    WHEN 'wait_dependencies' THEN CASE
                        WHEN is_parked THEN COALESCE(identity_key, concurrency_key) IS NOT NULL
                        ELSE EXISTS (
                            SELECT FROM queue_job_dependency edge JOIN queue_job parent ON parent.id = edge.parent_id
                            WHERE edge.child_id = job.id AND (
                                parent.state NOT IN ('done', 'failed', 'cancelled') OR parent.children_released IS NULL
                                OR edge.on_failure = 'stop' AND parent.state <> 'done'
                            )
                        ) OR EXISTS (SELECT FROM queue_job_dependency WHERE child_id = job.id AND is_unchecked)
                    END
                    ELSE true
                END
            END
            """
        )
        assert not unowned
        assert {id_ for (id_,) in self.store.rows("SELECT id FROM queue_worker")} == self.model.workers

    @invariant()
    def no_key_is_held_more_often_than_it_may_be(self):
        for key in IDENTITIES:
            assert self.model.leased_with("identity_key", key) <= 1
        for key, limit in LIMITS.items():
            assert self.model.leased_with("concurrency_key", key) <= limit

    def _states(self):
        return dict(self.store.rows("SELECT id, state FROM queue_job"))

    def _changes(self):
        """Return the jobs whose state the model does not know yet, with that state."""
        return {id_: state for id_, state in self._states().items() if state != self.model.jobs[id_].state}


def take(things, which):
    """Take one of some things out of their list, and return it."""
    return things.pop(which % len(things))
