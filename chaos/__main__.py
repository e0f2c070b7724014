"""Chaos test: run jobs while workers and PostgreSQL are attacked, then check the effects.

Each job, of whatever kind, has one effect. Workers are killed, stopped, cut off and left without a
server. At the end the effects are counted.

``make chaos`` runs for some minutes; ``make chaos ARGS="--jobs 10000 --seed 7"`` longer. The seed
decides what is done to whom and in which order. The moment at which it hits depends on the machine.
``ARGS="--only kill,full_disk"`` tries some of what can be done; a name that does not exist makes it
list all names.
"""

import argparse
import random
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

from scripts import databases, postgres
from scripts.progress import Failure, command, step

from .attacks import ATTACKS
from .load import HOSTILE, delay_jobs
from .run import Run
from .scenario import environment_variables
from .scenarios import SCENARIOS

DATABASE = "connector_chaos"
RERUNS = 5  # how often the time from a kill to the rerun is taken


def main():
    """Attack the workers, run the scenarios; return 0 if each job was done exactly once.

    The attacks go on until all jobs have ended.
    """
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="how many jobs, about (default 2000)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the attacks of another run")
    parser.add_argument(
        "--only", type=names, default=names_of_all(), help="what is done, by names with commas between them"
    )
    options = parser.parse_args()
    print(f"Seed {options.seed}", flush=True)
    if postgres.is_own():
        raise Failure(
            "chaos crashes PostgreSQL, which it does with a private one only.",
            f"unset {', '.join(postgres.OWN_SERVER)}.",
        )
    scenarios = [scenario for scenario in SCENARIOS if name_of(scenario) in options.only]
    found = {}
    with ExitStack() as stack:
        stack.enter_context(postgres.running())
        template = databases.installed(["test_connector"], databases.template(databases.BASE))
        with step("PostgreSQL of its own"):
            cluster = stack.enter_context(postgres.copied("chaos"))
        stack.enter_context(environment_variables(postgres.variables(cluster)))
        if len(scenarios) < len(options.only):
            found |= attack(cluster, template, options)
        for scenario in scenarios:
            with tempfile.TemporaryDirectory() as folder:
                found |= scenario(cluster, template, Path(folder)).run()
    print()
    for name, rows in found.items():
        print(f"  {name:<75}{len(rows):>6}{f'   {rows[:5]}' if rows else ''}")
    well = not any(found.values())
    print("Each job was done exactly once." if well else "FAILED")
    return 0 if well else 1


def names(text):
    """Return the names in a comma-separated list.

    :raise argparse.ArgumentTypeError: one is unknown
    """
    if unknown := set(text.split(",")) - names_of_all():
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(sorted(names_of_all()))}")
    return set(text.split(","))


def names_of_all():
    return {*map(name_of, ATTACKS), *HOSTILE, *map(name_of, SCENARIOS)}


def name_of(of_class):
    """Return the command-line name of an attack or scenario: `full_disk` for `FullDisk`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", of_class.__name__).lower()


def attack(cluster, template, options):
    """Run jobs of all kinds under the attacks that the options name; return the findings."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = folder / "lines"
        gates = [folder / f"gate {number}" for number in range(RERUNS)]
        attacks = [one for one in ATTACKS if name_of(one) in options.only]
        databases.create_original(DATABASE, template)
        stack.callback(databases.drop, DATABASE)
        run = Run(cluster, DATABASE, options.jobs, random.Random(options.seed), folder, attacks)
        stack.callback(run.clear)
        with step("Jobs"):
            hostile = [kind for kind in HOSTILE if kind in options.only]
            jobs, waiting = delay_jobs(DATABASE, options.jobs, log, gates, hostile)
        run.run(jobs, dict(zip(waiting, gates, strict=True)))
        run.report()
        return run.findings(log)


if __name__ == "__main__":
    command(main)
