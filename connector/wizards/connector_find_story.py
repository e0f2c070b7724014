"""Aspect of ``connector.find``: what has arrived of a number, newest first, as a story.

Nothing reads a whole table. Bindings and jobs are found by the indexes of their ids and names.
Exchanges, deliveries and checkpoints have no index of their texts: of these, only the last ones of
the backend are read.
"""

import re
from urllib.parse import quote

from odoo import Command, fields, models
from odoo.tools import SQL

from ..backend import reference
from .connector_find import _open

KINDS = [
    ("record", "Record"),
    ("job", "Job"),
    ("exchange", "Exchange"),
    ("delivery", "Webhook"),
    ("checkpoint", "Checkpoint"),
]
#: How many of the last exchanges, deliveries and checkpoints of a backend are read.
LAST = 500
#: Lines of one kind that are shown.
MOST_LINES = 20
_LONGEST_TEXT = 500  # characters
_SHORTEST_ID = 5  # characters of an id that is searched for in texts

# Table to the columns of its texts, and the one by which an index has the last rows of a backend
_TEXTS = {
    "connector_exchange": (("url", "error", "request_body", "response_body"), "date"),
    "connector_webhook_delivery": (("delivery_key", "topic", "body"), "id"),
    "connector_checkpoint": (("message", "external_ids"), "id"),
}


