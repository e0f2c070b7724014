"""Events of the creation, change and deletion of records, and a lookup of their consumers."""

from typing import NamedTuple

from odoo.modules.registry import Registry

from odoo.addons.jobs_queue.registration import lookups

from .change import ChangeSubscription, RecordChangeEvent
from .event import Event

on_record_create = Event("record_id", "vals")
"""A record was created. \
Consumers take ``(session, model_name, record_id, vals)``; \
``vals`` are the values given to ``create``."""

on_record_write = Event("record_id", "vals")
"""A record was written. \
Consumers take ``(session, model_name, record_id, vals)``; \
``vals`` are the values given to ``write``."""

on_record_unlink = Event("record_id")
"""A record is about to be deleted; it still exists. \
Consumers take ``(session, model_name, record_id)``."""

on_record_change = RecordChangeEvent("record_id", "change")
"""A record was created, written or deleted, and that is committed: see \
:class:`~odoo.addons.connector.event.change.RecordChangeEvent`."""


class Listeners(NamedTuple):
    """For the records of a model: the events that have consumers in a registry."""

    create: bool
    write: bool
    unlink: bool
    change: tuple[ChangeSubscription, ...]


def listeners(registry: Registry, model_name: str) -> Listeners | None:
    """Return the :class:`Listeners` to the records of a model, None if there are none.

    With None, the caller has nothing else to check.
    """
    found = lookups(registry)
    key = Listeners, model_name
    try:
        return found[key]
    except KeyError:
        events = (on_record_create, on_record_write, on_record_unlink)
        create, write, unlink = (bool(event.subscriptions(registry, model_name)) for event in events)
        change = on_record_change.subscriptions(registry, model_name)
        found[key] = Listeners(create, write, unlink, change) if change or create or write or unlink else None
        return found[key]
