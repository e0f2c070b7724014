"""Jobs that each have one effect, workers that are killed, stopped, cut off and left without a server, and a count at the end.

``make chaos`` runs for a minute or two; ``make chaos ARGS="--jobs 10000 --seed 7"`` longer. The seed decides what is done to whom and in
which order; when it hits is up to the machine.
"""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg2

from scripts import databases, postgres, servers
from scripts.paths import ODOO
from scripts.programs import run
from scripts.progress import Failure, command, step

from .proxy import Proxy

DATABASE = "connector_chaos"
CAPACITY = 2  # of the channel that half of the jobs go to
WORKERS = 3
PATIENCE = 180  # seconds without any job ending

DELAY = """
from odoo.addons.connector.session import ConnectorSession
from odoo.addons.test_connector.jobs import leave_line
env["queue.job.channel"]._ensure("root.test.limited").capacity = {capacity}
session = ConnectorSession.from_env(env)
for number in range({jobs}):
    channel = "root.test" if number % 2 else "root.test.limited"
    leave_line.delay(session, "test.effect", {log!r}, channel=channel, max_retries=0)
env.cr.commit()
"""


def main():
    """Attack the workers until all jobs have ended; return 0 if each was done exactly once."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="how many jobs (default 2000)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the attacks of another run")
    options = parser.parse_args()
    print(f"Seed {options.seed}", flush=True)
    if any(os.environ.get(name) for name in postgres.OWN_SERVER):
        raise Failure(
            "chaos restarts PostgreSQL, which it does with a private one only.",
            f"unset {', '.join(postgres.OWN_SERVER)}.",
        )
    with ExitStack() as stack:
        stack.enter_context(postgres.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        chaos = Chaos(options.jobs, random.Random(options.seed), folder)
        chaos.prepare()
        stack.callback(databases.drop, DATABASE)
        return chaos.run()


class Chaos:
    """One run of the attack.

    :param jobs: how many
    :param chance: a ``random.Random``, which decides what happens
    :param folder: an empty folder
    """

    def __init__(self, jobs, chance, folder):
        self.jobs = jobs
        self.chance = chance
        self.folder = folder
        self.log = folder / "lines"
        self.attacks = Counter()
        self.restarts = [jobs // 3, 2 * jobs // 3]  # PostgreSQL is restarted when so many jobs have ended
        self.most_leases = 0
        self.workers = []
        self.proxy = None
        self._over = threading.Event()

    def prepare(self):
        """Make the database and delay the jobs."""
        with step("Database with the jobs"):
            databases.create(DATABASE, databases.template(("mail",)))
            databases.install(DATABASE, ["test_connector"])
            script = DELAY.format(jobs=self.jobs, capacity=CAPACITY, log=str(self.log))
            run([ODOO, "shell", "-d", DATABASE, "--no-http"], "see the log.", input=script)

    def run(self):
        """Attack, wait for the end, and judge."""
        self.proxy = Proxy(self.folder, postgres.socket_folder())
        sampler = threading.Thread(target=self._sample_leases)
        began = time.monotonic()
        try:
            for number in range(WORKERS):
                host = ["--db_host", self.folder] if number == 0 else []
                self.workers.append(
                    servers.Process(f"chaos_{number}", "connector_worker", "-d", DATABASE, "--threads", "2", *host)
                )
            sampler.start()
            self._attack_until_done()
        finally:
            self._over.set()
            self.proxy.mend()
            for worker in self.workers:
                worker.stop()
            if sampler.ident:
                sampler.join()
        return self._judge(time.monotonic() - began)

    def _attack_until_done(self):
        ended, last_end, shown = 0, time.monotonic(), 0
        while ended < self.jobs:
            time.sleep(self.chance.uniform(0.2, 2))
            now = time.monotonic()
            left = self._value("SELECT count(*) FROM queue_job WHERE state <> 'done'")
            if left is not None and self.jobs - left != ended:
                ended, last_end = self.jobs - left, now
            if now - last_end > PATIENCE:
                raise Failure(f"no job has ended for {PATIENCE} s.", f"read {self.workers[0].log}.", self._states())
            if now - shown > 5:
                shown = now
                print(f"  {ended}/{self.jobs} jobs done, attacks: {dict(self.attacks)}", flush=True)
            for worker in self.workers:
                worker.check()
            if ended < self.jobs * 0.95:
                self._attack(ended)

    def _attack(self, ended):
        if self.restarts and ended >= self.restarts[0]:
            del self.restarts[0]
            self.attacks["server restarted"] += 1
            postgres.restart("immediate")
            return
        attack = self.chance.choices([self._kill, self._stop, self._terminate, self._cut], [60, 8, 25, 7])[0]
        attack()

    def _kill(self):
        if pid := self._random_pid():
            self.attacks["process killed"] += 1
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _stop(self):
        if pid := self._random_pid():
            self.attacks["process stopped for 17 s"] += 1
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                threading.Timer(17, _continue, [pid]).start()

    def _terminate(self):
        self.attacks["connections terminated"] += 1
        self._value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND random() < 0.3 "
            "AND (datname = current_database() OR pid IN (SELECT backend_pid FROM queue_worker))"
        )

    def _cut(self):
        self.attacks["line cut for 17 s"] += 1
        self.proxy.cut()
        threading.Timer(17, self.proxy.mend).start()

    def _random_pid(self):
        rows = self._rows("SELECT DISTINCT pid FROM queue_worker ORDER BY pid") or []
        return self.chance.choice(rows)[0] if rows else None

    def _sample_leases(self):
        while not self._over.wait(0.03):
            leases = self._value(
                "SELECT count(*) FROM queue_job JOIN queue_job_channel channel ON channel.id = channel_id "
                "WHERE state IN ('enqueued', 'started') AND complete_name = 'root.test.limited'"
            )
            self.most_leases = max(self.most_leases, leases or 0)

    def _judge(self, seconds):
        lines = Counter(self.log.read_text().split()) if self.log.exists() else Counter()
        findings = {
            "jobs that are not done": self._rows("SELECT id, state FROM queue_job WHERE state <> 'done'"),
            "jobs without their effect": self._rows(
                "SELECT id FROM queue_job WHERE NOT EXISTS (SELECT FROM test_effect WHERE job_id = queue_job.id)"
            ),
            "jobs with an effect too many": self._rows("SELECT job_id FROM test_effect GROUP BY 1 HAVING count(*) > 1"),
            "jobs with a lease": self._rows(
                "SELECT id FROM queue_job WHERE worker_id IS NOT NULL OR lease_token IS NOT NULL"
            ),
            "jobs done without their line outside": [
                id_ for (id_,) in self._rows("SELECT id FROM queue_job WHERE state = 'done'") if str(id_) not in lines
            ],
            "workers left": self._rows("SELECT host, pid FROM queue_worker"),
            f"leases above the capacity of {CAPACITY}": [self.most_leases] if self.most_leases > CAPACITY else [],
        }
        print(
            f"\n  {self.jobs} jobs in {seconds:.0f} s under {sum(self.attacks.values())} attacks: {dict(self.attacks)}"
        )
        print(
            f"  {sum(lines.values())} tries wrote their line outside; at most {self.most_leases} leases in the limited channel"
        )
        broken = {name: found for name, found in findings.items() if found}
        for name, found in findings.items():
            print(f"  {name:<42}{len(found):>6}{f'   {found[:5]}' if found else ''}")
        print("FAILED" if broken else "Each job was done exactly once.")
        return 1 if broken else 0

    def _states(self):
        return [
            f"{state}: {count}" for state, count in self._rows("SELECT state, count(*) FROM queue_job GROUP BY 1") or []
        ]

    def _value(self, query):
        rows = self._rows(query)
        return rows[0][0] if rows else None

    def _rows(self, query):
        """Return the rows of a query, or None while the server is away."""
        try:
            with databases.cursor(DATABASE) as cr:
                cr.execute(query)
                return cr.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            return None


def _continue(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    command(main)
