"""The connection test of a backend: what is asked, in which order, and what each answer means."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import requests

from odoo import api
from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import (
    CONCURRENCY_ERRORS,
    ConnectorException,
    NetworkRetryableError,
    RetryableJobError,
)
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.texts import storable

from ...exception import CredentialsRefused, InvalidDataError, NoConnectorUnitError, UnreadableAnswer
from ...extension import class_name
from ..backend_adapter.crud import BackendAdapter, CRUDAdapter
from ..backend_adapter.errors import is_server_error
from ..backend_adapter.http import HttpAdapter
from ..backend_adapter.masking import masked_start, without_userinfo
from ..mapper.mapper import ImportMapper
from ..unit_list import model_names
from .address import Result, reach
from .clock import compare_clocks
from .finding import NOT_ASKED, OK, UNKNOWN, WRONG, Finding
from .traffic import Enough, TestedTraffic

_logger = logging.getLogger(__name__)

_LONGEST_TEXT = 1000  # characters


def check_connection(backend_record: BaseModel) -> list[Finding]:
    """Ask the system of a backend what has to be right, and return what was found.

    Nothing is written, there or here: also what the requests meet is not noted on the backend.
    After the first thing that makes the later ones senseless, these are not asked.

    :param backend_record: record of a model that inherits ``connector.backend``
    :raise InvalidBackend: no code serves the backend
    """
    names = _binding_models(backend_record)
    nothing = backend_record.env._("This connector has no adapter for a binding model, so there is nothing to ask.")
    if not names:
        return [Finding(backend_record.env._("Address"), UNKNOWN, nothing)]
    with backend_record.work_on(names[0]) as environment:
        traffic = TestedTraffic.of(environment)
        adapters, found = {}, []
        for name in names:
            try:
                adapters[name] = environment.for_model(name).get_connector_unit(BackendAdapter)
            except NoConnectorUnitError:
                continue
            except ConnectorException as error:
                found.append(Finding(_description(backend_record.env, name), WRONG, str(error), "rights"))
        tests = [_SystemTest(system, traffic) for system in _systems(adapters.values())]
        found = [one for test in tests for one in test.run()] + found
        if not found:
            return [Finding(backend_record.env._("Address"), UNKNOWN, nothing)]
        secrets = _secrets(backend_record, adapters.values())
        return [replace(one, text=_safe(one.text, secrets)) for one in found]


def _binding_models(backend_record: BaseModel) -> list[str]:
    session = ConnectorSession.from_env(backend_record.env)
    names, registry = model_names(backend_record.get_backend(), session), backend_record.env.registry
    bindings = {*registry.descendants(["external.binding"], "_inherit")}
    return [
        name
        for name in names
        if name in bindings and registry[name]._fields["backend_id"].comodel_name == backend_record._name
    ]


def _description(env: api.Environment, model_name: str) -> str:
    return env["ir.model"]._get(model_name).name or model_name


def _systems(adapters: Iterable[BackendAdapter]) -> list[list[BackendAdapter]]:
    """Return the adapters, those with the same address together."""
    systems: dict[str, list[BackendAdapter]] = {}
    for adapter in adapters:
        try:
            address = adapter._base_url if isinstance(adapter, HttpAdapter) else ""
        except (ConnectorException, NotImplementedError) as error:
            address = str(error)
        systems.setdefault(str(address), []).append(adapter)
    return list(systems.values())


def _secrets(backend_record: BaseModel, adapters: Iterable[BackendAdapter]) -> list[str]:
    record = backend_record.sudo()
    secrets = [record[name] for name in record._secret_fields()]
    for adapter in adapters:
        if isinstance(adapter, HttpAdapter):
            try:
                secrets += adapter._all_secrets()
            except (ConnectorException, NotImplementedError):  # a secret is empty: the login tells it
                continue
    return [str(secret) for secret in secrets if secret]


def _safe(text: str, secrets: list[str]) -> str:
    return storable(" ".join(masked_start(text, secrets, _LONGEST_TEXT).split()))


class _Refused(Exception):
    """The system refuses what a check asks, or does not answer it."""

    def __init__(self, outcome: str, text: str) -> None:
        super().__init__(text)
        self.result = outcome, text


class _Blamed(Exception):
    """What was met is due to the system as a whole, so nothing else is asked.

    :param check: name of the check that it concerns
    """

    def __init__(self, check: str, outcome: str, text: str) -> None:
        super().__init__(text)
        self.check, self.result = check, (outcome, text)


class _SystemTest:
    """The test of the system at one address.

    :param adapters: the adapters that speak with it, one for each model
    """

    def __init__(self, adapters: list[BackendAdapter], traffic: TestedTraffic) -> None:
        self._adapters, self._traffic = adapters, traffic
        self._is_accepted = False
        # by the name of the check, and by the name of the model
        self._results: dict[str, Result] = {}
        self._rights: dict[str, Result] = {}
        self._not_listed: list[str] = []

    @property
    def _(self) -> Callable[..., str]:
        return self._user_env._

    @property
    def _user_env(self) -> api.Environment:
        return self._adapters[0].environment.user_session.env

    def run(self) -> Iterator[Finding]:
        """Yield what is found, in the order in which a person reads it."""
        self._traffic.clock_difference = None  # that of another system
        try:
            self._check_address()
            self._check_login()
            self._check_rights()
            self._check_version()
        except _Blamed as blamed:
            self._results[blamed.check] = blamed.result
        self._conclude()
        yield self._found("address", self._("Address"))
        yield self._found("certificate", self._("Certificate"))
        yield self._found("login", self._("Login"))
        for adapter in self._adapters:
            if (name := adapter.environment.model_name) not in self._not_listed:
                outcome, text = self._rights.get(name, self._not_asked)
                yield Finding(_description(self._user_env, name), outcome, text, "rights")
        if self._not_listed:
            names = ", ".join(_description(self._user_env, name) for name in self._not_listed)
            text = self._("Left out, as this connector lists none of them: %s.", names)
            yield Finding(self._("Other Records"), UNKNOWN, text)
        yield self._found("clock", self._("Clock"))
        yield self._found("version", self._("Version"))

    def _found(self, check: str, subject: str) -> Finding:
        outcome, text = self._results.get(check, self._not_asked)
        return Finding(subject, outcome, text, check)

    @property
    def _not_asked(self) -> Result:
        return NOT_ASKED, self._("Not asked.")

    # The checks

    def _check_address(self) -> None:
        self._traffic.begin_check()
        adapter = self._adapters[0]
        if not isinstance(adapter, HttpAdapter):
            self._results["certificate"] = UNKNOWN, self._("This system is not asked over HTTP.")
            self._results["address"] = UNKNOWN, self._("Whether the system can be reached is not known.")
            if self._answer_or_none(adapter, "probe"):
                self._results["address"] = OK, self._("The system can be reached.")
            return
        try:
            self._traffic.admit()
            self._results["address"], self._results["certificate"] = reach(adapter)
        except RetryableJobError as error:  # the rate limit
            raise _Blamed("address", UNKNOWN, str(error)) from None
        except (ConnectorException, NotImplementedError) as error:  # there is no address
            raise _Blamed("address", WRONG, str(error)) from None
        for check in ("address", "certificate"):
            if self._results[check][0] == WRONG:
                raise _Blamed(check, *self._results[check])

    def _check_login(self) -> None:
        """Ask as whom the system accepts us; where it does not say, what it lists tells whether."""
        if (name := self._first_answer("who_am_i")) is not None:
            self._is_accepted = True
            self._results["login"] = OK, self._("The system accepts us as %s.", name)

    def _check_rights(self) -> None:
        for adapter in self._adapters:
            name = adapter.environment.model_name
            if not isinstance(adapter, CRUDAdapter):
                self._not_listed.append(name)
                continue
            if self._traffic.is_over:
                self._rights[name] = NOT_ASKED, self._("Not asked, as the test has taken long enough.")
                continue
            self._traffic.begin_check()
            try:
                self._asked(adapter, "first_page")
            except NotImplementedError:
                self._not_listed.append(name)
            except _Refused as refused:
                self._rights[name] = refused.result
            else:
                self._is_accepted = True
                self._rights[name] = OK, self._("Our user may list them.")

    def _check_version(self) -> None:
        version = self._first_answer("system_version")
        self._results["version"] = (
            (UNKNOWN, self._("The system does not say it."))
            if version is None
            else (OK, self._("The system says that it is %s.", version))
        )

    def _conclude(self) -> None:
        """Say what follows from all that was asked."""
        if self._is_accepted:
            self._results.setdefault("login", (OK, self._("The system accepts us. As whom, it does not say.")))
            if self._results["address"][0] == UNKNOWN:
                self._results["address"] = OK, self._("The system can be reached.")
        elif self._rights:
            text = self._("It has accepted no request, so this is not known.")
            self._results.setdefault("login", (UNKNOWN, text))
        if self._is_accepted or self._traffic.clock_difference is not None:
            self._results["clock"] = compare_clocks(self._adapters, self._traffic.clock_difference)

    # What an answer means

    def _first_answer(self, method: str) -> Any:
        """Return what a method of the first adapter returns that knows more than None.

        What several adapters have in common is asked once.
        """
        different: dict[Any, BackendAdapter] = {}
        for adapter in self._adapters:
            different.setdefault(getattr(type(adapter), method), adapter)
        for adapter in different.values():
            self._traffic.begin_check()
            if (answer := self._answer_or_none(adapter, method)) is not None:
                return answer
        return None

    def _answer_or_none(self, adapter: BackendAdapter, method: str) -> Any:
        """Return what a method of an adapter returns, None if the system refuses it."""
        try:
            return self._asked(adapter, method)
        except (NotImplementedError, _Refused):
            return None

    def _asked(self, adapter: BackendAdapter, method: str) -> Any:
        """Return what a method of an adapter returns.

        :raise _Refused: the system refuses this, or the method fails
        :raise _Blamed: nothing else needs to be asked
        :raise NotImplementedError: the adapter does not have it
        """
        try:
            return getattr(adapter, method)()
        except (NotImplementedError, *CONCURRENCY_ERRORS):
            raise
        except Enough as error:
            if self._traffic.has_accepted:
                return None
            raise _Refused(UNKNOWN, str(error)) from None
        except ConnectorException as error:
            if not self._is_accepted:
                self._blame(adapter, error)
            raise _Refused(*self._refusal(adapter, error)) from None
        except Exception as error:
            _logger.exception("%s.%s() fails in the connection test", class_name(type(adapter)), method)
            text = self._("The code of the connector fails with %s, see the log.", type(error).__name__)
            raise _Refused(WRONG, text) from None

    def _blame(self, adapter: BackendAdapter, error: ConnectorException) -> None:
        """Raise :class:`_Blamed` if an exception is due to the system as a whole.

        It may be as long as the system has accepted nothing.
        """
        status = getattr(error, "status", None)
        if isinstance(error, CredentialsRefused):
            raise _Blamed("login", WRONG, self._of_login(adapter, error))
        if self._traffic.is_distrusted:
            raise _Blamed("certificate", WRONG, str(error))
        if isinstance(error, NetworkRetryableError) and not is_server_error(error):
            raise _Blamed("address", WRONG, str(error))
        if isinstance(error, RetryableJobError) and not is_server_error(error):
            raise _Blamed("address", UNKNOWN, str(error))
        if status is not None and 300 < status < 400:
            raise _Blamed("address", WRONG, str(error))
        is_unexpected = status is None and isinstance(error, InvalidDataError)
        if self._is_web_page() and (is_unexpected or status == 403):
            text = self._(
                "%s answers with a web page, but an API is expected: check the path of the address, and whether "
                "the page of a login or of a firewall is in front of the system.",
                without_userinfo(str(getattr(adapter, "_base_url", ""))),
            )
            raise _Blamed("address", WRONG, text)
        if isinstance(error, UnreadableAnswer):
            raise _Blamed("address", WRONG, str(error))

    def _of_login(self, adapter: BackendAdapter, error: ConnectorException) -> str:
        """Return the sentence for a login that is refused."""
        said = getattr(error, "said", None)
        if said is None:
            return str(error)
        answer = self._traffic.last_answer
        if answer is not None and _asks_for_password(answer):
            return self._(
                "Who asks for a user and a password (%s) may be something in front of the system, as of a shop that is not "
                "public yet: we send other credentials.",
                said,
            )
        fields = adapter._labels(adapter._login_fields())
        if not fields:
            return self._("The system refuses us (%s), and this backend has no field for a login.", said)
        return self._(
            "The system refuses our credentials (%(said)s). Look at: %(fields)s.",
            said=said,
            fields=fields,
        )

    def _refusal(self, adapter: BackendAdapter, error: ConnectorException) -> Result:
        """Return what is to be said of what the system refuses for one model."""
        status, said, right = (getattr(error, name, None) for name in ("status", "said", "right"))
        if isinstance(error, RetryableJobError):
            return UNKNOWN, str(error)
        is_forbidden = right or (said and (status == 403 or isinstance(error, CredentialsRefused)))
        if is_forbidden and not _is_imported(adapter):
            return UNKNOWN, self._(
                "Our user may not list them (%s). This connector does not import them, so only a comparison needs it.",
                said,
            )
        if right:
            return WRONG, self._(
                "Our user lacks the right %(right)s there (%(said)s): give it to him.", right=right, said=said
            )
        if is_forbidden:
            return WRONG, self._(
                "Our user may not list them (%s): give him the right there, or work as another user.", said
            )
        if said and status in (404, 410):
            return WRONG, self._(
                "There is no such list (%s): check the path of the address, and whether the system has what it needs for it.",
                said,
            )
        return WRONG, str(error)

    def _is_web_page(self) -> bool:
        answer = self._traffic.last_answer
        if answer is None or not answer.headers.get("Content-Type", "").lower().startswith("text/html"):
            return False
        content = answer._content  # it may not have been read, as it is too long
        return isinstance(content, bytes) and content.lstrip().startswith(b"<")  # some say so of JSON


def _is_imported(adapter: BackendAdapter) -> bool:
    try:
        adapter.unit_for(ImportMapper)
    except ConnectorException:
        return False
    return True


def _asks_for_password(answer: requests.Response) -> bool:
    """Return whether an answer asks for user and password, though we have sent something else."""
    asked = answer.headers.get("WWW-Authenticate", "").lower().startswith("basic")
    sent = answer.request.headers.get("Authorization", "")
    sent = sent.decode(errors="replace") if isinstance(sent, bytes) else sent
    return answer.status_code == 401 and asked and not sent.lower().startswith("basic")
