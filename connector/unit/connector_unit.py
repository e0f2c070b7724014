"""Units, and the environment they work in."""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from copy import copy

from odoo.addons.jobs_queue.jobs.keys import unstorable
from odoo.addons.jobs_queue.session import checked_session
from odoo.addons.jobs_queue.texts import shown

from ..exception import InvalidBackend, InvalidDataError
from ..extension import class_name

#: Characters of an external id: an index holds no more than 2,700 bytes.
LONGEST_EXTERNAL_ID = 500
_TOO_LARGE = 10**LONGEST_EXTERNAL_ID


def external_id_text(external_id):
    """Return an external id as it is stored, a text; None for none: None, False and "". The number 0 is one.

    :raise InvalidDataError: it is neither a text nor an integer, longer than :data:`LONGEST_EXTERNAL_ID`, or cannot be stored
    """
    if external_id is None or external_id is False:
        return None
    if not isinstance(external_id, str | int) or external_id is True:
        raise InvalidDataError(f"{shown(external_id)} is not an external id: that is a text or an integer")
    if external_id == "":
        return None
    if isinstance(external_id, int):
        if abs(external_id) < _TOO_LARGE:
            return str(external_id)
        problem = f"it has more than {LONGEST_EXTERNAL_ID} digits"
    elif len(external_id) > LONGEST_EXTERNAL_ID:
        problem = f"it has {len(external_id):,} characters, and at most {LONGEST_EXTERNAL_ID} can be looked up"
    elif not (problem := unstorable(external_id)):
        return str(external_id)
    raise InvalidDataError(f"{shown(external_id)} cannot be an external id: {problem}")


class ConnectorUnit:
    """A pluggable class that does one thing for one or several models: maps, binds, speaks with the external system, synchronises.

    ``_model_name`` is the name of the model, or a list of names, that the unit serves; None, the default, means every model of the
    backends it is registered on for which no other unit names the model.

    :param environment: :class:`Environment` to work in
    """

    _model_name: str | Sequence[str] | None = None
    #: what :meth:`binder_for` asks for: set by ``binding/binder.py``, which builds on this module
    _binder: "type[ConnectorUnit]"

    def __init__(self, environment):
        self.environment = environment

    @classmethod
    def match(cls, session, model_name):
        """Return whether the unit serves a model.

        The answer is remembered as long as the addons of the database stay the same: it may depend on nothing else.
        """
        names = cls._model_name
        if names is None:
            return True
        return model_name == names if isinstance(names, str) else model_name in names

    @property
    def backend(self):
        return self.environment.backend

    @property
    def backend_record(self):
        return self.environment.backend_record

    @property
    def session(self):
        return self.environment.session

    @property
    def env(self):
        return self.environment.env

    @property
    def _(self):
        """Translate a text for the user, as ``self.env._()`` does in a model; ``self.env`` itself speaks the backend's language."""
        return self.environment.user_session.env._

    @property
    def model(self):
        """The model of the environment, as an empty recordset."""
        return self.environment.model

    def unit_for(self, unit_class, model=None):
        """Return the unit that does what ``unit_class`` names for a model.

        :param unit_class: unit class or base class, such as ``ImportMapper``
        :param model: name of the model, by default the one of this unit's environment
        :raise NoConnectorUnitError: no unit serves that model
        :raise ManyConnectorUnitError: several do
        :raise InvalidBackend: this database has no such model
        """
        if model is not None and model not in self.env:
            raise InvalidBackend(f"{class_name(type(self))}: the model {model!r} does not exist in this database")
        return self.environment.for_model(model).get_connector_unit(unit_class)

    def many_units_for(self, unit_class, model=None):
        """Return all units that do what ``unit_class`` names for a model, those of the version first, as a list."""
        environment = self.environment.for_model(model)
        classes = environment.backend.get_classes(unit_class, environment.session, environment.model_name)
        return [found(environment) for found in classes]

    def binder_for(self, model=None):
        """Return the binder of a model, by default of this unit's."""
        return self.unit_for(self._binder, model)


