"""The base class of units, and the environment in which they work."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from typing import Any, Self, TypeVar

from odoo import api
from odoo.models import BaseModel

from odoo.addons.jobs_queue.jobs.keys import unstorable
from odoo.addons.jobs_queue.session import ConnectorSession, checked_session
from odoo.addons.jobs_queue.texts import shown

from ..backend import Backend
from ..exception import InvalidBackend, InvalidDataError
from ..extension import class_name
from .former_hooks import refuse_former_hooks
from .policy import POLICIES, check_policy
from .types import Links

#: Maximum characters of an external id: an index entry has at most 2,700 bytes.
LONGEST_EXTERNAL_ID = 500
_TOO_LARGE = 10**LONGEST_EXTERNAL_ID


def external_id_text(external_id: object) -> str | None:
    """Return an external id as text, as it is stored; None for None, False and "".

    The number 0 is an external id.

    :raise InvalidDataError: it is neither a text nor an integer, it is longer than
        :data:`LONGEST_EXTERNAL_ID`, or it cannot be stored
    """
    if external_id is None or external_id is False:
        return None
    problem: str | None
    if isinstance(external_id, int) and external_id is not True:
        if -_TOO_LARGE < external_id < _TOO_LARGE:
            return str(external_id)
        problem = f"it has more than {LONGEST_EXTERNAL_ID} digits"
    elif not isinstance(external_id, str):
        raise InvalidDataError(f"{shown(external_id)} is not an external id: that is a text or an integer")
    elif not external_id:
        return None
    elif len(external_id) > LONGEST_EXTERNAL_ID:
        problem = f"it has {len(external_id):,} characters, and at most {LONGEST_EXTERNAL_ID} can be looked up"
    elif not (problem := unstorable(external_id)):
        return str(external_id)
    raise InvalidDataError(f"{shown(external_id)} cannot be an external id: {problem}")


Unit = TypeVar("Unit")
_T = TypeVar("_T")


class ConnectorUnit:
    """A pluggable class with one task for some models, such as mapping, binding or importing.

    ``_model_name`` is the name of the model, or a list of names, that the unit serves. None, the
    default, means all models of the backends it is registered on, except those that another unit
    names.

    ``_flow`` is the code of the flow that the unit serves. None, the default, means all flows of
    its models.

    :param environment: :class:`Environment` to work in
    """

    _model_name: str | Sequence[str] | None = None
    _flow: str | None = None
    #: the class that :meth:`binder_for` looks up; set by ``binding/binder.py``, which imports this
    #: module
    _binder: type[Links]

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_former_hooks(cls)
        for name in POLICIES:
            # or a property, if each backend has its own policy
            if isinstance(choice := vars(cls).get(f"_{name}_policy"), str):
                check_policy(f"{cls.__qualname__}._{name}_policy", name, choice)

    @classmethod
    def match(cls, session: ConnectorSession, model_name: str) -> bool:
        """Return whether the unit serves a model.

        The answer is cached as long as the addons of the database stay the same. It must not depend
        on anything else.
        """
        names = cls._model_name
        if names is None:
            return True
        return model_name == names if isinstance(names, str) else model_name in names

    @property
    def backend(self) -> Backend:
        return self.environment.backend

    @property
    def backend_record(self) -> BaseModel:
        return self.environment.backend_record

    @property
    def session(self) -> ConnectorSession:
        return self.environment.session

    @property
    def env(self) -> api.Environment:
        return self.environment.env

    @property
    def _(self) -> Callable[..., str]:
        """Translate a text for the user, as ``self.env._()`` does in a model.

        The language of ``self.env`` is the one of the backend.
        """
        return self.environment.user_session.env._

    @property
    def model(self) -> BaseModel:
        """The model of the environment, as an empty recordset."""
        return self.environment.model

    def policy(self, name: str) -> str:
        """Return what is done where the two sides disagree.

        It is what people have chosen for the model on the backend, else what its flows declare,
        else the attribute of this unit, such as ``_conflict_policy``.

        :param name: a key of :data:`~odoo.addons.connector.unit.policy.POLICIES`
        """
        return self.environment.policies().get(name) or getattr(self, f"_{name}_policy", None) or POLICIES[name][0]

    def unit_for(self, unit_class: type[Unit], model: str | None = None, *, flow: str | None = None) -> Unit:
        """Return the unit of a class for a model.

        :param unit_class: unit class or base class, such as ``ImportMapper``
        :param model: name of the model, by default the one of this unit's environment
        :param flow: code of a flow of the model, by default that of the environment
        :raise NoConnectorUnitError: no unit serves that model
        :raise ManyConnectorUnitError: several units do
        :raise InvalidBackend: this database has no such model
        """
        if model is not None and model not in self.env:
            raise InvalidBackend(f"{class_name(type(self))}: the model {model!r} does not exist in this database")
        return self.environment.for_model(model, flow).get_connector_unit(unit_class)

    def many_units_for(self, unit_class: type[Unit], model: str | None = None) -> list[Unit]:
        """Return all units of a class for a model as a list, those of the version first."""
        environment = self.environment.for_model(model)
        classes = environment.backend.get_classes(unit_class, environment.session, environment.model_name)
        return [found(environment) for found in classes]  # type: ignore[call-arg]  # of units

    def binder_for(self, model: str | None = None) -> Links:
        """Return the binder of a model, by default of this unit's model."""
        return self.unit_for(self._binder, model)


