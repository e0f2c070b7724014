"""Status of a backend, in a row that workers write: state, failures, rate limit tokens.

The status is written in short READ COMMITTED transactions of its own, never in a job's. A job that
is rolled back has met the failure all the same, and no job waits for the counts of another.
"""

import logging
from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.jobs_queue.store.sql import NOW

_logger = logging.getLogger(__name__)

#: Failures that are further apart do not count together.
WINDOW = timedelta(minutes=10)

STATES = [("ready", "Ready"), ("paused", "Paused"), ("needs_attention", "Needs Attention")]


class BackendStatus(models.Model):
    """The part of a backend that workers write.

    It is not in the backend's row, because people edit that row and jobs read it.
    """

    _name = "connector.backend.status"
    _description = "Status of a Backend"
    _log_access = False
    _rec_name = "backend_model"

    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True, default="ready")
    reason = fields.Char(readonly=True)
    failures = fields.Integer(readonly=True, aggregator=None, help="Network failures one after the other")
    date_failure = fields.Datetime(readonly=True)
    tokens = fields.Float(readonly=True, aggregator=None, help="How many requests could be sent at that time")
    date_filled = fields.Datetime(readonly=True)

    _backend_uniq = models.UniqueIndex("(backend_model, backend_id)")

    @api.model
    def _locked(self, backend):
        """Return the status of a backend, locked until the end of the transaction.

        It is created if there is none.
        """
        key = (backend._name, backend.id)
        self.env.cr.execute(
            "INSERT INTO connector_backend_status (backend_model, backend_id, state, failures) VALUES (%s, %s, 'ready', 0) "
            "ON CONFLICT DO NOTHING",
            key,
        )
        # a statement of its own: it sees what the former holder of the lock has committed
        self.env.cr.execute(
            "SELECT id FROM connector_backend_status WHERE (backend_model, backend_id) = (%s, %s) FOR UPDATE", key
        )
        return self.browse(self.env.cr.fetchone())

    def _take_token(self, rate, period):
        """Take the token of one request from the backend's bucket.

        The bucket fills evenly, with ``rate`` tokens in a period of seconds, and holds no more than
        the tokens of one period. An empty bucket lends tokens: each borrower waits for its own
        turn. This is safe because it is one UPDATE, and it sees the row as the UPDATE before it has
        left it.

        :return: seconds to wait before the request is sent
        """
        self.env.cr.execute(
            f"""
            UPDATE connector_backend_status SET
                tokens = LEAST(
                    %(rate)s,
                    COALESCE(tokens, %(rate)s)
                    + COALESCE(GREATEST(0, extract(epoch FROM {NOW} - date_filled)), 0)::float8 * %(rate)s / %(period)s
                ) - 1,
                date_filled = {NOW}
            WHERE id = %(id)s RETURNING GREATEST(0, -tokens) * %(period)s / %(rate)s
            """,
            {"id": self.id, "rate": float(rate), "period": period},
        )
        return self.env.cr.fetchone()[0]

    def _count_failure(self):
        """Count a network failure, together with those shortly before it."""
        now = self.env.cr.now()
        recent = self.date_failure and now - self.date_failure < WINDOW
        self.write({"failures": self.failures + 1 if recent else 1, "date_failure": now})

    def _give_token_back(self):
        self.env.cr.execute("UPDATE connector_backend_status SET tokens = tokens + 1 WHERE id = %s", (self.id,))
