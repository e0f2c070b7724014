"""Backends: which unit classes serve which external system and version."""

from dataclasses import dataclass

from odoo.addons.jobs_queue.registration import (
    is_installed,
    loading_order,
    lookups,
    registering_addon,
    registration_changed,
)

from .exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from .extension import Extension, class_name, combine, parts_of

_backends: list["Backend"] = []
_general_classes: list[type] = []


@dataclass(frozen=True)
class _Registration:
    unit_class: type
    replacing: tuple
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

    What a backend does not have, it asks its parent for; what no parent has, a general class of the framework does, where there is one:
    the binder, the flows. Any number of addons may extend the same class, see :mod:`~odoo.addons.connector.extension`: an extension
    reaches its subclasses too, on the backend that it is registered on and the versions below. What an addon registers exists in the
    databases where that addon is installed.

    :param service: name of the system; a backend with a parent has its parent's unless told otherwise
    :param version: text; the ``version`` of the model that inherits ``connector.backend`` selects by it
    :param parent: :class:`Backend` to ask for what this one does not have
    :raise InvalidBackend: there is neither a service nor a parent, or the same backend has been declared before
    """

    def __init__(self, service=None, version=None, parent=None):
        if service is None and parent is None:
            raise InvalidBackend("A backend needs a service, as in Backend('shop'), or a parent")
        if parent is not None and not isinstance(parent, Backend):
            raise InvalidBackend(f"The parent of a backend is a Backend, not {parent!r}")
        self.service = service or parent.service
        self.version = version
        self.parent = parent
        self._registrations = []
        self._extensions = []
        if any(backend.match(self.service, version) for backend in _backends):
            raise InvalidBackend(
                f"The backend {self} is declared twice; import the first one instead of declaring it again"
            )
        _backends.append(self)

    def match(self, service, version):
        """Return whether this is the backend of a service and version."""
        return (self.service, self.version) == (service, version)

    @property
    def lineage(self):
        """The backends that are asked for a unit, in this order: this one, its parent, and so on."""
        backend, lineage = self, []
        while backend is not None:
            lineage.append(backend)
            backend = backend.parent
        return lineage

    def __call__(self, unit_class=None, *, replacing=None, extends=None):
        """Register the decorated class. The arguments are those of :meth:`register_class`; with or without parentheses."""
        addon = registering_addon()

        def register(unit_class):
            self._register(unit_class, replacing, extends, addon)
            return unit_class

        return register if unit_class is None else register(unit_class)

    def register_class(self, unit_class, replacing=None, extends=None):
        """Let a class serve this backend, or extend one that does.

        :param unit_class: subclass of :class:`~odoo.addons.connector.connector.ConnectorUnit`; an extension may be any class
        :param replacing: class, or list of classes, of this backend or its parents that no longer serve this backend, where the addon
            that calls this is installed. Parents go on using them.
        :param extends: unit class to which ``unit_class`` adds, itself and its subclasses, instead of serving by itself
        :raise TypeError: what is registered, or extended, is no unit class
        :raise ValueError: a class to replace is not registered on this backend or its parents; the extension cannot be one
        """
        self._register(unit_class, replacing, extends, registering_addon())

    def _register(self, unit_class, replacing, extends, addon):
        if extends is None:
            self._check_unit_class(unit_class)
            self._registrations.append(_Registration(unit_class, self._replaceable(unit_class, replacing), addon))
        elif replacing is None:
            self._check_extension(unit_class, extends)
            self._extensions.append(Extension(unit_class, extends, addon))
        else:
            raise ValueError(f"{unit_class!r} either extends a class or replaces some, not both")
        registration_changed()

    def _check_unit_class(self, unit_class):
        if not isinstance(unit_class, type) or not hasattr(unit_class, "match"):
            raise TypeError(
                f"{unit_class!r} cannot be registered on the backend {self}: it is not a subclass of ConnectorUnit"
            )

    def _replaceable(self, unit_class, replacing):
        """Return the classes to replace as a tuple."""
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

    def _check_extension(self, extension_class, extended):
        self._check_unit_class(extended)
        if not isinstance(extension_class, type):
            raise TypeError(f"{extension_class!r} cannot extend {class_name(extended)}: it is no class")
        names = f"{class_name(extension_class)} cannot extend {class_name(extended)}"
        if issubclass(extended, extension_class):
            raise ValueError(f"{names}, which inherits from it")
        for attribute in ("_model_name", "match"):
            if attribute in vars(extension_class):
                raise ValueError(
                    f"{names} with {attribute}: it serves the models that the class serves; for others register a subclass"
                )
        for backend in self.lineage:
            for extension in backend._extensions:
                if extension.extension_class is extended:
                    raise ValueError(f"{names}, itself an extension: extend {class_name(extension.extended)}")

    def get_class(self, base_class, session, model_name):
        """Return the class that does what ``base_class`` names, for a model of this backend.

        The backend itself is asked first, then its parents, then the framework. At each a class that names the model goes before one
        that serves every model. The answer is found once per registry; what remains is a dictionary lookup.

        :param base_class: unit class or one of the framework's base classes, such as ``ImportMapper``
        :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`
        :param model_name: name of the model to work with
        :raise NoConnectorUnitError: there is none; the message lists what was considered and why it was refused
        :raise ManyConnectorUnitError: there are several and nothing says which one to prefer
        """
        found = lookups(session.env.registry)
        key = self, base_class, model_name
        try:
            return found[key]
        except KeyError:
            return found.setdefault(key, self._find_class(base_class, session, model_name))

    def get_classes(self, base_class, session, model_name):
        """Return all classes that do what ``base_class`` names for a model: this backend's, then its parents', as a list.

        Within a backend they come in the order of the addons' dependencies, then of registration.
        """
        found = lookups(session.env.registry)
        key = self, base_class, model_name, "all"
        if key not in found:
            levels = self._candidates(base_class, session, model_name)
            found[key] = [self._combined(unit_class, session.env.registry) for level in levels for unit_class in level]
        return list(found[key])

    def _find_class(self, base_class, session, model_name):
        if not isinstance(base_class, type):
            raise TypeError(f"A unit is asked for by its class, such as ImportMapper, not by {base_class!r}")
        general = [unit_class for unit_class in _general_classes if issubclass(unit_class, base_class)]
        for candidates in [*self._candidates(base_class, session, model_name), general]:
            candidates = [unit_class for unit_class in candidates if unit_class._model_name is not None] or candidates
            if len(candidates) > 1:
                raise ManyConnectorUnitError(self._explain_several(base_class, model_name, candidates))
            if candidates:
                return self._combined(candidates[0], session.env.registry)
        raise NoConnectorUnitError(self._explain_missing(base_class, session, model_name))

    def _candidates(self, base_class, session, model_name):
        """Yield, for this backend and then each parent, the list of written classes that could serve."""
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
                and registration.unit_class.match(session, model_name)
            ]

    def _does(self, unit_class, base_class, registry):
        """Return whether a written class, with its extensions here, is a subclass of ``base_class``."""
        return any(issubclass(part, base_class) for part in parts_of(unit_class, self._installed_extensions(registry)))

    def _combined(self, unit_class, registry):
        """Return what a written class is with its extensions; the same class each time as long as the registry lasts."""
        found = lookups(registry)
        key = self, unit_class
        if key not in found:
            found.setdefault(key, combine(unit_class, self._installed_extensions(registry)))
        return found[key]

    def _installed_extensions(self, registry):
        """Return the extensions that apply to this backend in a registry, as a list: those that go first come last.

        A later addon goes before those it may build on, a version before its parents.
        """
        extensions = [extension for backend in reversed(self.lineage) for extension in backend._extensions]
        installed = [extension for extension in extensions if is_installed(registry, extension.addon)]
        return sorted(installed, key=lambda extension: loading_order(extension.addon))

    def _replaced(self, registry):
        """Return which classes are replaced, for this backend in a registry, as a dict: class to the class that replaces it."""
        return {
            replaced: registration.unit_class
            for backend in self.lineage
            for registration in backend._registrations
            if is_installed(registry, registration.addon)
            for replaced in registration.replacing
        }

    def _explain_several(self, base_class, model_name, candidates):
        return (
            f"Several units serve as {class_name(base_class)} for {model_name} on the backend {self}: "
            f"{', '.join(map(class_name, candidates))}. Ask for a more precise class, let one replace the others (replacing=...), "
            "or add to one of them (extends=...)."
        )

    def _explain_missing(self, base_class, session, model_name):
        lines = [f"\n- {class_name(found)} {reason}" for found, reason in self.considered(base_class, session)]
        return (
            f"No unit serves as {class_name(base_class)} for {model_name} on the backend {self} in the database {session.cr.dbname}. "
            + (f"Considered:{''.join(lines)}" if lines else "No subclass of it is registered on this backend.")
        )

    def considered(self, base_class, session):
        """Yield each class that could do what ``base_class`` names, of this backend, its parents or another version, with the reason
        (text) why it does not serve, or else for which models it does.

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

    def _why_absent(self, backend, addon, registry):
        """Return why what an addon registers on a backend does not exist for this one in a registry, None when it does."""
        if backend not in self.lineage:
            return f"is registered on {backend}"
        if not is_installed(registry, addon):
            return f"belongs to the addon {addon}, which is not installed here"
        return None

    def __str__(self):
        return self.service if self.version is None else f"{self.service} {self.version}"

    def __repr__(self):
        return f"Backend({self.service!r}, version={self.version!r})"


def general(unit_class):
    """Let the decorated class of the framework serve where a backend and its parents have no class of their own for a model."""
    _general_classes.append(unit_class)
    return unit_class


def general_classes():
    """Return the classes of the framework that serve where a backend has none of its own, as a tuple."""
    return tuple(_general_classes)


def get_backend(service, version=None):
    """Return the backend that was declared for a service and version.

    :raise InvalidBackend: there is none; the message names the ones there are
    """
    for backend in _backends:
        if backend.match(service, version):
            return backend
    raise InvalidBackend(
        f"No backend is declared for the service {service!r}, version {version!r}. "
        f"Declared are: {', '.join(sorted(map(repr, _backends))) or 'none'}."
    )


def _model_names(unit_class):
    names = unit_class._model_name
    return names if isinstance(names, str) else ", ".join(names or ["what its match() says"])


def reference(backend_record):
    """Return which backend a record is, as fields of the type Reference store it: ``shop.backend,3``."""
    return f"{backend_record._name},{backend_record.id}"
