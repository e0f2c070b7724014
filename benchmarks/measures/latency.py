"""Measures of the latency: the time until an idle worker starts a job."""

from statistics import quantiles

from ..measure import Figure, at_most, measure

INTERVAL = 0.2  # seconds


FIGURES = {"p50": Figure("ms, median", at_most(5)), "p99": Figure("ms, 99th percentile", at_most(12))}


@measure(
    "Idle latency: commit of the delaying transaction to start of the job, one job every 200 ms",
    peers=("connector", "oca", "procrastinate"),
    **FIGURES,
)
def latency(peer, options):
    count = max(10, min(200, options.jobs // 50))
    peer.clear()
    with peer.workers(2) as process:
        commits = peer.trickle(count, INTERVAL)
        peer.wait_for_jobs(process, count)
    starts = dict(peer.journal.entries())
    milliseconds = [1000 * (starts[number] - commit) for number, commit in enumerate(commits, 1)]
    percentiles = quantiles(milliseconds, n=100, method="inclusive")
    return {"p50": percentiles[49], "p99": percentiles[98]}


@measure("The same with the workers of Odoo's own server", peers=("connector_server",), **FIGURES)
def latency_server(peer, options):
    return latency(peer, options)
