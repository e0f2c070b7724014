"""Collect what consumers of events are told one by one, to deal with it together."""

from collections.abc import Callable
from typing import Any

from odoo.addons.connector import ConnectorSession


def collect(session: ConnectorSession, act: Callable[[ConnectorSession, list[Any]], object], item: Any) -> None:
    """Call a function once at the end of the transaction, with all that was collected for it.

    What was collected in contexts that keep changes from different backends is handed over apart.

    :param act: ``function(session, items)``; the items are in the order in which they were
        collected, each once
    :param item: what can be a key of a dict
    """
    precommit = session.cr.precommit
    key = act, session.env.context.get("no_connector_export")
    if key not in precommit.data:
        precommit.data[key] = {}
        precommit.add(lambda: act(session, list(precommit.data.pop(key))))
    precommit.data[key][item] = None
