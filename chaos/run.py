"""Run of the chaos test: workers under attack until all jobs have ended."""

import os
import shutil
import signal
import time
from collections import Counter

from scripts import servers
from scripts.paths import ROOT
from scripts.progress import Failure

from . import verdict
from .observer import Observer
from .proxy import Proxy
from .signals import is_awake

# The workers: each has two threads, and options of its own
OVER_THE_LINE, OLDER, SEVERAL = range(3)
PATIENCE = 90  # seconds without any job ending
UNDER_ATTACK = 0.95  # of the jobs end under attack; the others show that nothing is stuck


class Run:
    """One run of the chaos test.

    :param cluster: the :class:`~scripts.cluster.Cluster` of the jobs
    :param dbname: name of the database of the jobs
    :param jobs: how many there are, about
    :param chance: a ``random.Random``, which decides what happens
    :param folder: an empty folder, for what the workers need
    :param attacks: classes of :class:`~chaos.attack.Attack`
    """

    def __init__(self, cluster, dbname, jobs, chance, folder, attacks):
        self.cluster = cluster
        self.dbname = dbname
        self.jobs = jobs
        self.chance = chance
        self.folder = folder
        self.ended = 0
        self.observer = Observer(dbname)
        self.hits = Counter()
        self.reruns = []  # seconds from kill -9 to the rerun of a job
        self.stops = []  # seconds from SIGTERM to the exit
        self.workers = []
        self.proxy = None
        self.seconds = 0  # that the attack took
        self.attacks = [attack for attack in (attack_class(self) for attack_class in attacks) if attack.prepare()]
        self._first = self.chance.sample(self.attacks, len(self.attacks))  # each comes once before chance decides

    def run(self, jobs, gates):
        """Attack until all jobs have ended, measure times, and stop the workers.

        :param jobs: how many there are
        :param gates: dict, id of a further job, which begins tomorrow, to the path of the file for
            which it waits
        """
        self.jobs = jobs
        self.proxy = Proxy(self.folder, self.cluster.socket_folder)
        copy_older_code(self.folder / "older")
        began = time.monotonic()
        with self.observer:
            try:
                self.workers = [self._start_worker(number) for number in (OVER_THE_LINE, OLDER, SEVERAL)]
                self._attack_until_all_have_ended()
                self._leave_in_peace()
                self.reruns = [self._time_rerun(job_id, gate) for job_id, gate in gates.items()]
            finally:
                self._leave_in_peace()
                for number in range(len(self.workers)):
                    self._stop_worker(number)
        self.seconds = time.monotonic() - began

    def clear(self):
        for attack in self.attacks:
            attack.clear()

    # Operations for the attacks

    def goes_on(self, attack_class):
        """Tell whether an attack that lasts for a while goes on."""
        return any(attack.goes_on() for attack in self.attacks if isinstance(attack, attack_class))

    def random_pid(self):
        """Return the id of a random worker process that is not stopped, or None."""
        rows = self.observer.rows("SELECT DISTINCT pid FROM queue_worker ORDER BY pid") or []
        pids = [pid for (pid,) in rows if is_awake(pid)]
        return self.chance.choice(pids) if pids else None

    def deploy_one(self):
        """Stop a worker, and start it again."""
        number = self.chance.randrange(len(self.workers))
        self._stop_worker(number)
        self.workers[number] = self._start_worker(number)

    def _start_worker(self, number):
        options = {
            OVER_THE_LINE: ["--db_host", self.folder],
            OLDER: ["--addons-path", f"{self.folder / 'older'},{ROOT}"],
            SEVERAL: ["--processes", "2"],
        }
        return servers.Process(f"chaos_{number}", "jobs_worker", "-d", self.dbname, "--threads", "2", *options[number])

    def _stop_worker(self, number):
        began = time.monotonic()
        self.workers[number].stop()
        self.stops.append(time.monotonic() - began)

    def _leave_in_peace(self):
        for attack in self.attacks:
            attack.end()

    def _time_rerun(self, job_id, gate):
        """Kill the process that runs a job; return the seconds until the job runs again.

        Meanwhile there is nothing else to do for anybody.
        """
        self._begin_now("id = %s", job_id)
        lease, pid = self._wait_for_lease(job_id, 0)
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self._wait_for_lease(job_id, lease)
        seconds = time.monotonic() - began
        gate.touch()
        self._wait_for("SELECT id FROM queue_job WHERE id = %s AND state = 'done'", [job_id])
        return seconds

    def _wait_for_lease(self, job_id, other):
        return self._wait_for(
            """
            SELECT job.lease_token, worker.pid FROM queue_job job JOIN queue_worker worker ON worker.id = job.worker_id
            WHERE job.id = %s AND job.state = 'started' AND job.lease_token <> %s
            """,
            [job_id, other],
        )

    def _wait_for(self, query, values):
        deadline = time.monotonic() + PATIENCE
        while not (rows := self.observer.rows(query, values)):
            if time.monotonic() > deadline:
                raise Failure(f"this did not come true in {PATIENCE} s: {query}", f"read {self.workers[0].log}.")
            time.sleep(0.02)
        return rows[0]

    def _begin_now(self, condition, *values):
        self.observer.rows(
            f"""
            UPDATE queue_job SET eta = clock_timestamp() AT TIME ZONE 'UTC' WHERE state = 'scheduled' AND {condition}
            RETURNING id
            """,
            values,
        )

    def _attack_until_all_have_ended(self):
        last_end, shown = time.monotonic(), 0
        while self.ended < self.jobs:
            time.sleep(self.chance.uniform(0.2, 2))
            now = time.monotonic()
            count = self.observer.value("SELECT count(*) FROM queue_job WHERE state IN ('done', 'cancelled', 'failed')")
            if count is not None and count != self.ended:
                self.ended, last_end = count, now
            if now - last_end > PATIENCE:
                raise Failure(f"no job has ended for {PATIENCE} s.", f"read {self.workers[0].log}.", self._states())
            if now - shown > 5:
                shown = now
                print(f"  {self.ended}/{self.jobs} jobs ended, attacks: {dict(self.hits)}", flush=True)
            for worker in self.workers:
                worker.check()
            if self.ended < self.jobs * UNDER_ATTACK:
                self._attack()
            else:
                self._leave_in_peace()
                self._shorten_waits()

    def _attack(self):
        """Make the attack that is due; else each attack once, then those that chance chooses."""
        possible = [attack for attack in self.attacks if attack.is_possible()]
        due = [attack for attack in possible if not attack.weight]
        first = [attack for attack in self._first if attack in possible]
        weighed = [attack for attack in possible if attack.weight]
        if weighed:
            weighed = self.chance.choices(weighed, [attack.weight for attack in weighed])
        for attack in [*due, *first, *weighed][:1]:
            if attack.hit() is not False:
                self.hits[attack.name] += 1
                self._first = [other for other in self._first if other is not attack]

    def _shorten_waits(self):
        """Let the jobs that were killed several times run again now.

        The length of their wait is not tested here.
        """
        self._begin_now("date_started IS NOT NULL")

    def _states(self):
        counted = self.observer.rows("SELECT state, count(*), min(message) FROM queue_job GROUP BY 1") or []
        return [
            f"{state}: {count} ({message})" if message else f"{state}: {count}" for state, count, message in counted
        ]

    def findings(self, log):
        """Return ``{what must not be: list of the cases found}``.

        :param log: path of the file in which each job has left its line
        """
        found = verdict.findings(self.observer, log)
        for attack in self.attacks:
            found |= attack.findings()
        return found

    def report(self):
        """Print what was done and measured."""
        print(f"\n  {self.jobs} jobs in {self.seconds:.0f} s under {self.hits.total()} attacks: {dict(self.hits)}")
        most = {name: self.observer.most_leases[name] for name in verdict.LIMITED}
        print(f"  most leases at once: {most}")
        print(f"  from kill -9 to the rerun of its jobs: {verdict.in_words(self.reruns)}")
        print(f"  from SIGTERM to the exit: {verdict.in_words(self.stops)}")


def copy_older_code(folder):
    """Create an addons path with the test addon from before a job function was added to it."""
    addon = folder / "test_connector"
    shutil.copytree(ROOT / "test_connector", addon, ignore=shutil.ignore_patterns("newer_jobs.py", "__pycache__"))
    init = addon / "__init__.py"
    init.write_text(init.read_text().replace("from . import newer_jobs\n", ""))
