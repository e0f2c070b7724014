"""Measure of the screens while there are very many jobs, most of them done.

The figures are the time of the server, for which the browser waits.
"""

from ..measure import Figure, at_most, measure

#: Milliseconds that each screen may take.
PATIENCE = 300


@measure(
    "Screens with {backlog} jobs, of which one in 25 has failed",
    peers=("connector",),
    panel=Figure("ms, the side panel of jobs", at_most(PATIENCE)),
    jobs=Figure("ms, the list of jobs with the slowest of its filters", at_most(PATIENCE)),
    record=Figure("ms, the jobs of one record, by its number", at_most(10)),
    channels=Figure("ms, the list of channels", at_most(PATIENCE)),
    failures=Figure("ms, the list of failures", at_most(PATIENCE)),
)
def screens(peer, options):
    peer.clear()
    peer.mixed_backlog(options.backlog)
    return peer.ask("screens")
