"""Topics of webhooks that Odoo registers in external systems, and what is known of each."""

from odoo import api, fields, models

STATES = [
    ("unknown", "Not Looked At"),
    ("registered", "Registered"),
    ("elsewhere", "Sent Elsewhere"),
    ("missing", "Not Registered"),
]


class ConnectorWebhookTopic(models.Model):
    """A topic of the webhook of a backend, as the system had it when somebody last looked."""

    _name = "connector.webhook.topic"
    _inherit = "queue.checked.access"
    _description = "Topic of a Webhook"
    _order = "backend_model, backend_id, topic"
    _rec_name = "topic"
    _log_access = False
    _written_by_code = ("backend_model", "backend_id", "company_id", "topic", "description", "state", "date_checked")

    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    topic = fields.Char(required=True, readonly=True)
    description = fields.Char(string="About", readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True, default="unknown")
    date_checked = fields.Datetime(string="Looked At", readonly=True)
    last_received = fields.Datetime(compute="_compute_last_received", help="In the last thirty days")

    _topic_uniq = models.UniqueIndex("(backend_model, backend_id, topic)")

    def _compute_last_received(self):
        deliveries = self.env["connector.webhook.delivery"].sudo()
        for (model_name, backend_id), topics in self.grouped(
            lambda topic: (topic.backend_model, topic.backend_id)
        ).items():
            domain = [("backend_id", "=", f"{model_name},{backend_id}"), ("topic", "in", topics.mapped("topic"))]
            last = dict(deliveries._read_group(domain, ["topic"], ["create_date:max"]))
            for topic in topics:
                topic.last_received = last.get(topic.topic)

    @api.model
    def _note(self, backend, names, states):
        """Note the states of the topics of a backend; those that are not named are deleted.

        :param names: dict, topic to what it is about
        :param states: dict, topic to its state
        """
        place = [("backend_model", "=", backend._name), ("backend_id", "=", backend.id)]
        for topic in names:
            # another transaction may create the same one
            self.env.cr.execute(
                "INSERT INTO connector_webhook_topic (backend_model, backend_id, topic, state) VALUES (%s, %s, %s, 'unknown') "
                "ON CONFLICT DO NOTHING",
                (backend._name, backend.id, topic),
            )
        known = self.search(place)
        known.filtered(lambda topic: topic.topic not in names).unlink()
        for topic in known.exists():
            topic.write(
                {
                    "company_id": backend.sudo().company_id.id,
                    "description": names[topic.topic],
                    "state": states[topic.topic],
                    "date_checked": self.env.cr.now(),
                }
            )