class Environment:
    """The scope of a synchronisation: a backend, its record, a session, and the name of the model to work with.

    :param backend_record: record of a model that inherits ``connector.backend``
    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`; the language, the user and so on are the session's
    :param model_name: name of the model, usually a binding model
    :param user_lang: code of the language of the user, for whom messages are; by default the session's language

    It is a context manager: what its units have opened with :meth:`open` is closed at the end of the ``with`` block, with :meth:`close`,
    or at the latest when nothing refers to the environment any more, as at the end of a job.
    """

    def __init__(self, backend_record, session, model_name, user_lang=None):
        self._backend_record = backend_record
        self.backend = backend_record.get_backend()
        self.session = checked_session(session)
        self.model_name = model_name
        self._opened = _Opened()
        self._user_lang = user_lang or session.env.lang

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def open(self, name, factory):
        """Return what the units of this environment share under a name, whatever their model, such as a connection or a cache.

        :param name: text
        :param factory: function without arguments that opens it, called when it is first asked for; a method ``close()`` of what it
            returns is called at the end of the environment
        """
        return self._opened.open(name, factory)

    def close(self):
        """Close what was opened with :meth:`open`, the last one first. What is opened afterwards is opened anew."""
        self._opened.close()

    @property
    def env(self):
        return self.session.env

    @property
    def user_session(self):
        """The session in the language of the user: for messages, and to delay jobs, which speak to the same user."""
        return self.session.with_context(lang=self._user_lang)

    @property
    def backend_record(self):
        return self._backend_record.with_env(self.env)

    @property
    def backend_name(self):
        """The name of the backend's record, for messages, whoever may read it."""
        return self._backend_record.sudo().name

    @property
    def model(self):
        return self.env[self.model_name]

    def for_model(self, model_name=None):
        """Return the environment of another model, of the same backend and session. None: this one."""
        if model_name is None or model_name == self.model_name:
            return self
        environment = copy(self)
        environment.model_name = model_name
        return environment

    def get_connector_unit(self, unit_class):
        """Return the unit that does what ``unit_class`` names here; see :meth:`ConnectorUnit.unit_for`."""
        return self.backend.get_class(unit_class, self.session, self.model_name)(self)

    @contextmanager
    def set_lang(self, code):
        """Work in a language until the end of the ``with`` block.

        :param code: such as ``fr_FR``
        """
        with self.session.change_context(lang=code):
            yield self


class _Opened:
    """What the environments of one backend and session, each for a model, have opened, by name."""

    def __init__(self):
        self._resources = {}
        self._closing = ExitStack()
        weakref.finalize(self, self._closing.close)

    def open(self, name, factory):
        if name not in self._resources:
            resource = self._resources[name] = factory()
            if hasattr(resource, "close"):
                self._closing.callback(resource.close)
        return self._resources[name]

    def close(self):
        self._resources.clear()
        self._closing.close()


def get_environment(session, model_name, backend_id):
    """Return the environment to synchronise a model with a backend, in the company and the language of the backend.

    What its units open is closed with it: ``with get_environment(...) as environment``, or else at the end of the job.

    The model of the backend is the one that the field ``backend_id`` of the binding model points to.

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`; the environment gets one of its own, of the same transaction
    :param model_name: name of a binding model
    :param backend_id: id of the backend's record
    :raise InvalidBackend: the model does not exist or is no binding model, or the backend's record does not exist
    """
    if model_name not in checked_session(session).env:
        raise InvalidBackend(
            session.env._("The model %s does not exist in this database: is its addon still installed?", model_name)
        )
    field = session.env[model_name]._fields.get("backend_id")
    if field is None:
        raise InvalidBackend(
            f"The model {model_name} has no field backend_id, so its backend cannot be found: is it a binding model?"
        )
    record = session.env[field.comodel_name].browse(backend_id).exists()
    if not record:
        backend = f"{field.comodel_name}({backend_id})"
        raise InvalidBackend(session.env._("The backend %s does not exist any more", backend))
    return record._open_environment(model_name, session)
