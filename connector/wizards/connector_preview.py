"""Wizard: what the next import of a flow would do with the first records of its list."""

from collections import Counter, defaultdict

from odoo import fields, models

OUTCOMES = [
    ("new", "New"),
    ("matched", "Matched"),
    ("changed", "Changed"),
    ("unchanged", "Unchanged"),
    ("refused", "Refused"),
    ("sends", "Would Send"),
    ("skipped", "Skipped"),
    ("other", "Needed"),
    ("job", "Jobs"),
]
#: Outcomes whose records are told apart by the reason.
_BY_REASON = ("refused", "sends", "skipped")
#: Fields that the line of an outcome names.
_MOST_FIELDS = 6
#: Changes that the line of a record tells.
_MOST_CHANGES = 3


class ConnectorPreview(models.TransientModel):
    """What an import would do. Nothing of it was kept."""

    _name = "connector.preview"
    _description = "Preview of an Import"

    flow_id = fields.Many2one("connector.flow", required=True, readonly=True, ondelete="cascade")
    summary = fields.Char(readonly=True)
    stopped = fields.Char(readonly=True)
    is_refused = fields.Boolean(readonly=True)
    has_line = fields.Boolean(readonly=True)
    seconds = fields.Integer(readonly=True)
    part_ids = fields.One2many("connector.preview.part", "preview_id", readonly=True)

    def _show(self, flow, preview):
        """Return the action that shows a preview.

        :param flow: ``connector.flow`` record
        :param preview: :class:`~..unit.importer.preview.Preview`
        """
        record = self.create(
            {
                "flow_id": flow.id,
                "summary": self._told(preview),
                "stopped": preview.stopped,
                "is_refused": any(look.outcome == "refused" for look in preview.looks),
                "has_line": bool(preview.looks),
                "seconds": round(preview.seconds),
            }
        )
        record.part_ids._add(record, preview)
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_preview_action")
        return {**action, "res_id": record.id}

    def _told(self, preview):
        """Return what was looked at, as a sentence."""
        if not preview.listed:
            return self.env._("The next run would import nothing: the list is empty.")
        if not preview.has_more:
            return self.env._("The next run would import these %s records.", preview.listed)
        if preview.total:
            return self.env._("The first %(listed)s of %(total)s records.", listed=preview.listed, total=preview.total)
        return self.env._("The first %s records. There may be more.", preview.listed)

    def action_open_lines(self):
        """Open the records that were looked at."""
        self.ensure_one()
        self.check_access("read")
        return self._open_lines([("preview_id", "=", self.id)])

    def _open_lines(self, domain, name=None, **context):
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_preview_line_action")
        return {**action, "name": name or action["name"], "domain": domain, "context": context}


