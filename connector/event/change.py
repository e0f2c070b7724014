"""The event of what has become of records, told after the commit: one call a record and transaction, however often it was written."""

from dataclasses import dataclass, field

from odoo.addons.jobs_queue.registration import registering_addon

from .event import Event, Subscription, set_of_names


@dataclass(frozen=True)
class Change:
    """What happened to a record in a transaction, all in all.

    :param kind: ``create``, ``write`` or ``unlink``
    :param fields: frozenset of the names of all fields that were given to ``create`` and ``write``
    :param old: dict, where the subscription asks for it: values before the transaction, as ``read(load=None)`` gives them. Of a write
        those of the fields written, of an unlink those of the stored fields, as far as they are among the subscription's
        ``fields``; binary fields are left out
    """

    kind: str
    fields: frozenset = frozenset()
    old: dict = field(default_factory=dict)


@dataclass(frozen=True)
class ChangeSubscription(Subscription):
    """A :class:`Subscription` to changes of some fields."""

    fields: frozenset = frozenset()  # empty: all
    old_values: bool = False

    def wants(self, change):
        """Return whether the consumer is called for a change."""
        return change.kind != "write" or not self.fields or not self.fields.isdisjoint(change.fields)

    def seen(self, change):
        """Return the change as the consumer sees it."""
        old = change.old if self.old_values else {}
        return Change(
            change.kind,
            change.fields,
            {name: value for name, value in old.items() if not self.fields or name in self.fields},
        )


class RecordChangeEvent(Event):
    """The event of what has become of records, fired after the commit::

        @on_record_change(model_names=["product.product"], fields=["lst_price"], old_values=True)
        def delay_export_price(session, model_name, record_id, change):
            if change.kind == "write":
                export_price.delay(session, model_name, record_id, change.old["lst_price"])

    Consumers take ``(session, model_name, record_id, change)`` with a :class:`Change`. They are called once a record and transaction, in
    the order in which the records were first changed, as the user and in the context of the record's last change; the context has
    ``no_connector_export`` only for the backends for which all its changes had it. A record that was created and deleted in one
    transaction is not told. Another transaction may have changed or deleted the record meanwhile. What a consumer does is committed with
    what the others do; when one of them raises, all are called again, each by itself.
    """

    _subscription_class = ChangeSubscription

    def __call__(self, consumer=None, *, model_names=None, replacing=None, fields=None, old_values=False):
        """Subscribe the decorated function. The arguments are those of :meth:`subscribe`; with or without parentheses."""
        options = {"fields": set_of_names(fields), "old_values": old_values}
        addon = registering_addon()

        def subscribe(consumer):
            self._subscribe(consumer, model_names, replacing, addon, **options)
            return consumer

        return subscribe if consumer is None else subscribe(consumer)

    def subscribe(self, consumer, model_names=None, replacing=None, fields=None, old_values=False):
        """Call a function once for each record that a transaction has changed, after its commit.

        :param consumer: function that takes ``(session, model_name, record_id, change)``
        :param model_names: see :meth:`Event.subscribe`
        :param replacing: see :meth:`Event.subscribe`
        :param fields: name or list of names of fields; writes that concern none of them are not told. None: all fields
        :param old_values: give the consumer the values before the transaction, which have to be read for it
        :raise ValueError: the consumer to replace is not subscribed
        """
        options = {"fields": set_of_names(fields), "old_values": old_values}
        self._subscribe(consumer, model_names, replacing, registering_addon(), **options)


def old_values(records, subscriptions, written=None):
    """Return the values of records that subscriptions to their changes ask for, as a dict by record id.

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
