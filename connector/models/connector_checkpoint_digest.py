"""Aspect of ``connector.checkpoint``: the digest, a message a day to each reader if there is news.

The readers are the people who follow a backend or are asked for a review.
"""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

#: Checkpoints that are marked as told at a time.
CHUNK = 1000
TO_REVIEW = Domain("state", "=", "need_review")
UNTOLD = Domain("is_told", "=", False)


class ConnectorCheckpoint(models.Model):
    _inherit = "connector.checkpoint"

    is_told = fields.Boolean(readonly=True, help="The digests have told of it")

    _untold_idx = models.Index("(id) WHERE state = 'need_review' AND is_told IS NOT TRUE")

    @api.model
    def _send_digests(self):
        """Tell each reader, in one message, which checkpoints wait for a review.

        A reader who has nothing new gets no message.
        """
        for user, concerned in self._readers(TO_REVIEW & UNTOLD).items():
            checkpoints = self.with_user(user).with_context(lang=user.lang, allowed_company_ids=user.company_ids.ids)
            checkpoints._send_digest(TO_REVIEW & concerned)
        for told in split_every(CHUNK, self.search(TO_REVIEW & UNTOLD).ids, self.browse):
            told.is_told = True
            told.invalidate_recordset()

    @api.model
    def _readers(self, domain):
        """Return the readers of the checkpoints of a domain.

        :return: ``{user: domain of the checkpoints that concern the user}``
        """
        domains = {user: Domain("user_id", "=", user.id) for (user,) in self._read_group(domain, ["user_id"]) if user}
        for (reference,) in self._read_group(domain, ["backend_id"]):
            followed = Domain("backend_id", "=", reference)
            model_name, _comma, backend_id = reference.partition(",")
            for user in self.env[model_name].browse(int(backend_id)).exists().message_partner_ids.user_ids:
                domains[user] = domains.get(user, Domain.FALSE) | followed
        return {user: domain for user, domain in domains.items() if user._is_internal()}

    def _send_digest(self, domain):
        """Send the current user the digest of the checkpoints that match, unless none is new.

        It has only the checkpoints that the user may read.
        """
        rows = self._digest_rows(domain)
        if not any(row["new"] for row in rows):
            return
        values = {"rows": rows, "url": f"{self.get_base_url()}/odoo/connector-checkpoints"}
        self.env["mail.thread"].sudo().message_notify(
            author_id=self.env.ref("base.partner_root").id,
            partner_ids=self.env.user.partner_id.ids,
            subject=self.env._("To review: %s", sum(row["count"] for row in rows)),
            body=self.env["ir.qweb"].sudo()._render("connector.checkpoint_digest", values),
        )

    def _digest_rows(self, domain):
        """Return the lines of a digest, the most severe ones first.

        There is one line for each backend, model and severity.
        """
        grouping = ["backend_id", "model_id", "severity"]
        new = {tuple(key): count for *key, count in self._read_group(domain & UNTOLD, grouping, ["__count"])}
        severities = dict(self._fields["severity"]._description_selection(self.env))
        return [
            {
                "backend": self._backend_name(reference),
                "model": model.sudo().name,
                "severity": severities[severity],
                "count": count,
                "new": new.get((reference, model, severity), 0),
            }
            for reference, model, severity, count in sorted(
                self._read_group(domain, grouping, ["__count"]),
                key=lambda row: (list(severities).index(row[2]), row[0]),
                reverse=True,
            )
        ]

    def _backend_name(self, reference):
        model_name, _comma, backend_id = reference.partition(",")
        return self.env[model_name].sudo().browse(int(backend_id)).display_name
