"""Jobs of all kinds that each have one effect, workers that are killed, stopped, cut off and left without a server, and a count at the end.

``make chaos`` runs for two minutes or three; ``make chaos ARGS="--jobs 10000 --seed 7"`` longer. The seed decides what is done to whom and
in which order; when it hits is up to the machine.
"""

import argparse
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

from scripts import databases, postgres
from scripts.progress import Failure, command, step

from .attack import Attack
from .load import delay_jobs

DATABASE = "connector_chaos"
RERUNS = 5  # how often the time from a kill to the rerun is taken


def main():
    """Attack the workers until all jobs have ended; return 0 if each was done exactly once."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="how many jobs, about (default 2000)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the attacks of another run")
    options = parser.parse_args()
    print(f"Seed {options.seed}", flush=True)
    if postgres.is_own():
        raise Failure(
            "chaos restarts PostgreSQL, which it does with a private one only.",
            f"unset {', '.join(postgres.OWN_SERVER)}.",
        )
    with ExitStack() as stack:
        stack.enter_context(postgres.running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = folder / "lines"
        template = databases.installed(["test_connector"], databases.template(databases.BASE))
        with step("Database with the jobs"):
            databases.create_original(DATABASE, template)
            stack.callback(databases.drop, DATABASE)
            gates = [folder / f"gate {number}" for number in range(RERUNS)]
            jobs, waiting = delay_jobs(DATABASE, options.jobs, log, gates)
        attack = Attack(DATABASE, jobs, dict(zip(waiting, gates, strict=True)), random.Random(options.seed), folder)
        well = attack.judge(log, attack.run())
        print("Each job was done exactly once." if well else "FAILED")
        return 0 if well else 1


if __name__ == "__main__":
    command(main)
