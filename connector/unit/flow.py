"""Flows: what a connector synchronises of a model in one direction, and people configure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, ClassVar, Literal

from odoo.models import BaseModel
from odoo.tools.translate import LazyGettext

from odoo.addons.jobs_queue.exception import NothingToDoJob
from odoo.addons.jobs_queue.registration import lookups
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import Backend
from ..exception import InvalidBackend
from ..extension import class_name
from .connector_unit import ConnectorUnit, Environment, get_environment
from .policy import check_policies
from .types import ExternalId

_CODE = re.compile(r"[a-z][a-z0-9_]*")


class Flow(ConnectorUnit):
    """What is synchronised: the records of a binding model, in one direction.

    A connector registers a class for each, and people decide on the backend's screen when it runs,
    whether it runs at all, and which side wins::

        _lt = LazyTranslate(__name__)

        @shop
        class ProductsFlow(ImportFlow):
            _model_name = "shop.product"
            code, label = "products", _lt("Products")
            schedule = "*/15 * * * *"

        @shop
        class StockFlow(BulkExportFlow):
            _model_name = "shop.product"
            code, label = "stock", _lt("Stock")
            after = ("products",)
            fields = ("qty_available",)

    A model may have several flows: a unit that serves one of them alone names it by
    ``_flow = "stock"``.

    Attributes:

    - ``code``: its name in code and in jobs. It never changes: the settings are stored by it
    - ``label``: its name for the user
    - ``after``: codes of the flows that come before it in a first run
    - ``schedule``: when it runs on a new backend, as a cron expression; empty: by hand
    - ``comparison``: when both sides are compared, likewise
    - ``domain``: of an export flow: which Odoo records it is for until somebody decides otherwise,
      such as ``[("sale_ok", "=", True)]``; empty: those that are bound
    - ``policies``: dict, name of a policy to what holds until somebody decides otherwise
    - ``_fixed_policies``: names of the policies about which nobody can decide otherwise
    """

    direction: ClassVar[Literal["import", "export"]]
    code: ClassVar[str]
    label: ClassVar[str | LazyGettext]
    after: Collection[str] = ()
    schedule: str = ""
    comparison: str = ""
    domain: Sequence[Any] = ()
    policies: Mapping[str, str] = {}
    _fixed_policies: Collection[str] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in vars(cls) and not (isinstance(cls.code, str) and _CODE.fullmatch(cls.code)):
            raise ValueError(f"{cls.__qualname__}.code is {cls.code!r}: it must be such as 'order_lines'")
        for name in ("after", "_fixed_policies"):
            if isinstance(getattr(cls, name), str):
                raise TypeError(f"{cls.__qualname__}.{name} is a text: it must be a list of names")
        if isinstance(cls.domain, str):
            raise TypeError(f"{cls.__qualname__}.domain is a text: it must be a list of conditions")
        check_policies(f"{cls.__qualname__}.policies", cls.policies)

    def not_ready(self) -> str | None:
        """Return what has to be decided before the flow can run, for the user; a hook.

        :return: None if nothing is missing
        """
        return None

    def bindings(self) -> BaseModel:
        """Return the bindings that an export flow exports when it is run, a recordset; a hook.

        By default all bindings of the backend that are exported at all. Of the records that are
        archived here only those whose change waits to be sent, unless the policy is to send none.
        """
        exported = [("backend_id", "=", self.backend_record.id), ("no_export", "=", False)]
        bindings = self.model.search(exported)
        if self.policy("archived") == "keep":
            return bindings
        waiting = [("sync_state", "=", "to_export"), ("external_id", "!=", False)]
        return bindings | self.model.with_context(active_test=False).search([*exported, *waiting])


class ImportFlow(Flow):
    """The import of a model's records."""

    direction = "import"


class ExportFlow(Flow):
    """The export of a model's records, each by a call of its own."""

    direction = "export"


class BulkExportFlow(Flow):
    """The export of some fields of a model's records, of many records by one call.

    - ``fields``: names of the Odoo fields that are sent
    - ``page_size``: how many records one job exports. 1: each record has a job, for which imports
      of the record wait. More, such as 500, is for fields that no import overwrites: a thousand
      changes are two jobs
    """

    direction = "export"
    fields: Collection[str] = ()
    page_size: int = 1


class FlowSwitchedOff(NothingToDoJob):
    """The flow of a job is switched off: the job ends, and nothing was done.

    :ivar environment: that of the job
    """

    def __init__(self, message: str, environment: Environment) -> None:
        super().__init__(message)
        self.environment = environment

    def note_left_out(self, external_ids: Iterable[ExternalId], force: bool = False) -> None:
        """Note records that no watermark finds: they are imported when the flow is on again.

        :param force: whether what was changed here is overwritten then
        """
        left_out = self.environment.env["connector.flow.left.out"]
        left_out._note(self.environment.backend_record, self.environment.flow, external_ids, force)


