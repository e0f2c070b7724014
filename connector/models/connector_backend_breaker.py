"""Aspect of ``connector.backend``: its state, circuit breaker, rate limit, and holds of its jobs.

The status is written in short READ COMMITTED transactions of its own, never in a job's. A job that
is rolled back has met the failure all the same, and no job waits for the counts of another.
"""

import logging
import random
from contextlib import contextmanager

from psycopg2.errors import LockNotAvailable

from odoo import SUPERUSER_ID, api, models

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NetworkRetryableError
from odoo.addons.jobs_queue.models.html_text import html_text
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.texts import REASON, storable

from ..exception import CredentialsRefused
from ..extension import class_name
from ..unit.jobs.probe import PROBING, probe_backend
from .connector_backend_status import STATES

_logger = logging.getLogger(__name__)

#: Seconds to wait for another transaction that writes the status.
_LOCK_TIMEOUT = 5
#: Seconds after which the jobs of a paused backend are tried again, even if nothing has probed it
#: meanwhile.
LONGEST_PAUSE = 900
#: About the seconds until a job checks again whether its backend is held. Until then, and as long
#: as it is held, it waits in its channel.
ASK_AGAIN = 10

# Holders of the jobs of a backend
_BREAKER = "breaker"  # it is paused
_ARCHIVED = "archived"
_TO_DO = "connector.mail_activity_type_attention"