class Environment:
    """The scope of a synchronisation: a backend, its record, a session, and the name of a model.

    :param backend_record: record of a model that inherits ``connector.backend``
    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`, with the user, the
        language and so on
    :param model_name: name of the model, usually a binding model
    :param user_lang: code of the user's language, for messages; by default the session's language

    ``flow`` is the code of the flow whose job runs, or None. ``flow_argument`` is a dict with the
    argument ``flow`` of further jobs of it; it is empty for the first flow of the model.
    ``times_off`` says how often it was switched off by now. ``domain`` is the text of the domain of
    an export flow, and ``filters`` is a dict with what people have chosen of an import flow.
    ``again`` says how a person repeats what failed, None: “requeue the job”.

    It is a context manager. The resources that its units have opened with :meth:`open` are closed
    at the end of the ``with`` block, or by :meth:`close`. At the latest they are closed when
    nothing refers to the environment any more, as at the end of a job.
    """

    def __init__(
        self, backend_record: BaseModel, session: ConnectorSession, model_name: str, user_lang: str | None = None
    ) -> None:
        self._backend_record = backend_record
        self.backend: Backend = backend_record.get_backend()
        self.session = checked_session(session)
        self.model_name = model_name
        self.flow: str | None = None
        self.flow_argument: dict[str, str] = {}
        self.times_off = 0
        self.domain: str | None = None
        self.filters: dict[str, Any] = {}
        self.again: str | None = None
        self._opened = _Opened()
        self._policies: dict[str, dict[str, str]] = {}  # of its models, as far as they were asked for
        self._choices: dict[str, Mapping[str, str | None]] = {}  # likewise, as far as they were read
        self._user_lang = user_lang or session.env.lang

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def open(self, name: str, factory: Callable[[], _T]) -> _T:
        """Return a resource that all units of this environment share, such as a connection.

        Units of all its models get the same one.

        :param name: text
        :param factory: function without arguments that opens the resource, called at the first use.
            If the resource has a method ``close()``, it is called at the end of the environment
        """
        return self._opened.open(name, factory)

    def close(self) -> None:
        """Close the resources of :meth:`open`, the last one first.

        They are opened again at their next use.
        """
        self._opened.close()

    @property
    def env(self) -> api.Environment:
        return self.session.env

    @property
    def user_session(self) -> ConnectorSession:
        """The session in the language of the user, for messages and to delay jobs.

        The jobs then have messages for the same user.
        """
        return self.session.with_context(lang=self._user_lang)

    @property
    def backend_record(self) -> BaseModel:
        return self._backend_record.with_env(self.env)

    @property
    def backend_name(self) -> str:
        """The name of the backend's record, for messages, also for users who may not read it."""
        return self._backend_record.sudo().name

    @property
    def model(self) -> BaseModel:
        return self.env[self.model_name]

    def policies(self) -> dict[str, str]:
        """Return the policies of the model that people or its flows have chosen, read once."""
        if self.model_name not in self._policies:
            policies = self.env["connector.flow.policy"]
            choices = self._choices.get(self.model_name)
            self._policies[self.model_name] = policies._chosen(self.backend_record, self.model_name, choices)
        return self._policies[self.model_name]

    def keep_choices(self, choices: Mapping[str, str | None]) -> None:
        """Keep the policies that people have chosen, as they were read with the flow."""
        self._choices[self.model_name] = choices

    def for_model(self, model_name: str | None = None, flow: str | None = None) -> Self:
        """Return the environment of another model with the same backend and session.

        :param model_name: None: that of this environment
        :param flow: code of a flow of the model; None: that of this environment, if the model is
            its own
        """
        is_mine = model_name is None or model_name == self.model_name
        if is_mine and flow in (None, self.flow):
            return self
        environment = copy(self)
        environment.model_name = model_name or self.model_name
        environment.flow, environment.flow_argument = flow, {"flow": flow} if flow else {}
        environment.domain, environment.filters = None, {}
        return environment

    def get_connector_unit(self, unit_class: type[Unit]) -> Unit:
        """Return the unit of a class for the model; see :meth:`ConnectorUnit.unit_for`."""
        return self.backend.get_class(unit_class, self.session, self.model_name, self.flow)(self)  # type: ignore[call-arg]  # of a unit

    @contextmanager
    def set_lang(self, code: str) -> Iterator[Self]:
        """Work in another language until the end of the ``with`` block.

        :param code: such as ``fr_FR``
        """
        with self.session.change_context(lang=code):
            yield self


class _Opened:
    """Open resources by name, shared by the environments for the models of one backend."""

    def __init__(self) -> None:
        self._resources: dict[str, Any] = {}
        self._closing = ExitStack()
        weakref.finalize(self, self._closing.close)

    def open(self, name: str, factory: Callable[[], Any]) -> Any:
        if name not in self._resources:
            resource = self._resources[name] = factory()
            if hasattr(resource, "close"):
                self._closing.callback(resource.close)
        return self._resources[name]

    def close(self) -> None:
        self._resources.clear()
        self._closing.close()


def get_environment(session: ConnectorSession, model_name: str, backend_id: int, waits: bool = True) -> Environment:
    """Return the environment to synchronise a model with a backend.

    It works in the company and the language of the backend. Its resources are closed with it: by
    ``with get_environment(...) as environment``, or else at the end of the job.

    The backend's model is the one that the field ``backend_id`` of the binding model points to.

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`; the environment gets
        its own session of the same transaction
    :param model_name: name of a binding model
    :param backend_id: id of the backend's record
    :param waits: whether the running job waits while the jobs of the backend must wait; False for
        what finds out whether they may go on
    :raise InvalidBackend: the model does not exist or is not a binding model, or the backend's
        record does not exist
    :raise NetworkRetryableError: the job is in no channel of the backend, whose jobs wait now
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
    # in a channel of the backend it would not have started
    if waits and session.job and getattr(session.job, "channel_id", None) not in record.channel_ids_of_jobs():
        record.check_may_work()
    return record._open_environment(model_name, session)
