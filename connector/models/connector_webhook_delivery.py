"""Webhook deliveries: the messages that external systems have sent."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import split_every

from odoo.addons.jobs_queue.models.plain_fields import PlainMany2one
from odoo.addons.jobs_queue.selection import selected_domain
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import reference
from ..unit.backend_adapter.decoding import form_values, is_form, kept_text
from ..unit.backend_adapter.masking import masked_headers
from ..unit.backend_adapter.readable import readable
from ..unit.webhook_receiver import process_again, process_webhook

#: Time for which deliveries are kept, and one that comes again is recognised.
KEPT = timedelta(days=30)
#: Deliveries that one pass of the vacuum deletes at most.
_VACUUM_LIMIT = 10_000
#: Deliveries that are processed again in one transaction; of more, each chunk has a job.
CHUNK = 500


class TakenBefore(Exception):
    """The same delivery, or the same signed content, was received under another topic.

    Somebody may be sending once more a delivery that he has seen.
    """


class WebhookDelivery(models.Model):
    _name = "connector.webhook.delivery"
    _description = "Delivery of a Webhook"
    _order = "id desc"
    _rec_name = "topic"

    backend_id = fields.Reference(selection="_select_backends", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    delivery_key = fields.Char(string="Delivery", readonly=True, help="What the other system calls it")
    content_key = fields.Char(readonly=True, help="The hash of what is signed, in the last delivery of it")
    topic = fields.Char(readonly=True, help="What has happened there")
    content_type = fields.Char(readonly=True)
    headers = fields.Text(readonly=True)
    body = fields.Text(string="Content", readonly=True)
    readable_body = fields.Text(compute="_compute_readable_body")
    job_id = PlainMany2one("queue.job", readonly=True, help="The job that deals with it")
    job_state = fields.Selection(
        lambda self: self.env["queue.job"]._fields["state"].selection, string="State", compute="_compute_job_state"
    )

    _delivery_uniq = models.UniqueIndex("(backend_id, delivery_key)")
    _content_uniq = models.UniqueIndex("(backend_id, content_key)")
    _job_idx = models.Index("(job_id)")
    _backend_idx = models.Index("(backend_id, id)")

    @api.model
    def _select_backends(self):
        return self.env["connector.checkpoint"]._select_backends()

    @api.depends("body", "content_type")
    def _compute_readable_body(self):
        for delivery in self:
            values = form_values(delivery.body or "", delivery.content_type) if delivery._is_form() else None
            lines = values and "\n".join(f"{name} = {value}" for name, value in values)
            delivery.readable_body = lines or readable(delivery.body)

    @api.depends("job_id")
    def _compute_job_state(self):
        states = {job.id: job.state for job in self.sudo().job_id.exists()}
        for delivery in self:
            delivery.job_state = states.get(delivery.job_id.id)

    @api.model
    def _receive(self, receiver, headers, body):
        """Store a delivery and delay the job that processes it.

        :param receiver: the backend's
            :class:`~odoo.addons.connector.unit.webhook_receiver.WebhookReceiver`
        :param headers: dict-like
        :param body: bytes
        :return: False for a delivery that was received before
        :raise TakenBefore: it was received before under another topic; no signature covers the
            topic
        """
        backend = receiver.backend_record
        topic = receiver.topic(headers)
        keys = (
            reference(backend),
            receiver.delivery_key(headers, body),
            receiver.content_key(headers, body),
        )
        known = self._find(*keys)
        self._check_topic(known, topic)
        if known._is_replay(keys[1], receiver.replay_window):
            return False
        # only the last delivery of the same content has its key
        known.content_key = False
        delivery = self._claim(*keys)
        delivery.write(
            {
                "company_id": backend.company_id.id,
                "topic": topic,
                "content_type": headers.get("Content-Type"),
                "headers": masked_headers(headers, ()),
                "body": kept_text(body, headers.get("Content-Type")),
            }
        )
        delivery._delay()
        return True

    @api.model
    def _find(self, reference, delivery_key, content_key):
        """Return the deliveries that were received with one of these keys."""
        same = [
            [(name, "=", key)] for name, key in (("delivery_key", delivery_key), ("content_key", content_key)) if key
        ]
        return self.search(fields.Domain("backend_id", "=", reference) & fields.Domain.OR(same))

    @api.model
    def _check_topic(self, known, topic):
        for delivery in known:
            if delivery.topic != (topic or False):
                raise TakenBefore(
                    f"it was received before under the topic {delivery.topic!r}, and is now sent under {topic!r}. If the system sends the "
                    "same content under several topics, set _topics_share_content on its WebhookReceiver"
                )

    def _is_replay(self, delivery_key, seconds):
        """Return whether one of these deliveries has the same key, or came a short time ago.

        :param seconds: deliveries that are not older than this count
        """
        since = self.env.cr.now() - timedelta(seconds=seconds)
        return any(
            (delivery_key and delivery.delivery_key == delivery_key) or delivery.create_date > since
            for delivery in self
        )

    @api.model
    def _claim(self, reference, delivery_key, content_key):
        """Return a new delivery that has nothing but its keys.

        This is safe because of the unique indexes. A transaction that inserts the same keys waits
        until the first one has committed or rolled back. After a commit, its statement raises a
        serialization failure, because its transaction began before. Odoo then serves the request
        again.
        """
        self.flush_model(["content_key"])
        self.env.cr.execute(
            """
            INSERT INTO connector_webhook_delivery (backend_id, delivery_key, content_key, create_uid, create_date)
            VALUES (%s, %s, %s, %s, now() AT TIME ZONE 'UTC') ON CONFLICT DO NOTHING RETURNING id
            """,
            (reference, delivery_key, content_key, self.env.uid),
            log_exceptions=False,
        )
        return self.browse(self.env.cr.fetchone())

    def _is_form(self):
        return is_form(self.content_type)

    def _delay(self):
        """Delay a job for each of these deliveries, and return the jobs."""
        session = ConnectorSession.from_env(self.env)
        # only these fields are read, as the contents may be long
        self.fetch(["backend_id", "company_id", "topic", "delivery_key"])
        jobs = [
            process_webhook.delay(
                session.with_company(delivery.company_id),
                self._name,
                delivery.id,
                channel=delivery.backend_id.channel_id.complete_name,
                description=delivery._title(),
            )
            for delivery in self
        ]
        # reading the first id stores all jobs at once
        for delivery, job in zip(self, jobs, strict=True):
            delivery.job_id = job.id
        return jobs

    def _title(self):
        return self.env._("Webhook %(topic)s of %(backend)s", topic=self.topic or "", backend=self.backend_id.name)

    def action_process_again(self):
        """Process these deliveries once more, or all that the user has selected in a list."""
        deliveries = self
        if (domain := selected_domain(self.env, self._name, len(self))) is not None:
            # the domain comes from the client: deliveries that the user may not see are left out
            deliveries = self.sudo(False).search(domain)
        deliveries.check_access("read")
        deliveries.fetch(["backend_id"])
        for backend in {delivery.backend_id for delivery in deliveries}:
            backend.check_access("write")
        is_one_chunk = len(deliveries) <= CHUNK
        jobs = deliveries.sudo()._delay() if is_one_chunk else deliveries._delay_in_chunks()
        message = self.env._("Deliveries that are processed in the background: %s.", len(deliveries))
        return self.env["queue.worker"]._answer(message, jobs, linked=False)

    def _delay_in_chunks(self):
        """Delay jobs that delay the jobs of these deliveries, and return them.

        Each of them handles some deliveries of a backend, in a short transaction.
        """
        return [
            process_again.delay(
                ConnectorSession.from_env(self.env).with_company(backend.company_id),
                self._name,
                ids,
                channel=backend.channel_id.complete_name,
                description=self.env._(
                    "Webhooks of %(backend)s to process: %(number)s", number=len(ids), backend=backend.name
                ),
            )
            for backend, deliveries in self.grouped("backend_id").items()
            for ids in split_every(CHUNK, deliveries.ids, list)
        ]

    @api.autovacuum
    def _gc_deliveries(self):
        """Delete the deliveries that are older than :data:`KEPT`.

        Deliveries whose job is still to be done, or has failed, are kept.

        :return: ``(number of deleted deliveries, whether there may be more)``
        """
        # a subselect: with the path job_id.state, a delivery whose job was deleted would count as
        # one whose job is not done
        unfinished = self.env["queue.job"]._search([("state", "not in", ("done", "cancelled"))])
        domain = [("create_date", "<", fields.Datetime.now() - KEPT), ("job_id", "not in", unfinished)]
        old = self.search(domain, limit=_VACUUM_LIMIT, order="id")
        old.unlink()
        return len(old), len(old) == _VACUUM_LIMIT