class ConnectorFind(models.TransientModel):
    _inherit = "connector.find"

    def _tell_story(self):
        """Write the lines of what has arrived of the number, as far as the user may see it."""
        bindings, jobs = self._bindings(), self._jobs()
        kinds = {
            "record": self._lines_of_bindings(bindings),
            "job": self._lines_of_jobs(jobs),
            "exchange": self._lines_of_exchanges(jobs),
            "delivery": self._lines_of_deliveries(),
            "checkpoint": self._lines_of_checkpoints(bindings),
        }
        lines = [
            {"kind": kind, "date": date, "text": _short(text), "record_model": record._name, "record_id": record.id}
            for kind, found in kinds.items()
            for date, text, record in found or ()
        ]
        lines.sort(key=lambda line: line["date"] or self.env.cr.now(), reverse=True)
        unread = [self._model_label(bindings) for bindings in self._unread()]
        hidden = [label for kind, label in self._kind_labels() if kinds[kind] is None]
        is_cut = any(len(found or ()) >= MOST_LINES for found in kinds.values())
        self.sudo().write(
            {
                "line_ids": [Command.clear(), *map(Command.create, lines)],
                "searched": self._what_was_searched(hidden, unread, is_cut),
            }
        )

    def _numbers(self, model_name):
        """Return the number, and the ids that records of a model with it have there, each once."""
        of_model = self.answer_ids.filtered(lambda answer: answer.model_name == model_name)
        return list(dict.fromkeys([self.found_number, *filter(None, of_model.mapped("external_id"))]))

    def _kind_labels(self):
        return self.env["connector.find.line"]._fields["kind"]._description_selection(self.env)

    def _what_was_searched(self, hidden, unread, is_cut):
        texts = [
            self.env._("Records and jobs were searched for this number as external ID or as name, in whole."),
            self.env._("Of other things, the last %s of each kind were searched for it in their texts.", LAST),
        ]
        if is_cut:
            texts.append(self.env._("Of each kind the newest %s are shown.", MOST_LINES))
        if unread:
            names = ", ".join(unread)
            texts.append(self.env._("Searched by their ID alone, as you may not read the records here: %s.", names))
        if hidden:
            texts.append(self.env._("Left out, as you may not see them: %s.", ", ".join(hidden)))
        return " ".join(texts)

    # Records

    def _bindings(self):
        """Return the bindings with one of the numbers, a list with a recordset for each model."""
        backend = self.backend_id
        found = []
        for name in self._binding_models():
            model = self.env[name].with_context(active_test=False)
            of_backend, numbers = [("backend_id", "=", backend.id)], self._numbers(name)
            bindings = model.search([*of_backend, ("external_id", "in", numbers)], limit=MOST_LINES)
            aliases = self.env["connector.external.alias"]._of(name, backend, numbers)
            bindings |= model.search([*of_backend, ("id", "in", list(aliases.values()))])
            for path in _indexed_names(model):
                bindings |= model.search([*of_backend, (path, "=", self.found_number)], limit=MOST_LINES)
            found.append(bindings[:MOST_LINES])
        return [bindings for bindings in found if bindings]

    def _binding_models(self):
        """Return the names of the binding models of the backend that the user may read."""
        bindings = sorted(self.env.registry.descendants(["external.binding"], "_inherit"))
        fields_ = {name: self.env[name]._fields.get("backend_id") for name in bindings if not self.env[name]._abstract}
        return [
            name
            for name, field in fields_.items()
            if field and field.comodel_name == self.backend_id._name and self.env[name].has_access("read")
        ]

    def _unread(self):
        """Return the names of those binding models whose records here the user may not read."""
        records = {name: _record_model(self.env[name]) for name in self._binding_models()}
        return [name for name, record in records.items() if record is not None and not record.has_access("read")]

    def _lines_of_bindings(self, found):
        lines = []
        for binding in (binding for bindings in found for binding in bindings):
            state = dict(binding._fields["sync_state"]._description_selection(self.env)).get(binding.sync_state)
            text = self.env._(
                "%(model)s “%(name)s” (%(id)s there): %(state)s",
                model=self._model_label(binding._name),
                name=binding.display_name,
                id=binding.external_id or "-",
                state=state,
            )
            error = binding.sync_error if binding.sync_state in ("error", "missing", "conflict") else None
            lines.append((binding.sync_date or binding.write_date, f"{text}. {error}" if error else text, binding))
        return _newest(lines)

    # Jobs

    def _jobs(self):
        """Return the last jobs of the backend about the number; None: the user may see none."""
        jobs = self.env["queue.job"]
        if not jobs.has_access("read"):
            return None
        domain = jobs._of_numbers([self.found_number])
        for model_name in dict.fromkeys(filter(None, self.answer_ids.mapped("model_name"))):
            domain |= jobs._of_numbers(self._numbers(model_name)) & fields.Domain("model_name", "=", model_name)
        channels = fields.Domain("channel_id", "in", list(self.backend_id.sudo().channel_ids_of_jobs()))
        return jobs.search(domain & channels, limit=MOST_LINES)

    def _lines_of_jobs(self, jobs):
        if jobs is None:
            return None
        states = dict(jobs._fields["state"]._description_selection(self.env))
        lines = []
        for job in jobs:
            reason = job.wait_reason or job.message or ""
            text = f"{job.name}: {states[job.state]}"
            lines.append((job.date_done or job.date_created, f"{text}. {reason}" if reason else text, job))
        return lines

    # What has no index of its texts

    def _lines_of_exchanges(self, jobs):
        exchanges = self.env["connector.exchange"]
        if not exchanges.has_access("read"):
            return None
        of_jobs = exchanges.search([("job_id", "in", jobs.ids)], limit=MOST_LINES) if jobs else exchanges
        found = (of_jobs | self._with_text(exchanges)).sorted("id", reverse=True)
        return [
            (exchange.date, f"{exchange.method} {exchange.url} → {exchange.error or exchange.status}", exchange)
            for exchange in found[:MOST_LINES]
        ]

    def _lines_of_deliveries(self):
        deliveries = self.env["connector.webhook.delivery"]
        if not deliveries.has_access("read"):
            return None
        found = self._with_text(deliveries)
        states = dict(deliveries._fields["job_state"]._description_selection(self.env))
        return [
            (
                delivery.create_date,
                self.env._(
                    "Told us: %(topic)s. Job: %(state)s",
                    topic=delivery.topic or delivery.delivery_key or "",
                    state=states.get(delivery.job_state, "-"),
                ),
                delivery,
            )
            for delivery in found
        ]

    def _lines_of_checkpoints(self, found):
        checkpoints = self.env["connector.checkpoint"]
        if not checkpoints.has_access("read"):
            return None
        about = self._with_text(checkpoints)
        for bindings in found:
            model_id = self.env["ir.model"]._get_id(bindings._name)
            waiting = [("state", "=", "need_review"), ("model_id", "=", model_id), ("record_id", "in", bindings.ids)]
            about |= checkpoints.search([*waiting, ("backend_id", "=", reference(self.backend_id))], limit=MOST_LINES)
        states = dict(checkpoints._fields["state"]._description_selection(self.env))
        return [
            (checkpoint.create_date, f"{states[checkpoint.state]}: {checkpoint.message or checkpoint.name}", checkpoint)
            for checkpoint in about.sorted("id", reverse=True)[:MOST_LINES]
        ]

    def _with_text(self, model):
        """Return those of the last rows of the backend that have the number in their texts.

        The ids of what has it are searched for too, unless they are so short that they are in any
        text. A number counts where it stands alone: 42 is not in 142. The rows that the user may
        not see are left out.
        """
        columns, order = _TEXTS[model._table]
        model.flush_model([*columns, "backend_id"])
        names = SQL(", ").join(SQL("%s::text", SQL.identifier(name)) for name in columns)
        ids = [id_ for id_ in self.answer_ids.mapped("external_id") if id_ and len(id_) >= _SHORTEST_ID]
        texts = {form for number in (self.found_number, *ids) for form in (number, quote(number, safe=""))}
        beside = "[^[:alnum:]]"
        pattern = f"(^|{beside})({'|'.join(map(_escaped, sorted(texts)))})({beside}|$)"
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM (
                    SELECT id, concat_ws(' ', %(names)s) AS text FROM %(table)s
                    WHERE backend_id = %(backend)s ORDER BY %(order)s DESC LIMIT %(last)s
                ) AS last
                WHERE text ILIKE ANY(%(parts)s) AND text ~* %(pattern)s ORDER BY id DESC LIMIT %(most)s
                """,
                names=names,
                table=SQL.identifier(model._table),
                backend=reference(self.backend_id),
                order=SQL.identifier(order),
                last=LAST,
                parts=[f"%{_like(text)}%" for text in sorted(texts)],
                pattern=pattern,
                most=MOST_LINES,
            )
        )
        return model.search([("id", "in", [id_ for (id_,) in rows])], order="id desc")


class ConnectorFindLine(models.TransientModel):
    """One thing that has happened with a number."""

    _name = "connector.find.line"
    _description = "Line of What Has Arrived"

    find_id = fields.Many2one("connector.find", required=True, ondelete="cascade")
    date = fields.Datetime(string="When", readonly=True)
    kind = fields.Selection(KINDS, readonly=True)
    text = fields.Text(string="What Happened", readonly=True)
    record_model = fields.Char(readonly=True)
    record_id = fields.Many2oneReference(model_field="record_model", readonly=True)

    def action_open(self):
        """Open what the line is about."""
        return _open(self, self.record_model, self.record_id)


def _indexed_names(model):
    """Return the paths from a binding to the names by which Odoo finds its record, if indexed."""
    record = _record_model(model)
    if record is None or not record.has_access("read"):
        return []
    names = record._rec_names_search or ([record._rec_name] if record._rec_name else [])
    known = [name for name in names if name in record._fields]
    return [f"odoo_id.{name}" for name in known if record._fields[name].store and record._fields[name].index]


def _record_model(model):
    """Return the model of the records that a binding model binds, None if it binds none."""
    link = model._fields.get("odoo_id")
    return link and model.env[link.comodel_name]


def _newest(lines):
    return sorted(lines, key=lambda line: line[0], reverse=True)[:MOST_LINES]


def _short(text):
    text = " ".join(str(text).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _like(text):
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _escaped(text):
    """Return a text as a regular expression of PostgreSQL that matches it alone."""
    return re.sub(r"([^\w\s])", r"\\\1", text)
