"""Check of the clock: how far that of the system is from ours, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from odoo.addons.jobs_queue.exception import ConnectorException

from ..backend_adapter.crud import BackendAdapter
from ..importer.batch import BatchImporter
from .address import Result
from .finding import OK, UNKNOWN, WRONG

#: Differences up to here do not matter: the header has whole seconds, and the answer takes time.
_ALIKE = timedelta(seconds=5)
#: From here on systems begin to refuse requests that are signed with a time. RFC 5849 and RFC 7519
#: name no number; it is 5 to 15 minutes in those that are known to us.
_REFUSED = timedelta(minutes=5)


def compare_clocks(adapters: Iterable[BackendAdapter], difference: timedelta | None) -> Result:
    """Return the outcome and the sentence for the clock of a system.

    :param adapters: those of its models
    :param difference: how far its clock is ahead of ours, None if it has not told its time
    """
    adapters = list(adapters)
    adapter = adapters[0]
    if difference is None:
        return UNKNOWN, adapter._("The system does not tell its time.")
    apart = abs(difference)
    if apart <= _ALIKE:
        return OK, adapter._("The clock of the system agrees with ours.")
    words = timedelta(seconds=round(apart.total_seconds()))
    if difference > timedelta(0):
        text, missed = adapter._("The clock of the system is %s (h:mm:ss) ahead of ours.", words), False
    else:
        text = adapter._("The clock of the system is %s (h:mm:ss) behind ours.", words)
        missed = apart > _shortest_overlap(adapters)
    if missed:
        text += " " + adapter._("Imports look back by less than that, so they miss changes.")
    else:
        text += " " + adapter._("Imports miss nothing by that.")
    if apart >= _REFUSED:
        text += " " + adapter._(
            "Signed requests may be refused, and of two changes the older one may count as the newer one."
        )
    if not missed and apart < _REFUSED:
        return OK, text
    return WRONG, text + " " + adapter._("Set the clock of the one that is wrong.")


def _shortest_overlap(adapters: list[BackendAdapter]) -> timedelta:
    """Return by how much those imports look back that rely on our clock alone.

    They override how changes are found, and leave the watermark to the framework. Where an adapter
    declares ``changed``, the clock that is behind counts. Where nobody says how, all is imported.
    """
    overlaps = [timedelta.max]
    for adapter in adapters:
        with suppress(ConnectorException):  # nothing imports this model
            importer = adapter.unit_for(BatchImporter)
            kind, is_declared = type(importer), getattr(adapter, "changed", None) is not None
            finds = kind._filters_since is not BatchImporter._filters_since
            if finds and not is_declared and kind._get_next_watermark is BatchImporter._get_next_watermark:
                overlaps.append(importer._overlap)
    return min(overlaps)
