"""Class ``Backend``: registers the unit classes of an external system and looks them up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, overload

from odoo.models import BaseModel
from odoo.modules.registry import Registry

from odoo.addons.jobs_queue.registration import (
    is_installed,
    loading_order,
    lookups,
    registering_addon,
    registration_changed,
)
from odoo.addons.jobs_queue.session import ConnectorSession

from .exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from .extension import Extension, class_name, combine, parts_of

#: The classes that a registered one replaces.
_Replacing: TypeAlias = type | Iterable[type] | None
_Class = TypeVar("_Class", bound=type)
_Unit = TypeVar("_Unit")

_backends: list[Backend] = []
_general_classes: list[type[Any]] = []


@dataclass(frozen=True)
class _Registration:
    unit_class: type[Any]
    replacing: tuple[type, ...]
    addon: str | None


class Backend:
    """A reference to an external system, with or without a version.

    ::

        shop = Backend("shop")
        shop2 = Backend(parent=shop, version="2.0")

        @shop
        class PartnerMapper(ImportMapper):
            _model_name = "shop.res.partner"

        @shop2(replacing=PartnerMapper)
        class PartnerMapper2(ImportMapper):
            _model_name = "shop.res.partner"

        @shop(extends=PartnerMapper)
        class PartnerMapperLoyalty(PartnerMapper):
            direct = [("points", "loyalty_points")]

    Classes that serve one model may be registered together, see :meth:`register`.

    A class that a backend does not have is taken from its parent. If no parent has it, a general
    class of the framework serves, where there is one: for the binder and for the synchronizers. Any
    number of addons may extend the same class, see :mod:`~odoo.addons.connector.extension`. An
    extension also applies to the subclasses of that class, on the backend on which it is registered
    and on the versions below. A registration exists only in the databases where the addon that made
    it is installed.

    :param service: name of the system; by default that of the parent
    :param version: text; the ``version`` of the model that inherits ``connector.backend`` selects
        the backend by it
    :param parent: :class:`Backend` that is asked for the classes that this one does not have
    :raise InvalidBackend: there is neither a service nor a parent, the parent is not a ``Backend``,
        or the same backend is already declared
    """

    def __init__(self, service: str | None = None, version: str | None = None, parent: Backend | None = None) -> None:
        if service is None and parent is None:
            raise InvalidBackend("A backend needs a service, as in Backend('shop'), or a parent")
        if parent is not None and not isinstance(parent, Backend):
            raise InvalidBackend(f"The parent of a backend is a Backend, not {parent!r}")
        self.service: str = service or parent.service  # type: ignore[union-attr]  # one of both is given
        self.version = version
        self.parent = parent
        self._registrations: list[_Registration] = []
        self._extensions: list[Extension] = []
        if any(backend.match(self.service, version) for backend in _backends):
            raise InvalidBackend(
                f"The backend {self} is declared twice; import the first one instead of declaring it again"
            )
        _backends.append(self)

    def match(self, service: str, version: str | None) -> bool:
        """Return whether this is the backend of a service and version."""
        return (self.service, self.version) == (service, version)

    @property
    def lineage(self) -> list[Backend]:
        """The backends that are asked for a unit, in order: this one, its parent, and so on."""
        backend: Backend | None = self
        lineage: list[Backend] = []
        while backend is not None:
            lineage.append(backend)
            backend = backend.parent
        return lineage

    @overload
    def __call__(self, unit_class: _Class, *, replacing: _Replacing = None, extends: type | None = None) -> _Class: ...

    @overload
    def __call__(
        self, unit_class: None = None, *, replacing: _Replacing = None, extends: type | None = None
    ) -> Callable[[_Class], _Class]: ...

    def __call__(self, unit_class: Any = None, *, replacing: _Replacing = None, extends: type | None = None) -> Any:
        """Register the decorated class; with or without parentheses.

        The arguments are those of :meth:`register_class`.
        """
        addon = registering_addon()

        def register(unit_class: _Class) -> _Class:
            self._register(unit_class, replacing, extends, addon)
            return unit_class

        return register if unit_class is None else register(unit_class)

    def register(self, model_name: str, *unit_classes: type[Any]) -> None:
        """Register the classes that serve one model, without naming it in each of them.

        ``shop.register("shop.res.partner", CustomersFlow, CustomerAdapter, CustomerMapper)``

        It gives each of them ``_model_name``, and then does what :meth:`register_class` does.

        :param model_name: name of the model
        :param unit_classes: subclasses of :class:`~odoo.addons.connector.connector.ConnectorUnit`
        :raise TypeError: the name is no text, no class is given, or one of them is no unit class
        :raise ValueError: a class has a ``_model_name`` of its own, or is registered already
        """
        if not isinstance(model_name, str) or not unit_classes:
            raise TypeError(
                f"register() of the backend {self} needs the name of a model, then the classes that serve it, "
                f"such as {self.service}.register('shop.res.partner', PartnerMapper); given is {model_name!r}"
            )
        for unit_class in unit_classes:
            self._check_unit_class(unit_class)
            if "_model_name" in vars(unit_class):
                raise ValueError(
                    f"{class_name(unit_class)} cannot be registered for {model_name}, as it serves {_model_names(unit_class)}: "
                    "take out its _model_name, or its other registration; for two models make two subclasses"
                )
            unit_class._model_name = model_name
            self._register(unit_class, None, None, registering_addon())

    def register_class(self, unit_class: type[Any], replacing: _Replacing = None, extends: type | None = None) -> None:
        """Register a class that serves this backend, or one that extends such a class.

        :param unit_class: subclass of :class:`~odoo.addons.connector.connector.ConnectorUnit`; an
            extension may be any class
        :param replacing: class or list of classes, of this backend or its parents. They no longer
            serve this backend in the databases where the calling addon is installed. The parents
            still use them.
        :param extends: unit class that ``unit_class`` extends, together with its subclasses. An
            extension does not serve by itself.
        :raise TypeError: the class to register, or to extend, is not a unit class
        :raise ValueError: a class to replace is not registered on this backend or its parents; the
            extension is not possible; both ``replacing`` and ``extends`` are given
        """
        self._register(unit_class, replacing, extends, registering_addon())

    def _register(self, unit_class: type[Any], replacing: _Replacing, extends: type | None, addon: str | None) -> None:
        if extends is None:
            self._check_unit_class(unit_class)
            self._registrations.append(_Registration(unit_class, self._replaceable(unit_class, replacing), addon))
        elif replacing is None:
            self._check_extension(unit_class, extends)
            self._extensions.append(Extension(unit_class, extends, addon))
        else:
            raise ValueError(f"{unit_class!r} either extends a class or replaces some, not both")
        registration_changed()

    def _check_unit_class(self, unit_class: object) -> None:
        if not isinstance(unit_class, type) or not hasattr(unit_class, "match"):
            raise TypeError(
                f"{unit_class!r} cannot be registered on the backend {self}: it is not a subclass of ConnectorUnit"
            )

    def _replaceable(self, unit_class: type[Any], replacing: _Replacing) -> tuple[type, ...]:
        """Return the classes to replace as a tuple, after a check."""
        if replacing is None:
            return ()
        replacing = (replacing,) if isinstance(replacing, type) else tuple(replacing)
        known = {registration.unit_class for backend in self.lineage for registration in backend._registrations}
        for replaced in replacing:
            if replaced is unit_class:
                raise ValueError(f"{class_name(unit_class)} cannot replace itself")
            if replaced not in known:
                raise ValueError(
                    f"{class_name(unit_class)} cannot replace {class_name(replaced)}, "
                    f"which is not registered on the backend {self} or its parents"
                )
        return replacing

    def _check_extension(self, extension_class: object, extended: type[Any]) -> None:
        self._check_unit_class(extended)
        if not isinstance(extension_class, type):
            raise TypeError(f"{extension_class!r} cannot extend {class_name(extended)}: it is no class")
        names = f"{class_name(extension_class)} cannot extend {class_name(extended)}"
        if issubclass(extended, extension_class):
            raise ValueError(f"{names}, which inherits from it")
        for attribute in ("_model_name", "_flow", "match"):
            if attribute in vars(extension_class):
                raise ValueError(
                    f"{names} with {attribute}: it serves what the class serves; for others register a subclass"
                )
        for backend in self.lineage:
            for extension in backend._extensions:
                if extension.extension_class is extended:
                    raise ValueError(f"{names}, itself an extension: extend {class_name(extension.extended)}")

    def get_class(
        self, base_class: type[_Unit], session: ConnectorSession, model_name: str, flow: str | None = None
    ) -> type[_Unit]:
        """Return the class that serves as ``base_class`` for a model of this backend.

        The backend itself is asked first, then its parents, then the framework. On each level, a
        class that names the flow is preferred to one that serves all flows, and one that names the
        model to one that serves every model. The result is cached for each registry: after the
        first call, the cost is one dictionary lookup.

        :param base_class: unit class or one of the base classes of the framework, such as
            ``ImportMapper``
        :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`
        :param model_name: name of the model to work with
        :param flow: code of the flow to work for; None: no particular one
        :raise NoConnectorUnitError: no class serves; the message lists the candidates and why each
            of them was refused
        :raise ManyConnectorUnitError: several classes serve and none of them is preferred
        """
        found = lookups(session.env.registry)
        key = self, base_class, model_name, flow
        try:
            return found[key]
        except KeyError:
            return found.setdefault(key, self._find_class(base_class, session, model_name, flow))

    def get_classes(self, base_class: type[_Unit], session: ConnectorSession, model_name: str) -> list[type[_Unit]]:
        """Return all classes that serve as ``base_class`` for a model of this backend, as a list.

        The classes of this backend come first, then those of its parents. Within a backend, the
        order is that of the addons' dependencies, then that of registration.
        """
        found = lookups(session.env.registry)
        key = self, base_class, model_name, ...
        if key not in found:
            levels = self._candidates(base_class, session, model_name)
            found[key] = [self._combined(unit_class, session.env.registry) for level in levels for unit_class in level]
        return list(found[key])

    def levels(self, base_class: type[_Unit], session: ConnectorSession) -> list[list[type[_Unit]]]:
        """Return all classes that serve as ``base_class`` for any model, whatever it is.

        :return: a list for this backend, then one for each parent
        """
        levels = self._candidates(base_class, session, None)
        return [[self._combined(unit_class, session.env.registry) for unit_class in level] for level in levels]

    def _find_class(
        self, base_class: type[Any], session: ConnectorSession, model_name: str, flow: str | None
    ) -> type[Any]:
        if not isinstance(base_class, type):
            raise TypeError(f"A unit is asked for by its class, such as ImportMapper, not by {base_class!r}")
        general = [unit_class for unit_class in _general_classes if issubclass(unit_class, base_class)]
        for candidates in [*self._candidates(base_class, session, model_name), general]:
            candidates = _of_flow(candidates, flow)
            candidates = [unit_class for unit_class in candidates if unit_class._model_name is not None] or candidates
            if len(candidates) > 1:
                raise ManyConnectorUnitError(self._explain_several(base_class, model_name, candidates))
            if candidates:
                return self._combined(candidates[0], session.env.registry)
        raise NoConnectorUnitError(self._explain_missing(base_class, session, model_name))

    def _candidates(
        self, base_class: type[Any], session: ConnectorSession, model_name: str | None
    ) -> Iterator[list[type[Any]]]:
        """Yield a list for this backend, then for each parent: the classes that could serve.

        :param model_name: None: any model

        They are written classes, without extensions, see :mod:`~odoo.addons.connector.extension`.
        """
        registry = session.env.registry
        replaced = self._replaced(registry)
        for backend in self.lineage:
            registrations = sorted(backend._registrations, key=lambda registration: loading_order(registration.addon))
            yield [
                registration.unit_class
                for registration in registrations
                if self._does(registration.unit_class, base_class, registry)
                and is_installed(registry, registration.addon)
                and registration.unit_class not in replaced
                and (model_name is None or registration.unit_class.match(session, model_name))
            ]

    def _does(self, unit_class: type[Any], base_class: type[Any], registry: Registry) -> bool:
        """Return whether a written class with its extensions is a subclass of ``base_class``."""
        return any(issubclass(part, base_class) for part in parts_of(unit_class, self._installed_extensions(registry)))

    def _combined(self, unit_class: type[Any], registry: Registry) -> type[Any]:
        """Return a written class combined with its extensions on this backend.

        It is cached: a loaded registry gives the same class each time, until something else is
        registered.
        """
        found = lookups(registry)
        key = self, unit_class
        if key not in found:
            found.setdefault(key, combine(unit_class, self._installed_extensions(registry)))
        return found[key]

    def _installed_extensions(self, registry: Registry) -> list[Extension]:
        """Return the extensions that apply to this backend in a registry, as a list.

        The last one has the highest precedence. An extension of a later addon precedes those of the
        addons on which it may build. An extension of a version precedes those of its parents.
        """
        extensions = [extension for backend in reversed(self.lineage) for extension in backend._extensions]
        installed = [extension for extension in extensions if is_installed(registry, extension.addon)]
        return sorted(installed, key=lambda extension: loading_order(extension.addon))

    def _replaced(self, registry: Registry) -> dict[type, type[Any]]:
        """Return the classes that are replaced for this backend in a registry.

        :return: dict, replaced class to the class that replaces it
        """
        return {
            replaced: registration.unit_class
            for backend in self.lineage
            for registration in backend._registrations
            if is_installed(registry, registration.addon)
            for replaced in registration.replacing
        }

    def _explain_several(self, base_class: type[Any], model_name: str, candidates: Iterable[type]) -> str:
        return (
            f"Several units serve as {class_name(base_class)} for {model_name} on the backend {self}: "
            f"{', '.join(map(class_name, candidates))}. Ask for a more precise class, let one replace the others (replacing=...), "
            "or add to one of them (extends=...)."
        )

    def _explain_missing(self, base_class: type[Any], session: ConnectorSession, model_name: str) -> str:
        lines = [f"\n- {class_name(found)} {reason}" for found, reason in self.considered(base_class, session)]
        return (
            f"No unit serves as {class_name(base_class)} for {model_name} on the backend {self} in the database {session.cr.dbname}. "
            + (f"Considered:{''.join(lines)}" if lines else "No subclass of it is registered on this backend.")
        )

    def considered(self, base_class: type[Any], session: ConnectorSession) -> Iterator[tuple[type[Any], str]]:
        """Yield each class that could serve as ``base_class``, with the reason why it does not.

        The classes are those of this backend, its parents and other versions of the same service.
        The reason is a text. If a class serves, the text names its models; if it is an extension,
        the class that it extends.

        :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`
        """
        registry = session.env.registry
        replaced = self._replaced(registry)
        for backend in _backends:
            if backend.service != self.service and backend not in self.lineage:
                continue
            for registration in backend._registrations:
                unit_class = registration.unit_class
                if issubclass(unit_class, base_class):
                    reason = self._why_absent(backend, registration.addon, registry)
                    if unit_class in replaced:
                        reason = reason or f"is replaced by {class_name(replaced[unit_class])}"
                    yield unit_class, reason or f"serves {_model_names(unit_class)}"
            for extension in backend._extensions:
                if issubclass(extension.extension_class, base_class) and not issubclass(extension.extended, base_class):
                    reason = self._why_absent(backend, extension.addon, registry)
                    yield extension.extension_class, reason or f"extends {class_name(extension.extended)}"

    def _why_absent(self, backend: Backend, addon: str | None, registry: Registry) -> str | None:
        """Return why a registration does not exist for this backend in a registry.

        :param backend: backend on which it was made
        :param addon: addon that made it
        :return: text, None if it exists
        """
        if backend not in self.lineage:
            return f"is registered on {backend}"
        if not is_installed(registry, addon):
            return f"belongs to the addon {addon}, which is not installed here"
        return None

    def __str__(self) -> str:
        return self.service if self.version is None else f"{self.service} {self.version}"

    def __repr__(self) -> str:
        return f"Backend({self.service!r}, version={self.version!r})"


def _of_flow(candidates: list[type[Any]], flow: str | None) -> list[type[Any]]:
    """Return those of some classes that serve a flow: those that name it, else those of all flows.

    Without a flow, those of all flows are preferred to those that name one.
    """
    named = [unit_class for unit_class in candidates if flow and getattr(unit_class, "_flow", None) == flow]
    of_all = [unit_class for unit_class in candidates if getattr(unit_class, "_flow", None) is None]
    return named or of_all or ([] if flow else candidates)


def general(unit_class: _Class) -> _Class:
    """Register a class of the framework that serves where a backend has none of its own.

    It serves for a model if neither the backend nor one of its parents has a class for that model.
    """
    _general_classes.append(unit_class)
    return unit_class


def general_classes() -> tuple[type[Any], ...]:
    """Return the classes of the framework that :func:`general` has registered, as a tuple."""
    return tuple(_general_classes)


def get_backend(service: str, version: str | None = None) -> Backend:
    """Return the backend that was declared for a service and version.

    :raise InvalidBackend: there is none; the message lists the declared ones
    """
    for backend in _backends:
        if backend.match(service, version):
            return backend
    raise InvalidBackend(
        f"No backend is declared for the service {service!r}, version {version!r}. "
        f"Declared are: {', '.join(sorted(map(repr, _backends))) or 'none'}."
    )


def _model_names(unit_class: type[Any]) -> str:
    names = unit_class._model_name
    return names if isinstance(names, str) else ", ".join(names or ["what its match() says"])


def reference(backend_record: BaseModel) -> str:
    """Return a backend record as text, such as ``shop.backend,3``.

    It is the form in which fields of the type Reference store it.
    """
    return f"{backend_record._name},{backend_record.id}"
