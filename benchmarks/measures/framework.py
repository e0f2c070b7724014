"""Measures of a connector without its jobs: mapping, look-up of units, listening to changes."""

from ..measure import Figure, at_most, measure, times

CALLS = 20_000


@measure(
    "values() of a mapper with 20 direct and 5 method mappings",
    peers=("framework", "oca_framework"),
    rate=Figure("records/s", times(2, "oca_framework")),
    duration=Figure("microseconds a record"),
)
def mapper(peer, options):
    seconds = peer.of_backend("map_values", CALLS)
    return {"rate": CALLS / seconds, "duration": 1e6 * seconds / CALLS}


@measure(
    "Look-up of a unit among more than 200 that are registered",
    peers=("framework", "oca_framework"),
    duration=Figure("microseconds", at_most(2)),
)
def lookup(peer, options):
    return {"duration": 1e6 * peer.of_backend("look_up", CALLS) / CALLS}


@measure(
    "write() on a model without consumers, with the addon installed and without",
    peers=("framework",),
    ratio=Figure("times as long, with the addon", at_most(1.01)),
    least=Figure("times, lower end of the 95 % interval"),
    greatest=Figure("times, upper end of the 95 % interval"),
    duration=Figure("microseconds, with the addon"),
)
def write(peer, options):
    return peer.compare_writes()