def flow_classes(backend: Backend, session: ConnectorSession) -> dict[str, type[Flow]]:
    """Return the flows of a backend in a database, in the order of a first run.

    :return: dict, code to class

    A version's flow takes the place of its parents' flow with the same code.

    :raise InvalidBackend: two flows of one level have the same code, or flows wait for each other
    """
    found = lookups(session.env.registry)
    key = flow_classes, backend
    if key not in found:
        found[key] = _in_order(backend, _by_code(backend, session))
    return found[key]


def flow_class(
    backend: Backend, session: ConnectorSession, model_name: str, kind: type[Flow], code: str | None = None
) -> type[Flow] | None:
    """Return the flow that a job belongs to, None if the model has none of its kind.

    :param kind: such as :class:`ImportFlow`
    :param code: of the flow; None: the first one of the model and kind
    :raise InvalidBackend: there is no flow with that code
    """
    classes = flow_classes(backend, session)
    if code is not None:
        if code not in classes:
            raise InvalidBackend(
                session.env._(
                    "The backend %(backend)s has no flow “%(code)s” in this database: is its addon still installed?",
                    backend=backend,
                    code=code,
                )
            )
        return classes[code]
    found = lookups(session.env.registry)
    key = flow_class, backend, model_name, kind
    if key not in found:
        of_model = (found_ for found_ in classes.values() if found_._model_name == model_name)
        found[key] = next((found_ for found_ in of_model if issubclass(found_, kind)), None)
    return found[key]


def flow_argument(backend: Backend, session: ConnectorSession, flow: type[Flow], kind: type[Flow]) -> dict[str, str]:
    """Return the argument ``flow`` of the jobs of a flow, as a dict.

    It is left out for the first flow of a model and kind: so jobs that were stored before there
    were flows belong to it.

    :param kind: kind of flow to which the job belongs if it has no such argument
    """
    is_first = flow_class(backend, session, str(flow._model_name), kind) is flow
    return {} if is_first else {"flow": flow.code}


def open_flow(
    session: ConnectorSession, model_name: str, backend_id: int, kind: type[Flow], code: str | None = None
) -> Environment:
    """Return the environment of a job of a flow: the one door of all flows.

    :param code: argument ``flow`` of the job
    :raise FlowSwitchedOff: the flow is switched off
    :raise InvalidBackend: there is no such flow, model or backend
    """
    environment = get_environment(session, model_name, backend_id)
    flow = flow_class(environment.backend, session, model_name, kind, code)
    if flow is None:
        return environment
    environment.flow = flow.code
    environment.flow_argument = flow_argument(environment.backend, session, flow, kind)
    now = session.env["connector.flow"]._now(environment.backend_record, flow.code)
    environment.times_off, environment.domain, environment.filters = now.times_off, now.domain, now.filters
    if now.choices:
        environment.keep_choices(now.choices)
    if session.job and not now.is_on:
        message = session.env._("Not done: the flow “%s” is switched off.", label_of(flow, session.env))
        raise FlowSwitchedOff(message, environment)
    return environment


def declared_domain(flow: type[Flow] | None) -> str | None:
    """Return the domain that a flow declares, as it is stored; None for none."""
    return repr(list(flow.domain)) if flow is not None and flow.domain else None


def label_of(flow: type[Flow], env: Any) -> str:
    """Return the name of a flow in the language of an environment."""
    label = flow.label
    return label._translate(env.lang or "en_US") if isinstance(label, LazyGettext) else label


def _by_code(backend: Backend, session: ConnectorSession) -> dict[str, type[Flow]]:
    classes: dict[str, type[Flow]] = {}
    for level in backend.levels(Flow, session):
        of_level: dict[str, type[Flow]] = {}
        for found in level:
            if not isinstance(found._model_name, str):
                raise InvalidBackend(f"{class_name(found)} names no model, or several: a flow is of one model")
            if found._model_name not in session.env:
                continue
            if found.code in of_level:
                raise InvalidBackend(
                    f"{class_name(found)} and {class_name(of_level[found.code])} have the same code {found.code!r} on the backend {backend}"
                )
            of_level[found.code] = found
        classes = {**of_level, **classes}
    return classes


def _in_order(backend: Backend, classes: dict[str, type[Flow]]) -> dict[str, type[Flow]]:
    order = {code: [after for after in found.after if after in classes] for code, found in classes.items()}
    try:
        return {code: classes[code] for code in TopologicalSorter(order).static_order()}
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise InvalidBackend(f"The flows of the backend {backend} wait for each other: {circle}") from None
