"""Class ``RecordChangeEvent``: changes of records, passed to consumers after the commit.

There is one call per consumer, record and transaction, however often the record was written.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, overload

from odoo.models import BaseModel

from odoo.addons.jobs_queue.registration import registering_addon

from .event import Consumer, ConsumerT, Event, Names, Subscription, set_of_names


@dataclass(frozen=True)
class Change:
    """The sum of what happened to a record in one transaction.

    :param kind: ``create``, ``write`` or ``unlink``
    :param fields: frozenset of the names of all fields that were given to ``create`` and ``write``
    :param old: dict of the values before the transaction, as ``read(load=None)`` gives them; empty
        if the subscription does not ask for them. For a write it has the written fields, for an
        unlink the stored fields, in both cases only those among the ``fields`` of the subscription.
        Binary fields are left out.
    :param written: for a creation, frozenset of the names of those fields that were given to
        ``write`` after it; empty for other kinds
    """

    kind: str
    fields: frozenset[str] = frozenset()
    old: dict[str, Any] = field(default_factory=dict)
    written: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ChangeSubscription(Subscription):
    """A :class:`Subscription` to changes of some fields."""

    fields: frozenset[str] = frozenset()  # empty: all
    old_values: bool = False

    def wants(self, change: Change) -> bool:
        """Return whether the consumer is called for a change."""
        return change.kind != "write" or not self.fields or not self.fields.isdisjoint(change.fields)

    def seen(self, change: Change) -> Change:
        """Return the change as the consumer gets it."""
        old = change.old if self.old_values else {}
        return Change(
            change.kind,
            change.fields,
            {name: value for name, value in old.items() if not self.fields or name in self.fields},
            change.written,
        )


class RecordChangeEvent(Event):
    """The event of changes of records, fired after the commit::

        @on_record_change(model_names=["product.product"], fields=["lst_price"], old_values=True)
        def delay_export_price(session, model_name, record_id, change):
            if change.kind == "write":
                export_price.delay(session, model_name, record_id, change.old["lst_price"])

    Consumers take ``(session, model_name, record_id, change)`` with a :class:`Change`. They are
    called once per record and transaction, in the order in which the records were first changed.
    The user and the context are those of the last change of the record. The context has
    ``no_connector_export`` only for the backends for which all changes of the record had it.

    Consumers are not called for a record that was created and deleted in the same transaction.
    Another transaction may have changed or deleted the record in the meantime. The work of all
    consumers is committed together. If one of them raises, all are called again, each in its own
    savepoint.
    """

    _subscription_class: type[Subscription] = ChangeSubscription

    @overload
    def __call__(
        self,
        consumer: ConsumerT,
        *,
        model_names: Names = None,
        replacing: Consumer | None = None,
        fields: Names = None,
        old_values: bool = False,
    ) -> ConsumerT: ...

    @overload
    def __call__(
        self,
        consumer: None = None,
        *,
        model_names: Names = None,
        replacing: Consumer | None = None,
        fields: Names = None,
        old_values: bool = False,
    ) -> Callable[[ConsumerT], ConsumerT]: ...

    def __call__(
        self,
        consumer: Any = None,
        *,
        model_names: Names = None,
        replacing: Consumer | None = None,
        fields: Names = None,
        old_values: bool = False,
    ) -> Any:
        """Subscribe the decorated function; with or without parentheses.

        The arguments are those of :meth:`subscribe`.
        """
        options = {"fields": set_of_names(fields), "old_values": old_values}
        addon = registering_addon()

        def subscribe(consumer: ConsumerT) -> ConsumerT:
            self._subscribe(consumer, model_names, replacing, addon, **options)
            return consumer

        return subscribe if consumer is None else subscribe(consumer)

    def subscribe(
        self,
        consumer: Consumer,
        model_names: Names = None,
        replacing: Consumer | None = None,
        fields: Names = None,
        old_values: bool = False,
    ) -> None:
        """Call a function after the commit, once for each record that the transaction has changed.

        :param consumer: function that takes ``(session, model_name, record_id, change)``
        :param model_names: see :meth:`Event.subscribe`
        :param replacing: see :meth:`Event.subscribe`
        :param fields: name of a field or list of names; a write of other fields only is ignored.
            None: all fields
        :param old_values: give the consumer the values before the transaction, which have to be
            read for it
        :raise ValueError: the consumer to replace is not subscribed
        """
        options = {"fields": set_of_names(fields), "old_values": old_values}
        self._subscribe(consumer, model_names, replacing, registering_addon(), **options)


def old_values(
    records: BaseModel, subscriptions: Iterable[ChangeSubscription], written: Iterable[str] | None = None
) -> dict[int, dict[str, Any]]:
    """Return the old values of records that subscriptions ask for, as a dict by record id.

    :param written: names of the fields that will be written; None: the records will be deleted
    """
    asked = [subscription.fields for subscription in subscriptions if subscription.old_values]
    if not asked:
        return {}
    if written is None:
        records, written = records.exists(), [name for name, field in records._fields.items() if field.store]
    names = [
        name
        for name in written
        if name in records._fields
        and records._fields[name].type != "binary"
        and any(not fields or name in fields for fields in asked)
    ]
    return {
        record.id: {
            name: record._fields[name].convert_to_read(record[name], record, use_display_name=False) for name in names
        }
        for record in records.sudo()
    }