class ConnectorBackend(models.AbstractModel):
    """The state of a backend, its circuit breaker and its rate limit."""

    _inherit = "connector.backend"

    #: Names of the fields with our credentials; the location and each ``SecretChar`` need not be
    #: named. Who saves new ones has attended to the backend.
    _credential_fields = ()

    def _status(self):
        """Return the status records of these backends."""
        return (
            self.env["connector.backend.status"]
            .sudo()
            .search([("backend_model", "=", self._name), ("backend_id", "in", self.ids)])
        )

    def _compute_state(self):
        statuses = {status.backend_id: status for status in self._status()}
        for backend in self:
            status = statuses.get(backend.id)
            backend.state = status.state if status else "ready"
            backend.state_reason = status and status.reason

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        others = [state for state, _label in STATES if state not in value]
        # a backend without a status is ready
        operator, states = ("not in", others) if "ready" in value else ("in", list(value))
        statuses = (
            self.env["connector.backend.status"]
            .sudo()
            .search([("backend_model", "=", self._name), ("state", "in", states)])
        )
        return [("id", operator, statuses.mapped("backend_id"))]

    @api.model_create_multi
    def create(self, vals_list):
        backends = super().create(vals_list)
        backends.filtered(lambda backend: not backend.active)._hold_if_archived()
        return backends

    def write(self, vals):
        result = super().write(vals)
        if self._new_credentials(vals):
            refused = self.filtered(lambda backend: backend.state == "needs_attention")
            refused._requeue_refused()
            refused._set_ready()
        if "active" in vals:
            self._hold_if_archived()
        return result

    def _register_hook(self):
        super()._register_hook()
        if self.env.registry.updated_modules and not self._abstract:
            self.search([("active", "=", False)])._hold_if_archived()

    def _hold_if_archived(self):
        """Let the jobs of archived backends wait, and those of the others go on.

        It is noted in this transaction.
        """
        for backend in self.sudo():
            if backend.active:
                backend.channel_id._release_holds(_ARCHIVED)
            else:
                backend._hold(_ARCHIVED, self.env._("%s is archived", backend.display_name))

    def _requeue_refused(self):
        """Requeue the jobs that have failed because the credentials were refused.

        The channels are still held, so the jobs run with what is saved now.
        """
        channels = self.sudo().channel_id
        if not channels:
            return
        channels = channels.search([("id", "child_of", channels.ids)])  # those of flows too
        names = _names_of_refusals()
        refused = (
            self.env["queue.job"]
            .sudo()
            .search(
                [
                    ("channel_id", "in", channels.ids),
                    ("state", "=", "failed"),
                    ("attempt_ids.exc_name", "in", names),
                ]
            )
        )
        # one that was requeued since may have failed for another reason
        if jobs := refused.filtered(lambda job: job.attempt_ids[:1].exc_name in names):
            with store.sql.own_cursor(self.env) as cr:
                store.actions.requeue(cr, jobs.ids)

    @api.private
    def check_may_work(self):
        """Check that nothing stops the jobs of the backend now.

        It may be archived, paused, asked to wait, or refuse our credentials. The queue does not
        start the jobs of its channel then. This is for jobs in another channel, and for those that
        run already.

        :raise NetworkRetryableError: it must not be asked now; the attempt is not counted
        """
        if held := store.channels.held(self.env.cr, self.sudo().channel_id.id):
            reason, _channel = held
            raise NetworkRetryableError(reason, seconds=ASK_AGAIN * random.uniform(0.8, 1.2), ignore_retry=True)

    def unlink(self):
        self._status().unlink()
        return super().unlink()

    def action_resume(self):
        """Let the jobs of these backends go on, whatever held them."""
        self.check_access("write")
        self._set_ready()

    def _set_ready(self):
        """Note that nothing is wrong with these backends; their jobs go on.

        It is noted in this transaction.
        """
        self._status().write({"state": "ready", "reason": False, "failures": 0})
        self.sudo().channel_id._release_holds(but=_ARCHIVED)
        self.sudo().activity_feedback([_TO_DO])
        self.invalidate_recordset(["state", "state_reason"])

    # Notes of what an adapter has met, each in a transaction of its own

    @contextmanager
    def _shared_status(self):
        """Give the backend and its locked status in a transaction of its own.

        Both are empty if the backend is not committed yet. Only the status is empty if another
        transaction has locked it, for instance that of the caller. Nothing can be noted then.
        """
        with store.sql.own_cursor(self.env) as cr:
            env = self.env(cr=cr, user=SUPERUSER_ID, su=True)
            backend = self.with_env(env).exists()
            status = env["connector.backend.status"]
            try:
                if backend:
                    with cr.savepoint():
                        cr.execute("SET LOCAL lock_timeout = %s", (f"{_LOCK_TIMEOUT}s",))
                        status = status._locked(backend)
            except LockNotAvailable:
                _logger.info("The status of %s is locked, so it does not learn what was met", self)
            yield backend, status

    @api.private
    def note_unreachable(self, message, model_name):
        """Count a network failure, and pause the backend at the threshold.

        :param message: what went wrong, for the user
        :param model_name: name of the binding model whose adapter has met it
        :return: whether the backend's jobs wait now
        """
        self.ensure_one()
        message = storable(message, REASON)
        with self._shared_status() as (backend, status):
            if not status or not backend.breaker_threshold:
                return False
            if status.state == "paused" and backend._is_paused():
                return True  # asked before the pause: it says nothing new
            status._count_failure()
            if status.state == "paused" or (status.state == "ready" and status.failures >= backend.breaker_threshold):
                backend._pause(status, message, model_name)
            return status.state != "ready"

    @api.private
    def note_untrusted(self, message, model_name):
        """Note that the system has shown no valid certificate.

        Its jobs wait until it shows one. Somebody here is told, as nobody there may know.

        :param message: what is wrong with the certificate, for the user
        :param model_name: name of the binding model whose adapter has met it
        :return: whether the backend's jobs wait now
        """
        self.ensure_one()
        message = storable(message, REASON)
        with self._shared_status() as (backend, status):
            if not status or not backend.breaker_threshold:
                return False
            if status.state == "ready" or (status.state == "paused" and not backend._is_paused()):
                backend._pause(status, message, model_name)
                backend._call_attendant(message)
            elif status.state == "paused" and status.reason != message:
                # it was paused for another reason, and the people there know of that one
                status.reason = message
                backend._call_attendant(message)
            return True

    @api.private
    def note_answered(self):
        """Note that the system has answered about a record, so it can be reached.

        Whether it accepts our credentials is another matter.

        :return: whether the backend still needs attention
        """
        self.ensure_one()
        with self._shared_status() as (backend, status):
            if status.state == "paused":
                backend._set_ready()
            status.failures = 0
            return status.state == "needs_attention"

    @api.private
    def note_accepted(self):
        """Note that the system has answered one of our requests with success."""
        self.ensure_one()
        with self._shared_status() as (backend, status):
            if status and (status.state != "ready" or status.failures):
                backend._set_ready()

    @api.private
    def note_refused(self, message):
        """Note that the system refuses our credentials.

        The jobs wait until somebody has attended to the backend. Nothing is noted if somebody has
        saved the backend since our transaction began, because our request had the former
        credentials.

        :param message: what the system says, for the user
        """
        self.ensure_one()
        message = storable(message, REASON)
        with self._shared_status() as (backend, status):
            if not status or status.state == "needs_attention" or backend.write_date > self.write_date:
                return
            status.write({"state": "needs_attention", "reason": message})
            backend._hold("credentials", message)
            backend._call_attendant(message)

    @api.private
    def note_busy(self, message, seconds):
        """Note that the system asks to wait for some seconds, and let the jobs wait.

        :param message: what the system says, for the user
        """
        self.ensure_one()
        message = storable(message, REASON)
        with self._shared_status() as (backend, status):
            if status:
                backend._hold("busy", message, min(seconds, LONGEST_PAUSE))

    @api.private
    def note_probe_failed(self, message):
        """Note that a probe has not reached the paused system: the jobs go on waiting."""
        message = storable(message, REASON)
        with self._shared_status() as (backend, status):
            if status.state == "paused":
                backend._hold(_BREAKER, message, LONGEST_PAUSE)

    @api.private
    def note_probe_unable(self):
        """Note that only a job can tell whether the paused system can be reached.

        The jobs go on after a while. The next failure pauses the backend again, for longer.
        """
        with self._shared_status() as (backend, status):
            if status.state == "paused":
                backend._hold(
                    _BREAKER, status.reason, PROBING.seconds(max(1, status.failures + 1 - backend.breaker_threshold))
                )

    @api.private
    def note_probe_succeeded(self):
        """Note that a probe has reached the paused system: the jobs go on."""
        with self._shared_status() as (backend, status):
            if status.state == "paused":
                backend._set_ready()

    @api.private
    def take_token(self, longest):
        """Take the token of one request.

        :param longest: seconds; a token that comes later is not taken
        :return: seconds to wait before the request is sent. They are negative if the token was not
            taken, or if nobody can tell now
        """
        self.ensure_one()
        record = self.sudo()
        with self._shared_status() as (backend, status):
            if not backend:
                return 0
            if not status:
                return -_LOCK_TIMEOUT
            seconds = status._take_token(record.rate_limit, max(1, record.rate_limit_period))
            if seconds > longest:
                status._give_token_back()
                return -seconds
            return seconds

    def _pause(self, status, message, model_name):
        status.write({"state": "paused", "reason": message})
        self._hold(_BREAKER, message, LONGEST_PAUSE)
        self._delay_probe(model_name)

    def _is_paused(self):
        """Return whether the breaker holds the jobs now; others may hold them, too."""
        return bool(
            self.env["queue.job.channel.hold"].search_count(
                [
                    ("channel_id", "=", self.channel_id.id),
                    ("holder", "=", _BREAKER),
                    ("date_until", ">", self.env.cr.now()),
                ]
            )
        )

    # A backend that is older than the channels of its addon may have none yet. Nothing can be held
    # then

    def _hold(self, holder, message, seconds=None):
        store.channels.hold(self.env.cr, self.channel_id.id or None, holder, message, seconds)

    def _delay_probe(self, model_name):
        session = ConnectorSession.from_env(self.env).with_company(self.company_id)
        probe_backend.delay(session, model_name, self.id, identity_key=f"probe,{self._name},{self.id}")

    def _call_attendant(self, message):
        """Ask one person to attend to the backend, unless somebody is asked already.

        The request ends when the trouble of the backend ends.
        """
        if self.activity_search([_TO_DO]):
            return
        user = next(filter(self._may_attend, self._attendants()), None)
        if user:
            self.activity_schedule(_TO_DO, note=html_text(message), user_id=user.id)
        else:
            _logger.error("Nobody who may read %s is there to be told: %s", self, message)

    def _attendants(self):
        """Return who may be asked to attend to the backend, the preferred ones first.

        These are the responsible, the user who has created the backend, its followers, and the
        managers.
        """
        managers = self.env.ref("connector.group_connector_manager").all_user_ids
        return self.user_id + self.create_uid + self.message_partner_ids.user_ids + managers.sorted("id")

    def _may_attend(self, user):
        backend = self.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        return user.active and user._is_internal() and backend.has_access("read")


def _names_of_refusals():
    """Return the names of the exceptions that say so if the credentials are refused.

    They are as attempts of jobs have them.
    """
    kinds = [CredentialsRefused]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return [class_name(kind) for kind in kinds]
