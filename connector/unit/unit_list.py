"""List the unit classes that serve a backend in a database, with the addon of each part."""

from dataclasses import dataclass
from typing import Any

from odoo import api

from odoo.addons.jobs_queue.registration import addon_of
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import Backend, general_classes
from ..exception import ExtensionConflict, ManyConnectorUnitError, NoConnectorUnitError
from ..extension import class_name, written_class, written_parts
from .backend_adapter.crud import BackendAdapter
from .connector_unit import ConnectorUnit
from .importer.batch import BatchImporter
from .mapper.mapper import ExportMapper, ImportMapper

FRAMEWORK = addon_of(__name__)

# Classes that the synchronizers need and the framework does not define in general; the general
# classes are listed too
_ASKED_FOR = (BackendAdapter, ImportMapper, ExportMapper, BatchImporter)


@dataclass(frozen=True)
class ListedUnit:
    """The unit class that serves a model for one purpose.

    :param model_name: name of the model
    :param kind: the class that is looked up
    :param unit_class: the class as it is written, None if the look-up fails
    :param parts: list of (complete name of a class, addon): the classes of which it consists, in
        the order of method resolution, with the extensions. Classes of the framework are listed
        only if there is no other
    :param error: text of the error if the look-up fails, else None
    """

    model_name: str
    kind: type[Any]
    unit_class: type[Any] | None
    parts: list[tuple[str, str | None]]
    error: str | None = None


def list_units(backend: Backend, env: api.Environment) -> list[ListedUnit]:
    """Return the units of each model of a backend in a database, as a list of :class:`ListedUnit`.

    :param backend: :class:`~odoo.addons.connector.backend.Backend`
    :param env: Odoo environment
    """
    session = ConnectorSession.from_env(env)
    listed = (
        _look_up(backend, kind, session, model_name)
        for model_name in model_names(backend, session)
        for kind in _kinds(backend, session)
    )
    return [unit for unit in listed if unit]


def list_unused(backend: Backend, env: api.Environment) -> list[tuple[type[Any], str]]:
    """Return the classes that serve no model, as a list of (class, reason as text).

    They are classes of the backend, of its parents and of its other versions.
    """
    session = ConnectorSession.from_env(env)
    used = {name for unit in list_units(backend, env) for name, _addon in unit.parts}
    return [(found, why) for found, why in backend.considered(object, session) if class_name(found) not in used]


def _look_up(backend: Backend, kind: type[Any], session: ConnectorSession, model_name: str) -> ListedUnit | None:
    """Return the :class:`ListedUnit` of a kind for a model, None if there is no unit."""
    try:
        unit_class = backend.get_class(kind, session, model_name)
    except (ManyConnectorUnitError, ExtensionConflict) as error:
        return ListedUnit(model_name, kind, None, [], str(error))
    except NoConnectorUnitError:
        return None
    parts = [part for part in written_parts(unit_class) if addon_of(part.__module__) not in (FRAMEWORK, None)]
    written = written_class(unit_class)
    parts = parts or [written]
    return ListedUnit(model_name, kind, written, [(class_name(part), addon_of(part.__module__)) for part in parts])


def _kinds(backend: Backend, session: ConnectorSession) -> list[type[Any]]:
    """Return the classes to look up.

    They are those of the framework, and classes of the backend that are not subclasses of them.
    """
    kinds = dict.fromkeys(_ASKED_FOR)
    registered = [found for found, _why in backend.considered(ConnectorUnit, session)]
    for unit_class in (*general_classes(), *registered):
        if not issubclass(unit_class, tuple(kinds)):
            kinds[unit_class] = None
    return list(kinds)


def model_names(backend: Backend, session: ConnectorSession) -> list[str]:
    """Return the names of the models of a backend, sorted.

    They are those that the backend's unit classes name, and the binding models of its records.
    """
    registry = session.env.registry
    names: set[str] = set()
    for unit_class, _why in backend.considered(ConnectorUnit, session):
        named = unit_class._model_name
        names.update([named] if isinstance(named, str) else named or ())
    for name in registry.descendants(["external.binding"], "_inherit"):
        field = registry[name]._fields.get("backend_id")
        if field and registry[field.comodel_name]._backend_type == backend.service:
            names.add(name)
    return sorted(name for name in names if name in registry and not registry[name]._abstract)
