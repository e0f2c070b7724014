"""Class ``Event``: a hook to which connectors subscribe functions, called consumers."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, overload

from odoo.modules import module as odoo_module
from odoo.modules.registry import Registry

from odoo.addons.jobs_queue.registration import (
    is_installed,
    loading_order,
    lookups,
    registering_addon,
    registration_changed,
)
from odoo.addons.jobs_queue.session import ConnectorSession

#: A function ``(session, model_name, *args)``; its result counts for nothing.
Consumer: TypeAlias = Callable[..., object]
#: One name, several names or none.
Names: TypeAlias = str | Iterable[str] | None

ConsumerT = TypeVar("ConsumerT", bound=Consumer)


@dataclass(frozen=True)
class Subscription:
    """The subscription of a consumer to an event, for some models.

    It exists in the databases where its addon is installed.
    """

    consumer: Consumer | None  # None: the addon only removes the one it replaces
    model_names: frozenset[str]  # empty: every model
    replacing: Consumer | None
    addon: str | None

    def concerns(self, model_name: str) -> bool:
        """Return whether the subscription is for a model."""
        return not self.model_names or model_name in self.model_names


class Event:
    """A hook to which functions can be subscribed.

    An event is declared once, at the top level of a module::

        on_order_confirmed = Event()

    A function is subscribed with a decorator, or with :meth:`subscribe`::

        @on_order_confirmed
        def delay_export(session, model_name, record_id):
            ...

        @on_order_confirmed(model_names=["shop.sale.order"], replacing=delay_export)
        def delay_export_of_shop(session, model_name, record_id):
            ...

    The event is fired with :meth:`fire`. A subscription exists only in the databases where the
    addon that made it is installed. Consumers are called in the order of the addons' dependencies,
    and within an addon in the order of subscription. If a consumer raises, :meth:`fire` raises the
    same exception, which aborts the transaction of the caller. A consumer that must not abort it
    delays a job.

    While the modules of a database are being loaded, no consumer is called. The records that an
    installation or an upgrade writes are not changes to synchronise, and the tables of the
    consumers may not exist yet. The only exception are tests that run in the meantime
    (``at_install``).

    :param arguments: names of the arguments that consumers take after session and model name. If
        there are any, a consumer that does not take that many is refused when it subscribes.
    """

    _subscription_class: type[Subscription] = Subscription

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._subscriptions: list[Any] = []  # of the _subscription_class

    @overload
    def __call__(
        self, consumer: ConsumerT, *, model_names: Names = None, replacing: Consumer | None = None
    ) -> ConsumerT: ...

    @overload
    def __call__(
        self, consumer: None = None, *, model_names: Names = None, replacing: Consumer | None = None
    ) -> Callable[[ConsumerT], ConsumerT]: ...

    def __call__(self, consumer: Any = None, *, model_names: Names = None, replacing: Consumer | None = None) -> Any:
        """Subscribe the decorated function; with or without parentheses.

        The arguments are those of :meth:`subscribe`.
        """
        addon = registering_addon()

        def subscribe(consumer: ConsumerT) -> ConsumerT:
            self._subscribe(consumer, model_names, replacing, addon)
            return consumer

        return subscribe if consumer is None else subscribe(consumer)

    def subscribe(self, consumer: Consumer, model_names: Names = None, replacing: Consumer | None = None) -> None:
        """Call a function each time the event is fired.

        :param consumer: function that takes ``(session, model_name, *args)``; ``args`` are the
            further arguments of the event
        :param model_names: name of a model or list of names; the consumer is called for these only.
            None: for every model
        :param replacing: consumer that is no longer called for these models, in the databases where
            this subscription exists
        :raise ValueError: the consumer to replace is not subscribed
        """
        self._subscribe(consumer, model_names, replacing, registering_addon())

    def unsubscribe(self, consumer: Consumer, model_names: Names = None) -> None:
        """Stop calling a function.

        If an addon unsubscribes the consumer of another addon, this applies only to the databases
        where the unsubscribing addon is installed.

        :param consumer: function that was subscribed
        :param model_names: name of a model or list of names; the consumer is no longer called for
            these. None: for every model
        :raise ValueError: the consumer is not subscribed
        """
        addon = registering_addon()
        model_names = set_of_names(model_names)
        own = [
            subscription
            for subscription in self._subscriptions
            if subscription.consumer == consumer
            and subscription.addon == addon
            and subscription.model_names == model_names
        ]
        if own:
            for subscription in own:
                self._subscriptions.remove(subscription)
            registration_changed()
        else:
            self._subscribe(None, model_names, consumer, addon)

    def _subscribe(
        self,
        consumer: Consumer | None,
        model_names: Names,
        replacing: Consumer | None,
        addon: str | None,
        **options: Any,
    ) -> None:
        if consumer is not None and not callable(consumer):
            raise TypeError(
                f"The consumer of an event is a function, not {consumer!r}; model names are given as model_names=[...]"
            )
        if replacing is not None and all(subscription.consumer != replacing for subscription in self._subscriptions):
            raise ValueError(
                f"{consumer_name(replacing)} is not subscribed to this event, so it can be neither replaced nor unsubscribed"
            )
        if consumer is not None and self._arguments:
            self._check_arguments(consumer)
        subscription = self._subscription_class(consumer, set_of_names(model_names), replacing, addon, **options)
        self._subscriptions.append(subscription)
        registration_changed()

    def _check_arguments(self, consumer: Consumer) -> None:
        arguments = ("session", "model_name", *self._arguments)
        try:
            inspect.signature(consumer).bind(*arguments)
        except TypeError as error:
            raise TypeError(
                f"{consumer_name(consumer)} is called with ({', '.join(arguments)}), which it does not take: {error}"
            ) from error

    def fire(self, session: ConnectorSession, model_name: str, *args: Any, **kwargs: Any) -> None:
        """Call the consumers of the event.

        :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`
        :param model_name: name of the model that the event concerns
        :param args: further arguments of the consumers, after session and model name
        """
        for subscription in self.subscriptions(session.env.registry, model_name):
            subscription.consumer(session, model_name, *args, **kwargs)

    def has_consumer_for(self, session: ConnectorSession, model_name: str) -> bool:
        """Return whether the event has a consumer for a model."""
        return bool(self.subscriptions(session.env.registry, model_name))

    def subscriptions(self, registry: Registry, model_name: str) -> tuple[Any, ...]:
        """Return the :class:`Subscription` of each consumer to call for a model, in order.

        They are those of one registry. They are cached for each registry and model: after the first
        call, the cost is one dictionary lookup. So events without consumers cost nothing.
        """
        if not registry.ready and not odoo_module.current_test:
            return ()
        found = lookups(registry)
        try:
            return found[self, model_name]
        except KeyError:
            subscriptions = found[self, model_name] = self._find_subscriptions(registry, model_name)
            return subscriptions

    def _find_subscriptions(self, registry: Registry, model_name: str) -> tuple[Any, ...]:
        # by consumer: a function that is subscribed twice, once for every model, is called once
        found: dict[Consumer | None, Any] = {}
        for subscription in sorted(self._subscriptions, key=lambda subscription: loading_order(subscription.addon)):
            if subscription.concerns(model_name) and is_installed(registry, subscription.addon):
                found.pop(subscription.replacing, None)
                if subscription.consumer is not None:
                    found[subscription.consumer] = subscription
        return tuple(found.values())


def set_of_names(names: Names) -> frozenset[str]:
    """Return one name, several names or None (no names) as a frozenset."""
    if isinstance(names, str):
        return frozenset([names])
    names = frozenset(names or ())
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise TypeError(f"Names are texts, not {wrong[0]!r}")
    return names


def consumer_name(consumer: Any) -> str:
    """Return the complete name of a consumer."""
    return f"{consumer.__module__}.{consumer.__qualname__}"
