"""Dialog to save matches as a CSV file, and to load the decisions of such a file."""

import base64
import csv
import io

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ..models.connector_match import DECISIONS

#: What an error names at most.
_MOST_NAMED = 20
_PAGE = 1000

_COLUMNS = ("id_there", "name_there", "match_key", "found_here", "candidates", "decision", "ours_id", "ours")
_DECISIONS = [name for name, _label in DECISIONS]


class ConnectorMatchFile(models.TransientModel):
    """Save what the list of matches shows as CSV, and load the decisions of such a file.

    A line is about the record there with the id ``id_there``. The columns ``decision`` and
    ``ours_id`` or ``ours``, the name or match key of our record, are read.
    """

    _name = "connector.match.file"
    _description = "Matches as a File"

    file = fields.Binary(attachment=False)
    file_name = fields.Char()

    def action_save(self):
        """Give the file with the rows that the list shows."""
        self.ensure_one()
        self.check_access("write")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        rows = self.env["connector.match"].search(self._shown())
        for page in split_every(_PAGE, rows.ids, rows.browse):
            groups = page.grouped("odoo_model").items()
            ours = {model: group._readable(group.mapped("res_id")) for model, group in groups}
            names = {(record._name, record.id): record.display_name for records in ours.values() for record in records}
            for row in page:
                values = [row.external_id, row.name, row.key, row.found, row.candidates, row.decision]
                name = names.get((row.odoo_model, row.res_id))
                writer.writerow([_harmless(value) for value in (*values, row.res_id, name)])
            self.env.invalidate_all()
        # with a mark by which spreadsheets know the encoding
        self.write({"file": base64.b64encode(text.getvalue().encode("utf-8-sig")), "file_name": "matches.csv"})
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file?download=true&filename=matches.csv",
            "target": "download",
        }

    def action_load(self):
        """Take the decisions of the file: all of them, or none if one line is wrong.

        :raise UserError: lines are wrong; it names them and says why
        """
        self.ensure_one()
        self.check_access("write")
        lines = self._lines()
        errors, done = [], 0
        for page in split_every(_PAGE, lines, list):
            done += self._load_page(page, errors)
            self.env.invalidate_all()
        if errors:
            more = [self.env._("... and %s more lines", len(errors) - _MOST_NAMED)] if len(errors) > _MOST_NAMED else []
            raise UserError(
                "\n".join([self.env._("Nothing was loaded, as lines are wrong:"), *errors[:_MOST_NAMED], *more])
            )
        return self.env["connector.match"]._told(
            self.env._(
                "Decisions that have changed: %(changed)s, of %(lines)s lines. Press “Bind” to bind them.",
                changed=done,
                lines=len(lines),
            )
        )

    def _shown(self):
        """Return the domain of the rows that the list shows from which the dialog was opened."""
        context = self.env.context
        if context.get("active_ids"):
            return [("id", "in", context["active_ids"])]
        return context.get("active_domain") or []

    def _lines(self):
        """Return the lines of the file: a list of (number, dict of column to text)."""
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        try:
            text = base64.b64decode(self.file).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(self.env._("The file is not encoded in UTF-8: save it as “CSV UTF-8”.")) from None
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        if missing := [name for name in ("id_there", "decision") if name not in (reader.fieldnames or ())]:
            raise UserError(self.env._("The file has no column %s in its first line.", ", ".join(missing)))
        return [
            (reader.line_num, {name: (value or "").strip() for name, value in line.items() if isinstance(name, str)})
            for line in reader
        ]

    def _load_page(self, lines, errors):
        """Write the decisions of lines, and return their number; ``errors`` gets what is wrong."""
        ids = [line["id_there"] for _number, line in lines]
        # of all that is listed, as the list may be filtered otherwise than when the file was saved
        rows = self.env["connector.match"].search(Domain(self._place()) & Domain("external_id", "in", ids))
        by_id = {}
        for row in rows:
            by_id.setdefault(row.external_id, []).append(row)
        given = {int(line["ours_id"]) for _number, line in lines if _is_number(line.get("ours_id", ""))}
        ours = {model: group[:1]._readable(given) for model, group in rows.grouped("odoo_model").items()}
        done = 0
        for number, line in lines:
            try:
                done += self._load_line(line, by_id.get(line["id_there"], []), ours)
            except UserError as error:
                errors.append(self.env._("Line %(number)s: %(error)s", number=number, error=error))
        return done

    def _place(self):
        """Return the domain of the models and backends that the list shows."""
        groups = self.env["connector.match"]._read_group(self._shown(), ["backend_model", "backend_id", "model_name"])
        names = ("backend_model", "backend_id", "model_name")
        return Domain.OR(
            Domain.AND(Domain(name, "=", value) for name, value in zip(names, group, strict=True)) for group in groups
        )

    def _load_line(self, line, rows, ours):
        """Write the decision of a line; return whether it has changed.

        :param ours: dict, model to those records here that lines name by their numbers
        :raise UserError: the line is wrong
        """
        decision = line["decision"].lower()
        if len(rows) > 1:
            raise UserError(
                self.env._("the list has several records with the ID %s: show those of one flow only", line["id_there"])
            )
        if not rows:
            raise UserError(self.env._("the list has no record with the ID “%s” that is not bound", line["id_there"]))
        row = rows[0]
        if decision and decision not in _DECISIONS:
            raise UserError(
                self.env._(
                    "the decision is “%(decision)s”: it must be %(words)s, or empty",
                    decision=decision,
                    words=", ".join(_DECISIONS),
                )
            )
        ours_id = self._ours(line, row, ours[row.odoo_model]) if decision == "bind" else False
        values = {"decision": decision or False, "res_id": ours_id}
        if row.decision == values["decision"] and (row.res_id or False) == ours_id:
            return False
        row.write(values)
        return True

    def _ours(self, line, row, known):
        """Return the id of the record here that a line names.

        :param known: records that the user may see
        :raise UserError: there is none, or there are several
        """
        model = self.env[row.odoo_model].with_context(active_test=False)
        text, given = line.get("ours", ""), line.get("ours_id", "")
        if given:
            if not _is_number(given):
                raise UserError(self.env._("ours_id is “%s”: it must be the number of a record here", given))
            found = known.browse(int(given)).with_prefetch(known._prefetch_ids)
            if found not in known:
                raise UserError(self.env._("there is no record %s here that you may see", given))
            if text and text not in (_harmless(found.display_name), *self._texts(found, row)):
                raise UserError(
                    self.env._(
                        "record %(id)s here is “%(name)s”, and not “%(text)s”: leave one of the two columns empty",
                        id=given,
                        name=found.display_name,
                        text=text,
                    )
                )
            return found.id
        if not text:
            raise UserError(self.env._("it has no ours_id and no ours to which it is bound"))
        for name in self._names(row, model):
            found = model.search(Domain(name, "=", text) & row._of_company(), limit=2)
            if len(found) > 1:
                raise UserError(
                    self.env._("several records here are called “%s”: enter the ours_id of the one that is meant", text)
                )
            if found:
                return found.id
        raise UserError(self.env._("no record here is called “%s”", text))

    def _names(self, row, model):
        """Return the fields by which a record here may be named: its match key, and its name."""
        names = dict.fromkeys([row.key_field, model._rec_name])
        return [name for name in names if name in model._fields and model._fields[name].store]

    def _texts(self, ours, row):
        return [str(ours[name]) for name in self._names(row, ours) if ours[name]]


def _is_number(text):
    return text.isascii() and text.isdecimal() and len(text) < 10


def _harmless(value):
    """Return a value of a file; a text that a spreadsheet would take for a formula is quoted."""
    if value is None or value is False:
        return ""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
