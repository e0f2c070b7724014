"""Backends: which unit classes serve which external system and version."""

from dataclasses import dataclass

from .exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from .registration import is_installed, loading_order, lookups, registering_addon, registration_changed

_backends = []
_general_classes = []


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

    What a backend does not have, it asks its parent for; what no parent has, a general class of the framework does, where there is one:
    the binder, the flows. A class registered by an addon exists in the databases where that addon is
    installed.

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

    def __call__(self, unit_class=None, *, replacing=None):
        """Register the decorated class. The arguments are those of :meth:`register_class`; with or without parentheses."""
        addon = registering_addon()

        def register(unit_class):
            self._register(unit_class, replacing, addon)
            return unit_class

        return register if unit_class is None else register(unit_class)

    def register_class(self, unit_class, replacing=None):
        """Let a class serve this backend.

        :param unit_class: subclass of :class:`~odoo.addons.connector.connector.ConnectorUnit`
        :param replacing: class, or list of classes, of this backend or its parents that no longer serve this backend, where the addon
            that calls this is installed. Parents go on using them.
        :raise TypeError: what is registered is no unit class
        :raise ValueError: a class to replace is not registered on this backend or its parents
        """
        self._register(unit_class, replacing, registering_addon())

    def _register(self, unit_class, replacing, addon):
        if not isinstance(unit_class, type) or not hasattr(unit_class, "match"):
            raise TypeError(
                f"{unit_class!r} cannot be registered on the backend {self}: it is not a subclass of ConnectorUnit"
            )
        if replacing is None:
            replacing = ()
        elif isinstance(replacing, type):
            replacing = (replacing,)
        known = {registration.unit_class for backend in self.lineage for registration in backend._registrations}
        for replaced in replacing:
            if replaced is unit_class:
                raise ValueError(f"{_name(unit_class)} cannot replace itself")
            if replaced not in known:
                raise ValueError(
                    f"{_name(unit_class)} cannot replace {_name(replaced)}, which is not registered on the backend {self} or its parents"
                )
        self._registrations.append(_Registration(unit_class, tuple(replacing), addon))
        registration_changed()

    def get_class(self, base_class, session, model_name):
        """Return the class that does what ``base_class`` names, for a model of this backend.

        The backend itself is asked first, then its parents, then the framework. At each a class that names the model goes before one
        that serves every model. The answer is found once per registry; what remains is a dictionary lookup.

        :param base_class: unit class or one of the framework's base classes, such as ``ImportMapper``
        :param session: :class:`~odoo.addons.connector.session.ConnectorSession`
        :param model_name: name of the model to work with
        :raise NoConnectorUnitError: there is none; the message lists what was considered and why it was refused
        :raise ManyConnectorUnitError: there are several and nothing says which one to prefer
        """
        found = lookups(session.env.registry)
        key = self, base_class, model_name
        try:
            return found[key]
        except KeyError:
            unit_class = found[key] = self._find_class(base_class, session, model_name)
            return unit_class

    def get_classes(self, base_class, session, model_name):
        """Return all classes that do what ``base_class`` names for a model: this backend's, then its parents', as a list.

        Within a backend they come in the order of the addons' dependencies, then of registration.
        """
        return [unit_class for level in self._candidates(base_class, session, model_name) for unit_class in level]

    def _find_class(self, base_class, session, model_name):
        general = [unit_class for unit_class in _general_classes if issubclass(unit_class, base_class)]
        for candidates in [*self._candidates(base_class, session, model_name), general]:
            candidates = [unit_class for unit_class in candidates if unit_class._model_name is not None] or candidates
            if len(candidates) > 1:
                raise ManyConnectorUnitError(
                    f"Several units serve as {_name(base_class)} for {model_name} on the backend {self}: "
                    f"{', '.join(map(_name, candidates))}. Ask for a more precise class, or let one replace the others (replacing=...)."
                )
            if candidates:
                return candidates[0]
        raise NoConnectorUnitError(self._explain_missing(base_class, session, model_name))

    def _candidates(self, base_class, session, model_name):
        """Yield, for this backend and then each parent, the list of classes that could serve."""
        registry = session.env.registry
        replaced = self._replaced(registry)
        for backend in self.lineage:
            registrations = sorted(backend._registrations, key=lambda registration: loading_order(registration.addon))
            yield [
                registration.unit_class
                for registration in registrations
                if issubclass(registration.unit_class, base_class)
                and is_installed(registry, registration.addon)
                and registration.unit_class not in replaced
                and registration.unit_class.match(session, model_name)
            ]

    def _replaced(self, registry):
        """Return which classes are replaced, for this backend in a registry, as a dict: class to the class that replaces it."""
        return {
            replaced: registration.unit_class
            for backend in self.lineage
            for registration in backend._registrations
            if is_installed(registry, registration.addon)
            for replaced in registration.replacing
        }

    def _explain_missing(self, base_class, session, model_name):
        registry = session.env.registry
        replaced = self._replaced(registry)
        lines = []
        for backend in _backends:
            if backend.service != self.service and backend not in self.lineage:
                continue
            for registration in backend._registrations:
                unit_class = registration.unit_class
                if not issubclass(unit_class, base_class):
                    continue
                if backend not in self.lineage:
                    reason = f"is registered on {backend}"
                elif not is_installed(registry, registration.addon):
                    reason = f"belongs to the addon {registration.addon}, which is not installed here"
                elif unit_class in replaced:
                    reason = f"is replaced by {_name(replaced[unit_class])}"
                else:
                    reason = f"serves {_model_names(unit_class)}"
                lines.append(f"\n- {_name(unit_class)} {reason}")
        return (
            f"No unit serves as {_name(base_class)} for {model_name} on the backend {self} in the database {session.cr.dbname}. "
            + (f"Considered:{''.join(lines)}" if lines else "No subclass of it is registered on this backend.")
        )

    def __str__(self):
        return self.service if self.version is None else f"{self.service} {self.version}"

    def __repr__(self):
        return f"Backend({self.service!r}, version={self.version!r})"


def general(unit_class):
    """Let the decorated class of the framework serve where a backend and its parents have no class of their own for a model."""
    _general_classes.append(unit_class)
    return unit_class


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


def _name(unit_class):
    return f"{unit_class.__module__}.{unit_class.__qualname__}"
