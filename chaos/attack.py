"""Workers under attack until all jobs have ended."""

import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress

from scripts import postgres, servers
from scripts.progress import Failure

from . import verdict
from .observer import Observer
from .proxy import Proxy

WORKERS = 3
PATIENCE = 90  # seconds without any job ending
SLEEP = 17  # seconds for which a process is stopped or a line cut: longer than a worker may go without a sign of life
UNDER_ATTACK = 0.95  # of the jobs end under attack; the others show that nothing is stuck


class Attack:
    """One run of the attack.

    :param dbname: name of the database with the jobs
    :param jobs: how many there are
    :param gates: dict, id of a further job, which begins tomorrow, to the path of the file for which it waits
    :param chance: a ``random.Random``, which decides what happens
    :param folder: an empty folder, for the socket of a line that can be cut
    """

    def __init__(self, dbname, jobs, gates, chance, folder):
        self.dbname = dbname
        self.jobs = jobs
        self.gates = gates
        self.chance = chance
        self.folder = folder
        self.observer = Observer(dbname)
        self.attacks = Counter()
        self.reruns = []  # seconds from kill -9 to the rerun of a job
        self.stops = []  # seconds from SIGTERM to the exit
        self.restarts = [jobs // 3, 2 * jobs // 3]  # PostgreSQL is restarted when so many jobs have ended
        self.workers = []
        self.proxy = None
        self._calm_at = 0

    def run(self):
        """Attack until all jobs have ended, take times, and stop the workers; return how many seconds that took."""
        self.proxy = Proxy(self.folder, postgres.private_cluster().socket_folder)
        began = time.monotonic()
        with self.observer:
            try:
                self.workers = [self._start_worker(number) for number in range(WORKERS)]
                self._attack_until_all_have_ended()
                self.proxy.mend()
                self.reruns = [self._time_rerun(job_id, gate) for job_id, gate in self.gates.items()]
            finally:
                self.proxy.mend()
                for number in range(len(self.workers)):
                    self._stop_worker(number)
        return time.monotonic() - began

    def _start_worker(self, number):
        host = ["--db_host", self.folder] if number == 0 else []  # over the line that can be cut
        return servers.Process(f"chaos_{number}", "connector_worker", "-d", self.dbname, "--threads", "2", *host)

    def _stop_worker(self, number):
        began = time.monotonic()
        self.workers[number].stop()
        self.stops.append(time.monotonic() - began)

    def _time_rerun(self, job_id, gate):
        """Kill the process that runs a job, with nothing else to do for anybody; return how many seconds it takes until it runs again."""
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
        ended, last_end, shown = 0, time.monotonic(), 0
        while ended < self.jobs:
            time.sleep(self.chance.uniform(0.2, 2))
            now = time.monotonic()
            count = self.observer.value("SELECT count(*) FROM queue_job WHERE state IN ('done', 'cancelled')")
            if count is not None and count != ended:
                ended, last_end = count, now
            if now - last_end > PATIENCE:
                raise Failure(f"no job has ended for {PATIENCE} s.", f"read {self.workers[0].log}.", self._states())
            if now - shown > 5:
                shown = now
                print(f"  {ended}/{self.jobs} jobs ended, attacks: {dict(self.attacks)}", flush=True)
            for worker in self.workers:
                worker.check()
            if ended < self.jobs * UNDER_ATTACK:
                self._attack(ended)
            else:
                self._shorten_waits()

    def _attack(self, ended):
        if self.restarts and ended >= self.restarts[0]:
            del self.restarts[0]
            self.attacks["server restarted"] += 1
            postgres.private_cluster().restart("immediate")
            return
        attacks = {self._kill: 50, self._terminate: 20, self._stop: 5, self._cut: 5, self._deploy: 20}
        (attack,) = self.chance.choices(list(attacks), list(attacks.values()))
        attack()

    def _kill(self):
        if pid := self._random_pid():
            self.attacks["process killed"] += 1
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _stop(self):
        if pid := self._random_pid():
            self.attacks[f"process stopped for {SLEEP} s"] += 1
            self._calm_at = time.monotonic() + SLEEP
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                threading.Timer(SLEEP, _continue, [pid]).start()

    def _terminate(self):
        self.attacks["connections terminated"] += 1
        self.observer.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND random() < 0.3 "
            "AND (datname = current_database() OR pid IN (SELECT backend_pid FROM queue_worker))"
        )

    def _cut(self):
        self.attacks[f"line cut for {SLEEP} s"] += 1
        self._calm_at = time.monotonic() + SLEEP
        self.proxy.cut()
        threading.Timer(SLEEP, self.proxy.mend).start()

    def _deploy(self):
        """Stop a worker as a deploy does, and start it again; not while a process cannot hear it."""
        if time.monotonic() < self._calm_at:
            return
        self.attacks["worker deployed anew"] += 1
        number = self.chance.randrange(WORKERS)
        self._stop_worker(number)
        self.workers[number] = self._start_worker(number)

    def _random_pid(self):
        rows = self.observer.rows("SELECT DISTINCT pid FROM queue_worker ORDER BY pid")
        return self.chance.choice(rows)[0] if rows else None

    def _shorten_waits(self):
        """Have the jobs that were killed several times run again now; how long they would wait is not what is tried here."""
        self._begin_now("date_started IS NOT NULL")

    def _states(self):
        counted = self.observer.rows("SELECT state, count(*), min(message) FROM queue_job GROUP BY 1") or []
        return [
            f"{state}: {count} ({message})" if message else f"{state}: {count}" for state, count, message in counted
        ]

    def judge(self, log, seconds):
        """Print what was found and measured; return whether each job was done exactly once.

        :param log: path of the file in which each job has left its line
        :param seconds: that the attack took
        """
        found = verdict.findings(self.observer, log)
        print(
            f"\n  {self.jobs} jobs in {seconds:.0f} s under {sum(self.attacks.values())} attacks: {dict(self.attacks)}"
        )
        for name, rows in found.items():
            print(f"  {name:<46}{len(rows):>6}{f'   {rows[:5]}' if rows else ''}")
        most = {name: self.observer.most_leases[name] for name in verdict.LIMITED}
        print(f"  most leases at once: {most}")
        print(f"  from kill -9 to the rerun of its jobs: {verdict.in_words(self.reruns)}")
        print(f"  from SIGTERM to the exit: {verdict.in_words(self.stops)}")
        return not any(found.values())


def _continue(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
