"""Jobs of the chaos test: jobs of each kind, each with one effect that bears its name.

Some of them do what a job must not do.
"""

import math
from collections import Counter
from contextlib import contextmanager
from fractions import Fraction
from itertools import count, cycle, islice

from odoo import SUPERUSER_ID, api
from odoo.modules.module import initialize_sys_path
from odoo.modules.registry import Registry
from odoo.sql_db import close_db
from odoo.tools import config

from scripts.paths import LOGS, ODOO_CONFIG

#: Channels with a limit: how many leases each may have
LIMITED = {"root.test.limited": 2, "root.test.ordered": 1}
#: Number of jobs of each kind in a hundred; a graph or a list counts for all of its own
SHARES = {
    "plain": 21,
    "limited": 15,
    "ordered": 8,
    "keyed": 10,
    "twins": 8,
    "grouped": 10,
    "retried": 6,
    "graph": 8,
    "list": 12,
    "slow": 2,
}
#: Kinds of jobs that do what a job must not do, or that one worker does not know, and their number
#: beside a hundred others
HOSTILE = {"newer": 3, "forking": 1, "careless": 6, "holding": Fraction(1, 10)}
CONCURRENCY_KEYS = 3
SEGMENTS = 3  # of a list


def delay_jobs(dbname, jobs, log, gates, hostile):
    """Delay about ``jobs`` jobs in one transaction, and a further job for each gate.

    The job of a gate begins tomorrow, and waits there.

    :param log: path of the file in which they leave a line each before they commit
    :param gates: list of paths of files; each job waits until its file exists
    :param hostile: the kinds of :data:`HOSTILE` that are among the jobs
    :return: how many were delayed, without those at the gates, and the list of the ids of the
        latter
    """
    with environment_of(dbname) as env:
        load = Load(env, log)
        load.delay(jobs, hostile)
        env.cr.flush()
        env.cr.execute("SELECT count(*) FROM queue_job")
        return env.cr.fetchone()[0] + load.still_to_delay, load.delay_at(gates)


def delay_lines(dbname, log, short=0, slow=0, **options):
    """Delay jobs that leave a line each.

    :param short: how many that take some milliseconds
    :param slow: how many that take seconds
    :param options: of the jobs
    """
    with environment_of(dbname) as env:
        load = Load(env, log, **options)
        load._delay_slow(slow)
        load._delay_plain(short)


@contextmanager
def environment_of(dbname):
    """Open an environment of a database, in a transaction that is committed at the end."""
    # this process becomes an Odoo with the addons of this repository, before they are imported
    config.parse_config(["--config", str(ODOO_CONFIG), "--logfile", str(LOGS / "chaos.log")])
    initialize_sys_path()
    try:
        with Registry(dbname).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})
    finally:
        Registry.delete(dbname)
        close_db(dbname)


class Load:
    """Jobs of all kinds, delayed in turns.

    :param env: the environment in which they are delayed
    :param log: see :func:`delay_jobs`
    :param options: of the jobs
    :ivar still_to_delay: how many jobs the delayed ones will delay
    """

    def __init__(self, env, log, **options):
        from odoo.addons.jobs_queue.graph import chain, group
        from odoo.addons.jobs_queue.session import ConnectorSession
        from odoo.addons.test_connector import hostile_jobs, jobs, newer_jobs

        self.chain, self.group, self.functions = chain, group, jobs
        self.hostile, self.newer = hostile_jobs, newer_jobs
        self.habits = cycle(hostile_jobs.HABITS)
        self.session = ConnectorSession.from_env(env)
        self.log = str(log)
        # without a limit of tries: it is not the job's fault here that a worker dies
        self.options = {"max_retries": 0, **options}
        self.numbers = count(1)
        self.still_to_delay = 0
        ensure = env["queue.job.channel"]._ensure
        ensure("root.test.limited").capacity = LIMITED["root.test.limited"]
        ensure("root.test.ordered").is_sequential = True

    def delay(self, jobs, hostile):
        shares = SHARES | {kind: HOSTILE[kind] for kind in hostile}
        left = Counter()
        for _round in range(max(1, jobs // sum(SHARES.values()))):
            for kind, share in shares.items():
                left[kind] += share
                number = math.ceil(left[kind])
                left[kind] -= number
                getattr(self, f"_delay_{kind}")(number)

    def delay_at(self, gates):
        wait = self.functions.wait_until_let_go
        return [wait.delay(self.session, "test.effect", str(gate), eta=86400).id for gate in gates]

    def _prepare(self, function, **options):
        name = f"{function.__name__} {next(self.numbers)}"
        options = {**self.options, **options}
        return function.delayable(self.session, "test.effect", name, self.log, description=name, **options)

    def _delay(self, jobs, function, **options):
        for _number in range(jobs):
            self._prepare(function, **options).delay()

    def _delay_plain(self, jobs):
        self._delay(jobs, self.functions.leave_line)

    def _delay_limited(self, jobs):
        self._delay(jobs, self.functions.leave_line, channel="root.test.limited")

    def _delay_ordered(self, jobs):
        self._delay(jobs, self.functions.leave_line, channel="root.test.ordered")

    def _delay_keyed(self, jobs):
        for number in islice(cycle(range(CONCURRENCY_KEYS)), jobs):
            self._delay(1, self.functions.leave_line, concurrency_key=f"key {number}")

    def _delay_twins(self, jobs):
        """Delay twins: four jobs with one identity key, for each of two policies.

        Some are collapsed. Those that a running twin cannot stand for run afterwards.
        """
        for policy in ("skip", "replace"):
            self._delay(
                jobs // 2,
                self.functions.leave_line,
                identity_key=f"twin {next(self.numbers)}",
                identity_policy=policy,
            )

    def _delay_grouped(self, jobs):
        self._delay(jobs, self.functions.leave_lines, group_key="lines")

    def _delay_retried(self, jobs):
        self._delay(jobs, self.functions.leave_line_when_tried_again)

    def _delay_slow(self, jobs):
        self._delay(jobs, self.functions.leave_line_slowly)

    def _delay_forking(self, jobs):
        self._delay(jobs, self.hostile.leave_line_and_fork)

    def _delay_newer(self, jobs):
        """Delay jobs of a function that one of the workers does not know.

        That worker has the code of an older version.
        """
        self._delay(jobs, self.newer.leave_line)

    def _delay_holding(self, jobs):
        """Delay jobs that hold the interpreter.

        They fail at their time limit, and their process with them.
        """
        for _number in range(jobs):
            self.hostile.hold_interpreter.delay(self.session, None)

    def _delay_careless(self, jobs):
        """Delay jobs that leave their session in another state than before.

        They may fail; the next jobs must not notice.
        """
        for habit in islice(self.habits, jobs):
            self.hostile.leave_session.delay(self.session, None, habit)

    def _delay_graph(self, _jobs):
        """Delay a graph: one job, then three side by side, then three others.

        With the barrier between the groups it has eight jobs.
        """
        first, *others = (self._prepare(self.functions.leave_line) for _number in range(7))
        self.chain(first, self.group(*others[:3]), self.group(*others[3:])).delay()

    def _delay_list(self, _jobs):
        """Delay the first segment of a list.

        Each segment delays the next one, two pages and a job that ends it. All but the first wait
        for jobs that are stored by then.
        """
        self.group(self._prepare(self.functions.leave_line_and_delay_segment, left=SEGMENTS - 1)).delay()
        self.still_to_delay += 3 * SEGMENTS + SEGMENTS - 1