class ConnectorPreviewPart(models.TransientModel):
    """What would be done with some of the records: the same with all of them."""

    _name = "connector.preview.part"
    _description = "Part of a Preview"
    _order = "id"

    preview_id = fields.Many2one("connector.preview", required=True, index=True, ondelete="cascade")
    outcome = fields.Selection(OUTCOMES, readonly=True)
    number = fields.Integer(readonly=True)
    text = fields.Text(string="What It Would Do", readonly=True)
    line_ids = fields.One2many("connector.preview.line", "part_id", readonly=True)

    def _add(self, record, preview):
        """Create the parts of a preview, and their lines."""
        looks = defaultdict(list)
        for look in preview.looks:
            of_part = look.reason if look.outcome in _BY_REASON else look.model_name if look.outcome == "other" else ""
            looks[look.outcome, look.model_name, of_part].append(look)
        order = [outcome for outcome, _label in OUTCOMES]
        for (outcome, model_name, _of_part), of_part in sorted(
            looks.items(), key=lambda item: (order.index(item[0][0]), -len(item[1]))
        ):
            text = self._text_of(outcome, self.env[model_name], of_part)
            if outcome in _BY_REASON and model_name != record.flow_id.model_name:
                text = f"{self.env[model_name]._description}: {text}"
            part = self.create({"preview_id": record.id, "outcome": outcome, "number": len(of_part), "text": text})
            part.line_ids._add(part, of_part)
        for text, number in preview.jobs.most_common():
            self.create({"preview_id": record.id, "outcome": "job", "number": number, "text": text})

    def _text_of(self, outcome, model, looks):
        if outcome in _BY_REASON:
            return looks[0].reason
        if outcome == "other":
            return self.env._("Would also be created, as the records need them: %s", model._description)
        texts = {
            "new": self.env._("Would be created here"),
            "matched": self.env._("Are here already: they would be bound"),
            "changed": self.env._("Would be changed here"),
            "unchanged": self.env._("Are up to date"),
        }
        counts = Counter(label for look in looks for label in dict.fromkeys(label for label, *_texts in look.changes))
        if outcome == "new" or not counts:
            return texts[outcome]
        if outcome == "matched":
            texts[outcome] = self.env._("Are here already: they would be bound, and these fields overwritten")
        named = [f"{label} ({number})" for label, number in counts.most_common(_MOST_FIELDS)]
        if len(counts) > _MOST_FIELDS:
            named.append("…")
        return f"{texts[outcome]}: {', '.join(named)}"

    def action_open_lines(self):
        """Open the records of this part."""
        self.ensure_one()
        self.check_access("read")
        label = dict(self._fields["outcome"]._description_selection(self.env))[self.outcome]
        return self.preview_id._open_lines([("part_id", "=", self.id)], label)


class ConnectorPreviewLine(models.TransientModel):
    """What would be done with one record."""

    _name = "connector.preview.line"
    _description = "Record of a Preview"
    _order = "id"

    part_id = fields.Many2one("connector.preview.part", required=True, index=True, ondelete="cascade")
    preview_id = fields.Many2one("connector.preview", required=True, index=True, ondelete="cascade")
    outcome = fields.Selection(OUTCOMES, readonly=True)
    external_id = fields.Char(string="External ID", readonly=True)
    name = fields.Char(readonly=True)
    model_description = fields.Char(string="Kind", readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", string="Record Here", readonly=True)
    reason = fields.Text(readonly=True)
    changes = fields.Char(readonly=True)
    value_ids = fields.One2many("connector.preview.value", "line_id", readonly=True)

    def _add(self, part, looks):
        lines = self.create(
            [
                {
                    "part_id": part.id,
                    "preview_id": part.preview_id.id,
                    "outcome": look.outcome,
                    "external_id": look.external_id,
                    "name": look.name or look.external_id,
                    "model_description": self.env[look.model_name]._description,
                    "res_model": look.record._name if look.record else False,
                    "res_id": look.record.id if look.record else False,
                    "reason": look.reason,
                    "changes": self._told_changes(look),
                }
                for look in looks
            ]
        )
        self.env["connector.preview.value"].create(
            [
                {"line_id": line.id, "field": label, "before": before, "after": after}
                for line, look in zip(lines, looks, strict=True)
                for label, before, after in look.changes
            ]
        )

    def _told_changes(self, look):
        """Return the first changes of a record that is here, in a line."""
        if look.outcome == "new":
            return False
        told = [f"{label}: {before or '∅'} → {after or '∅'}" for label, before, after in look.changes[:_MOST_CHANGES]]
        return "; ".join([*told, *(["…"] if len(look.changes) > _MOST_CHANGES else [])])

    def action_open_record(self):
        """Open the record here that it is, or matches."""
        self.ensure_one()
        self.check_access("read")
        return self.env[self.res_model].browse(self.res_id).get_formview_action()


class ConnectorPreviewValue(models.TransientModel):
    """A value that would be written."""

    _name = "connector.preview.value"
    _description = "Value of a Preview"
    _order = "id"

    line_id = fields.Many2one("connector.preview.line", required=True, index=True, ondelete="cascade")
    field = fields.Char(readonly=True)
    before = fields.Text(string="From", readonly=True)
    after = fields.Text(string="To", readonly=True)
