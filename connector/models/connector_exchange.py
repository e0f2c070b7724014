"""Exchange log: requests and responses, without secrets, kept for some days.

People can look at an exchange, and send the request again.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.by_code import BY_CODE
from odoo.addons.jobs_queue.exception import ConnectorException
from odoo.addons.jobs_queue.models.plain_fields import PlainMany2one

from ..backend import reference
from ..unit.backend_adapter.decoding import bytes_of
from ..unit.backend_adapter.http import HttpAdapter
from ..unit.backend_adapter.masking import MASK, is_complete
from ..unit.backend_adapter.readable import readable

#: Exchanges of one backend that one pass of the vacuum deletes at most.
_VACUUM_LIMIT = 10_000

# Headers that a request gets anew when it is sent again
_HEADERS_OF_THE_CONNECTION = (
    "host",
    "content-length",
    "connection",
    "user-agent",
    "accept-encoding",
    "transfer-encoding",
)


class ConnectorExchange(models.Model):
    _name = "connector.exchange"
    _description = "Exchange with another System"
    _log_access = False
    _order = "id desc"
    _rec_name = "url"

    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    backend_id = fields.Reference(selection="_select_backends", required=True, readonly=True)
    model_name = fields.Char(string="Model", readonly=True, help="The binding model whose adapter has sent it")
    company_id = PlainMany2one("res.company", readonly=True)
    job_id = PlainMany2one("queue.job", readonly=True)
    method = fields.Char(required=True, readonly=True)
    url = fields.Char(string="Address", required=True, readonly=True)
    request_headers = fields.Text(readonly=True)
    request_body = fields.Text(string="Request", readonly=True)
    readable_request = fields.Text(compute="_compute_readable")
    status = fields.Integer(readonly=True, aggregator=None, help="Status of HTTP; 0 if there was no answer")
    response_headers = fields.Text(readonly=True)
    response_body = fields.Text(string="Response", readonly=True)
    readable_response = fields.Text(compute="_compute_readable")
    error = fields.Char(readonly=True, help="Why there was no answer")
    seconds = fields.Float(string="Duration (s)", readonly=True, digits=(16, 3), aggregator="avg")
    is_error = fields.Boolean(string="Failed", readonly=True)
    is_rehearsed = fields.Boolean(
        string="Rehearsed", readonly=True, help="It was held back: nothing was sent to the other system"
    )
    is_replayable = fields.Boolean(compute="_compute_is_replayable")

    _backend_idx = models.Index("(backend_id, date)")
    _job_idx = models.Index("(job_id) WHERE job_id IS NOT NULL")

    @api.model
    def _select_backends(self):
        return self.env["connector.checkpoint"]._select_backends()

    @api.depends("request_body", "response_body")
    def _compute_readable(self):
        for exchange in self:
            exchange.readable_request = readable(exchange.request_body)
            exchange.readable_response = readable(exchange.response_body)

    @api.depends("url", "request_body", "is_rehearsed")
    def _compute_is_replayable(self):
        for exchange in self:
            is_kept = is_complete(exchange.url) and is_complete(exchange.request_body)
            # of what was held back, the export has to be run: it binds what it creates
            exchange.is_replayable = is_kept and not exchange.is_rehearsed

    def action_replay(self):
        """Send the request again, with the current credentials, and open the new exchange.

        :raise UserError: a part of the request was not kept, or nothing could be sent
        """
        self.ensure_one()
        self.check_access("read")
        backend = self.backend_id and self.backend_id.exists()
        if not backend:
            raise UserError(self.env._("The backend does not exist any more."))
        backend.check_access("write")
        if self.is_rehearsed:
            raise UserError(self.env._("It was held back, and is not sent by itself: run the export."))
        if not self.is_replayable:
            raise UserError(
                self.env._("It cannot be sent again: a part of it is secret or too long, and was not kept.")
            )
        with backend.with_context(connector_log_exchange=BY_CODE).work_on(self.model_name) as environment:
            adapter = environment.get_connector_unit(HttpAdapter)
            headers = self._headers()
            content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
            body = bytes_of(self.request_body or "", content_type)
            try:
                adapter.request(self.method, self.url, data=body, headers=headers)
            except ConnectorException as error:
                if not adapter.last_exchange_id:
                    raise UserError(str(error)) from error
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": adapter.last_exchange_id,
            "views": [(False, "form")],
        }

    def _headers(self):
        """Return the headers to send again.

        Secret headers are left out, as they are added anew. Those of the connection are left out,
        too.
        """
        headers = dict(line.split(": ", 1) for line in (self.request_headers or "").splitlines() if ": " in line)
        return {
            name: value
            for name, value in headers.items()
            if MASK not in value and name.lower() not in _HEADERS_OF_THE_CONNECTION
        }

    def action_open_backend(self):
        self.check_access("read")
        return self.backend_id.get_formview_action()

    @api.autovacuum
    def _gc_exchanges(self):
        """Delete the exchanges that are older than their backend wants to keep them.

        :return: ``(number of deleted exchanges, whether there may be more)``
        """
        done, may_be_more = 0, False
        for model_name, _label in self._select_backends():
            for backend in self.env[model_name].search([("active", "in", (True, False))]):
                before = fields.Datetime.now() - timedelta(days=backend.exchange_log_days)
                domain = [("backend_id", "=", reference(backend)), ("date", "<", before)]
                old = self.search(domain, limit=_VACUUM_LIMIT, order="id")
                old.unlink()
                done += len(old)
                may_be_more |= len(old) == _VACUUM_LIMIT
        return done, may_be_more
