"""Fetch a record of the other system by the number that people know, and say what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from psycopg2 import IntegrityError
from psycopg2.errors import LockNotAvailable

from odoo.exceptions import UserError
from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import (
    CONCURRENCY_ERRORS,
    ConnectorException,
    JobStopped,
    NetworkRetryableError,
    RetryableJobError,
)
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.texts import storable

from ...exception import CredentialsRefused, IDMissingInBackend, NoConnectorUnitError
from ..backend_adapter.crud import BackendAdapter, CRUDAdapter, checked_ids
from ..binding.binder import Binder
from ..binding.state import recall, remember
from ..connector_unit import Environment, external_id_text
from ..flow import ImportFlow, flow_classes, open_flow
from ..importer.record import RecordImporter, description_of_import, import_record
from ..jobs.keys import import_identity
from ..mapper.mapper import ImportMapper
from ..types import ExternalId
from ..unit_list import model_names
from .traffic import SECONDS, HurriedTraffic

_logger = logging.getLogger(__name__)

#: Outcomes of a fetch. ``"several"``: a person chooses; ``"unknown"``: the system did not say it.
IMPORTED, WAITS, BLOCKED, ABSENT, SEVERAL, UNKNOWN = "imported", "waits", "blocked", "absent", "several", "unknown"

#: Records with one number that a person can choose from.
MOST_RECORDS = 20
# Seconds; another import of the record holds its lock until its transaction ends
_LONGEST_LOCK = 10
# States in which an import comes next anyway, or in which what waits here must not be forgotten
_KEPT_STATES = ("error", "to_import", "to_export", "conflict")


@dataclass(frozen=True)
class Fetched:
    """What came of a record, or of the question for it.

    :param outcome: one of :data:`IMPORTED`, :data:`WAITS`, :data:`BLOCKED`, :data:`ABSENT`,
        :data:`SEVERAL` and :data:`UNKNOWN`
    :param text: the outcome as a sentence, with the reason
    :param model_name: name of the binding model; None: all of them
    :param external_id: id in the other system, None if it has none or several
    :param record: where a person goes on: the binding, the waiting job, the flow, or None
    """

    outcome: str
    text: str
    model_name: str | None = None
    external_id: ExternalId | None = None
    record: BaseModel | None = None


class Fetching:
    """Fetch records of a backend for a person who waits.

    The imports run with all rights and in the company of the backend, as those of its jobs.

    :param backend_record: record of a model that inherits ``connector.backend``
    :ivar not_asked: names of the models that are imported, but whose adapters find no record by a
        number
    """

    def __init__(self, backend_record: BaseModel) -> None:
        self._backend = backend_record.sudo().with_context(no_connector_export=False)
        self._env = backend_record.env
        self._session = ConnectorSession.from_env(self._backend.env)
        self._ends = time.monotonic() + SECONDS
        self.not_asked: list[str] = []

    def by_number(self, number: str) -> list[Fetched]:
        """Ask for the records that people know by a number, and import them.

        Each model whose adapter finds records so is asked. Of several records of a model none is
        imported: a person chooses one, see :meth:`one`.

        :raise InvalidBackend: no code serves the backend
        """
        if stopped := self._stopped():
            return [stopped]
        found: list[Fetched] = []
        for model_name in self._models():
            with self._opened(model_name) as environment:
                try:
                    external_ids = self._ids(environment, number)
                except NotImplementedError:
                    self.not_asked.append(model_name)
                    continue
                except (*CONCURRENCY_ERRORS, JobStopped):
                    raise
                except ConnectorException as error:
                    found.append(Fetched(UNKNOWN, str(error), model_name))
                    if isinstance(error, NetworkRetryableError | CredentialsRefused):
                        break  # the same would be said of the next model, after another wait
                except Exception as error:
                    found.append(Fetched(UNKNOWN, self._fault(error, environment), model_name))
                else:
                    found += self._all(environment, external_ids)
        return found

    def one(self, model_name: str, external_id: ExternalId) -> Fetched:
        """Import a record, and return what came of it."""
        if stopped := self._stopped():
            return stopped
        with self._opened(model_name) as environment:
            return self._import(environment, external_id)

    # What is asked

    def _stopped(self) -> Fetched | None:
        """Return why the system is not asked at all, None if it is."""
        backend = self._backend
        if not backend.active:
            text = self._env._("%s is archived: it is not asked, and nothing is imported from it.", backend.name)
            return Fetched(BLOCKED, text)
        if backend.state == "needs_attention":  # another refused login may lock the account
            text = self._env._(
                "%(backend)s is not asked before somebody has attended to it: %(reason)s",
                backend=backend.name,
                reason=backend.state_reason or "",
            )
            return Fetched(BLOCKED, text)
        return None

    def _models(self) -> list[str]:
        """Return the names of the binding models that are imported, those of flows first."""
        backend = self._backend.get_backend()
        flows = (str(flow._model_name) for flow in flow_classes(backend, self._session).values())
        names = dict.fromkeys([*flows, *model_names(backend, self._session)])
        return [name for name in names if self._is_imported(name)]

    def _is_imported(self, model_name: str) -> bool:
        field = self._env[model_name]._fields.get("backend_id")
        if field is None or field.comodel_name != self._backend._name:
            return False
        backend = self._backend.get_backend()
        try:
            for kind in (BackendAdapter, ImportMapper):
                backend.get_class(kind, self._session, model_name)
        except NoConnectorUnitError:
            return False
        return True

    @contextmanager
    def _opened(self, model_name: str) -> Iterator[Environment]:
        with open_flow(self._session, model_name, self._backend.id, ImportFlow) as environment:
            environment.again = self._env._("press Find again")
            environment.open("traffic", lambda: HurriedTraffic(environment, self._ends))
            yield environment

    def _ids(self, environment: Environment, number: str) -> list[ExternalId]:
        adapter = environment.get_connector_unit(BackendAdapter)
        if not isinstance(adapter, CRUDAdapter):
            raise NotImplementedError
        external_ids = checked_ids(adapter, adapter.find_by_number(number), "find_by_number")
        return list({external_id_text(external_id): external_id for external_id in external_ids}.values())

    def _all(self, environment: Environment, external_ids: list[ExternalId]) -> list[Fetched]:
        name = environment.model_name
        if not external_ids:
            return [Fetched(ABSENT, self._env._("%s has none with this number.", self._backend.name), name)]
        if len(external_ids) == 1:
            return [self._import(environment, external_ids[0])]
        if len(external_ids) > MOST_RECORDS:
            text = self._env._(
                "%(backend)s returns %(number)s records or more for this number: enter all of it.",
                backend=self._backend.name,
                number=len(external_ids),
            )
            return [Fetched(UNKNOWN, text, name)]
        known = environment.get_connector_unit(Binder).to_internal_many(external_ids)
        return [self._choice(name, id_, known.get(str(external_id_text(id_)))) for id_ in external_ids]

    def _choice(self, model_name: str, external_id: ExternalId, binding: BaseModel | None) -> Fetched:
        text = (
            self._env._(
                "Several have this number. Record %(id)s is here as %(name)s.",
                id=external_id,
                name=binding.display_name,
            )
            if binding
            else self._env._("Several have this number. Record %s is not here yet.", external_id)
        )
        return Fetched(SEVERAL, text, model_name, external_id, binding)

    # The import

    def _import(self, environment: Environment, external_id: ExternalId) -> Fetched:
        """Import a record, or say why it cannot be.

        What an import that fails has done is undone.
        """
        name = environment.model_name
        flow = self._flow(environment)
        if flow and not flow.is_on:
            text = self._env._("It is there, but the flow “%s” is switched off: switch it on.", flow.name)
            return Fetched(BLOCKED, text, name, external_id, flow)
        if flow and flow.sudo().channel_id.is_paused:
            reason = self._env._("The flow “%s” is paused: somebody has to press Resume on it.", flow.name)
            return replace(self._later(environment, external_id, reason), record=flow)
        if reason := self._held(environment):
            return self._later(environment, external_id, reason)
        cr = environment.env.cr
        try:
            with cr.savepoint():
                cr.execute("SET LOCAL lock_timeout = %s", (f"{_LONGEST_LOCK}s",))
                fetched = self._run(environment, external_id)
                cr.execute("SET LOCAL lock_timeout TO DEFAULT")
                return fetched
        except LockNotAvailable:
            return self._later(environment, external_id, self._env._("Another job is importing it."))
        except (*CONCURRENCY_ERRORS, JobStopped):
            raise  # Odoo begins the request again
        except RetryableJobError as error:
            return self._later(environment, external_id, str(error))
        except IDMissingInBackend as error:
            return Fetched(ABSENT, str(error), name, external_id, self._binding(environment, external_id))
        except (ConnectorException, UserError) as error:
            text = str(error)
        except IntegrityError as error:
            text = environment.model._sql_error_to_message(error)
        except Exception as error:
            text = self._fault(error, environment)
        return Fetched(BLOCKED, storable(text), name, external_id, self._binding(environment, external_id))

    def _run(self, environment: Environment, external_id: ExternalId) -> Fetched:
        importer = environment.get_connector_unit(RecordImporter)
        state = self._let_import(importer.binder.to_internal(external_id))
        text = importer.run(external_id)
        outcome = importer.incoming.outcome
        binding = importer.binder.to_internal(external_id)
        if outcome == "put_off":
            kind = WAITS
        elif outcome == "skipped":
            kind = BLOCKED
            if state and recall(binding, "sync_state") == "to_import":
                remember(binding, {"sync_state": state})
        elif outcome is None and importer.incoming.record is None:
            kind = ABSENT
        else:
            kind = IMPORTED if binding else BLOCKED
        return Fetched(kind, text, environment.model_name, external_id, self._shown(binding))

    def _let_import(self, binding: BaseModel) -> Any:
        """Have a record imported also if nothing has changed there; return its state before."""
        state = binding and recall(binding, "sync_state")
        if state and state not in _KEPT_STATES:
            remember(binding, {"sync_state": "to_import"})
        return state

    def _flow(self, environment: Environment) -> BaseModel | None:
        """Return the flow of the import, None if the model has none."""
        flows = self._env["connector.flow"].sudo(False)
        domain = [*flows._of_backend(self._backend), ("code", "=", environment.flow)]
        return self._shown(flows.search(domain)) if environment.flow else None

    def _held(self, environment: Environment) -> str | None:
        """Return why the jobs of the flow wait now, None if they do not."""
        code = environment.flow
        channel_id = code and self._env["connector.flow"]._channel_id(self._backend, code)
        channel = self._backend.channel_id.browse(channel_id) if channel_id else self._backend.channel_id
        return channel._reason_no_job_starts() or None

    def _later(self, environment: Environment, external_id: ExternalId, reason: str) -> Fetched:
        """Delay a job that imports the record, and say why it waits."""
        self._let_import(environment.get_connector_unit(Binder).to_internal(external_id))
        record = environment.model_name, self._backend.id, external_id
        job = import_record.delay(  # type: ignore[call-overload]  # the type of delay allows no options beside force
            environment.user_session,
            *record,
            identity_key=import_identity(*record),
            description=description_of_import(environment, external_id),
            **environment.flow_argument,
        )
        text = self._env._("A job imports it as soon as it can. It waits: %s", reason)
        return Fetched(
            WAITS, storable(text), environment.model_name, external_id, self._env["queue.job"].browse(job.id)
        )

    def _binding(self, environment: Environment, external_id: ExternalId) -> BaseModel | None:
        return self._shown(environment.get_connector_unit(Binder).to_internal(external_id))

    def _shown(self, record: BaseModel) -> BaseModel | None:
        return record.with_env(self._env) if record else None

    def _fault(self, error: Exception, environment: Environment) -> str:
        _logger.exception("%s cannot be fetched from %s", environment.model_name, self._backend.name)
        return self._env._("The code of the connector fails with %s, see the log.", type(error).__name__)
