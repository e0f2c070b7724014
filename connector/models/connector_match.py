"""Records there that are not bound yet, beside those here: people match them by hand.

A job lists them, and people decide: take one of ours, ignore it, or let it become a new one.
Another job makes the bindings. So the first import creates nothing that exists on both sides.
"""

from contextlib import suppress
from operator import attrgetter

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..unit.connector_unit import external_id_text
from ..unit.importer.bulk import PAGE_SIZE, import_page
from ..unit.matcher import bind_matches

#: Of the records here that may be meant, a row keeps so many.
_MOST_CANDIDATES = 10

FOUND = [
    ("sure", "Exactly One"),
    ("several", "Several"),
    ("none", "None"),
    ("taken", "Taken"),
]
DECISIONS = [("bind", "Bind to Ours"), ("create", "Create New"), ("ignore", "Ignore")]


class _PickedReference(fields.Many2oneReference):
    """A reference that people pick among the records of a domain, which a field of the row has.

    Odoo takes no domain for such a field in a view. The client takes it from the description.
    """

    pick_domain = None
    _description_domain = property(attrgetter("pick_domain"))


class ConnectorMatch(models.Model):
    """A record there that is not bound yet, what was found here, and what somebody has decided.

    The row is deleted when the record is bound. The import of a flow obeys the rows:
    it skips what is ignored, and looks for no record here where a new one was asked for.
    """

    _name = "connector.match"
    _inherit = "connector.backend.part"
    _description = "Match of a Record There"
    _order = "backend_model, backend_id, model_name, id"
    _written_by_code = (
        "backend_model",
        "backend_id",
        "company_id",
        "model_name",
        "flow",
        "external_id",
        "name",
        "key_field",
        "key_value",
        "found",
        "candidate_ids",
        "odoo_model",
        "message",
        "run",
    )

    model_name = fields.Char(required=True, readonly=True)
    flow = fields.Char(readonly=True, help="Code of the flow that imports it, if it has one")
    records = fields.Char(compute="_compute_records", compute_sudo=True)
    backend_name = fields.Char(string="Backend", compute="_compute_records", compute_sudo=True)
    external_id = fields.Char(string="ID There", required=True, readonly=True)
    name = fields.Char(string="Name There", readonly=True)
    key_field = fields.Char(readonly=True)
    key_value = fields.Char(string="Match Key There", readonly=True)
    key = fields.Char(string="Match Key", compute="_compute_key", help="By which the record here was looked for")
    found = fields.Selection(
        FOUND,
        string="Found Here",
        required=True,
        readonly=True,
        help="Exactly One: one record here has the match key. Several: more than one has it. None: no record here has it. "
        "Taken: the one that has it is bound to another record there, or another record there has the same key.",
    )
    candidate_ids = fields.Json(readonly=True)
    candidates = fields.Char(compute="_compute_candidates")
    pick_domain = fields.Json(compute="_compute_candidates", help="Among what the list lets people pick")
    company_domain = fields.Json(compute="_compute_candidates", help="Among what the form lets people pick")
    odoo_model = fields.Char(required=True, readonly=True)
    res_id = _PickedReference(string="Ours", model_field="odoo_model", pick_domain="pick_domain")
    any_id = _PickedReference(related="res_id", readonly=False, string="Our Record", pick_domain="company_domain")
    decision = fields.Selection(DECISIONS)
    message = fields.Text(string="Why Not", readonly=True)
    run = fields.Char(readonly=True)
    admin_url = fields.Char(string="Address There", compute="_compute_admin_url")

    _record_uniq = models.UniqueIndex("(backend_model, backend_id, model_name, external_id)")
    _found_idx = models.Index("(backend_model, backend_id, model_name, found)")

    # What people see

    @api.depends("model_name", "backend_model", "backend_id")
    def _compute_records(self):
        for (_backend_model, _backend_id, model_name), rows in self._by_place().items():
            model = self.env.get(model_name)
            rows.records = model_name if model is None else self.env["ir.model"]._get(model_name).name
            rows.backend_name = rows[:1]._backend().display_name

    @api.depends("key_field", "key_value", "odoo_model")
    def _compute_key(self):
        for row in self:
            model = self.env.get(row.odoo_model)
            field = model is not None and model._fields.get(row.key_field)
            label = field and field._description_string(self.env)
            row.key = label and self.env._("%(field)s: %(value)s", field=label, value=row.key_value)

    @api.depends("candidate_ids", "found", "odoo_model")
    def _compute_candidates(self):
        for odoo_model, rows in self.grouped("odoo_model").items():
            if odoo_model not in self.env:
                rows.candidates = rows.pick_domain = rows.company_domain = False
                continue
            ids = {record_id for row in rows for record_id in row.candidate_ids or ()}
            # searched, as the user may not see all of them
            names = {record.id: record.display_name for record in rows._readable(ids)}
            for row in rows:
                found = [record_id for record_id in row.candidate_ids or () if record_id in names]
                row.candidates = ", ".join(f"{names[record_id]} ({record_id})" for record_id in found)
                row.company_domain = list(row._of_company())
                row.pick_domain = [("id", "in", found)] if row.found == "several" else row.company_domain

    def _compute_admin_url(self):
        for (_backend_model, backend_id, model_name), rows in self._by_place().items():
            model, is_there = self.env.get(model_name), bool(rows[:1]._backend())
            for row in rows:
                # no binding yet: one that is not stored tells the backend of which record it is
                values = {"backend_id": backend_id, "external_id": row.external_id}
                row.admin_url = is_there and model is not None and model.new(values)._get_admin_url()

    @api.depends("name", "external_id")
    def _compute_display_name(self):
        for row in self:
            row.display_name = row.name or row.external_id

    # What people decide

    @api.onchange("res_id", "any_id")
    def _onchange_res_id(self):
        if self.res_id:
            self.decision = "bind"
        elif self.decision == "bind":
            self.decision = False

    @api.constrains("decision", "res_id")
    def _check_decision(self):
        for row in self:
            if row.decision == "bind" and not row.res_id:
                raise ValidationError(self.env._("%s: pick the record here to which it is bound.", row.display_name))
            if row.decision == "create" and self.env[row.model_name]._matched_by_hand:
                raise ValidationError(
                    self.env._("%s: nothing imports such records. Pick one of ours, or ignore it.", row.display_name)
                )

    def write(self, vals):
        if "res_id" in vals and "decision" not in vals:
            # Ours was picked, or taken away again
            vals = {**vals, "decision": "bind" if vals["res_id"] else False}
        if not self.env.su and "decision" in vals:
            self._check_backends()
            if vals.get("res_id"):
                self._check_ours(vals["res_id"])
            self.filtered("message").sudo().message = False
        is_taken_back = "decision" in vals and not vals["decision"]
        ignored = self.filtered(lambda row: is_taken_back and row.decision == "ignore")
        result = super().write(vals)
        ignored.sudo()._import_left_out()
        return result

    def _check_ours(self, res_id):
        """Check that the user may read a record, and that the backend's company may use it.

        :raise UserError: not so
        """
        for row in self:
            if not row._readable([res_id]).filtered_domain(row._of_company()):
                raise UserError(
                    self.env._(
                        "%(name)s: there is no record %(id)s here that you may see, and that the company of %(backend)s may use.",
                        name=row.display_name,
                        id=res_id,
                        backend=row.backend_name,
                    )
                )

    def _register_hook(self):
        """Delete the rows of backends whose addon was removed."""
        super()._register_hook()
        if self.env.registry.updated_modules:
            for name, some_id in self.sudo()._read_group([], ["backend_model"], ["id:min"]):
                if self.browse(some_id)._is_of_no_model():
                    self.sudo().search([("backend_model", "=", name)]).unlink()

    # Buttons. They are about the selected rows, or else about all that the list shows

    def action_accept_sure(self):
        """Decide to bind each record that has exactly one counterpart here to it."""
        rows = self._for_button([("found", "=", "sure"), ("decision", "=", False)])
        rows.flush_model()
        self.env.cr.execute(
            "UPDATE connector_match SET res_id = (candidate_ids->>0)::integer, decision = 'bind', message = NULL WHERE id = ANY(%s)",
            (rows.ids,),
        )
        rows.invalidate_model(["res_id", "decision", "message"])
        return self._told(
            self.env._("Records to bind to the one that was found here: %s. Press “Bind” to bind them.", len(rows))
        )

    def action_ignore(self):
        """Decide never to import the records."""
        rows = self._selected()
        rows.write({"decision": "ignore", "message": False})
        return self._told(self.env._("Records that no import brings from now on: %s.", len(rows)))

    def action_create_new(self):
        """Decide that the import creates records for these, whatever match keys say."""
        rows = self._selected()
        rows.write({"decision": "create", "message": False})
        return self._told(self.env._("Records for which the import creates new ones: %s.", len(rows)))

    def action_take_back(self):
        """Decide nothing about the records."""
        rows = self._selected()
        rows.write({"decision": False, "res_id": False, "message": False})
        return self._told(self.env._("Records about which nothing is decided any more: %s.", len(rows)))

    def action_bind(self):
        """Delay the jobs that make the bindings on which people have decided.

        Without a selection all of the flows are bound of which the list shows a decision.
        """
        decided = self._check_shown([("decision", "in", ("bind", "create"))])
        groups = self._read_group(
            decided,
            ["backend_model", "backend_id", "model_name", "flow"],
            ["id:array_agg" if self else "id:min", "__count"],
        )
        if not groups:
            raise UserError(
                self.env._("Nothing is decided yet: pick ours for theirs, or press “Accept All Sure”, and then “Bind”.")
            )
        jobs = [
            self._delay_for(
                self.env[backend_model].browse(backend_id),
                model_name,
                code,
                bind_matches,
                **({"ids": ids} if self else {}),
            )
            for backend_model, backend_id, model_name, code, ids, _count in groups
        ]
        return self.env["queue.worker"]._answer(
            self.env._(
                "Records to be bound: %s. A job does it in the background. Then load the page again: the rows are gone, "
                "and those that cannot be bound say why.",
                sum(count for *_group, count in groups),
            ),
            jobs,
        )

    def _selected(self):
        """Return the selected rows in superuser mode, for a user who may change them.

        :raise UserError: none is selected
        """
        if not self:
            raise UserError(self.env._("Select the rows first."))
        return self._for_button([])

    def _for_button(self, domain):
        """Return the rows of a button in superuser mode, for a user who may change them.

        :param domain: which of the selected rows, or of those that the list shows
        """
        return self.search(self._check_shown(domain)).sudo()

    def _check_shown(self, domain):
        """Return the domain of the rows of a button, after a check of the user's rights.

        :param domain: as for :meth:`_for_button`
        :raise AccessError: the user may not change them
        """
        self.check_access("write")
        shown = [("id", "in", self.ids)] if self else self.env.context.get("active_domain") or []
        domain = Domain(shown) & Domain(domain)
        for *_place, some_id in self._read_group(domain, ["backend_model", "backend_id"], ["id:min"]):
            self.browse(some_id)._check_backends()
        return domain

    def _told(self, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "info", "message": message, "next": {"type": "ir.actions.client", "tag": "soft_reload"}},
        }

    @api.model
    def _delay_for(self, backend, model_name, code, function, **arguments):
        """Delay a job function that lists or binds matches; it runs with all rights.

        :param code: of the flow, if there is one
        """
        flow = code and self.env["connector.flow"].sudo().search([*self._of_backend(backend), ("code", "=", code)])
        if flow:
            flow._check_on()
            arguments.update(flow._argument(function))
        description = self.env["ir.model"]._get(model_name).name
        return function.delay(
            backend.sudo()._job_session(),
            model_name,
            backend.id,
            **arguments,
            description=self.env._(
                "Match %(records)s of %(backend)s", records=description, backend=backend.display_name
            ),
        )

    def _import_left_out(self):
        """Import records that were ignored, if their flow has begun: its watermark is past them.

        Those of a flow that is off by now are noted, and imported when it is on again.
        """
        by_flow = self.grouped(lambda row: (row.backend_model, row.backend_id, row.model_name, row.flow))
        for rows in by_flow.values():
            first, backend = rows[:1], rows[:1]._backend()
            flow = self._begun_flow(backend, first.model_name, first.flow)
            if flow and not flow.is_on:
                self.env["connector.flow.left.out"].sudo()._note(backend, flow.code, rows.mapped("external_id"), False)
            elif flow:
                for page in split_every(PAGE_SIZE, rows.mapped("external_id"), list):
                    self._delay_for(backend, first.model_name, first.flow, import_page, external_ids=page)

    # What jobs ask

    @api.model
    def _of_records(self, backend, model_name, external_ids):
        """Return the rows of some records there.

        :param external_ids: list of ids as text
        """
        if not external_ids:
            return self.browse()
        return self.search([*self._of_model(backend, model_name), ("external_id", "in", external_ids)])

    @api.model
    def _of_model(self, backend, model_name):
        return [*self._of_backend(backend), ("model_name", "=", model_name)]

    @api.model
    def _has_begun(self, backend, model_name, code):
        """Return whether the flow of a model is on, and has run already or will by its schedule."""
        return self._begun_flow(backend, model_name, code).is_on

    @api.model
    def _begun_flow(self, backend, model_name, code):
        """Return the flow of a model if it has run already, or will by its schedule; or none."""
        flow = [*self._of_backend(backend), ("code", "=", code), ("date_begun", "!=", False)]
        flows = self.env["connector.flow"].sudo()
        return flows.search(flow, limit=1) if code else flows

    @api.model
    def _list(self, backend, model_name, values_of):
        """Write the rows of a page of records; what people have decided stays.

        :param values_of: dict, external id to the values of the row
        """
        rows = {row.external_id: row for row in self._of_records(backend, model_name, list(values_of))}
        place = {**self._backend_values(backend), "model_name": model_name}
        new = []
        for external_id, values in values_of.items():
            values["candidate_ids"] = values["candidate_ids"][:_MOST_CANDIDATES]
            if row := rows.get(external_id):
                row.write({name: value for name, value in values.items() if row[name] != value})
            else:
                new.append({**place, "external_id": external_id, **values})
        self.create(new)

    @api.model
    def _ask_for(self, error):
        """Ask people for the counterpart of a value without which a record was not imported.

        Another import may ask for it at the same time: then this one waits for the other's end.

        :param error: :class:`~odoo.addons.connector.exception.ValueNotMatched`
        """
        backend, external_id = error.backend_record.with_env(self.env), external_id_text(error.external_id)
        if self._of_records(backend, error.model_name, [external_id]):
            return
        values = {
            **self._backend_values(backend),
            "model_name": error.model_name,
            "external_id": external_id,
            "found": "none",
            "odoo_model": self.env[error.model_name]._fields["odoo_id"].comodel_name,
            "message": self.env._("A record could not be imported without it."),
        }
        # ON CONFLICT would fail, as the other row is younger than the snapshot
        with suppress(UniqueViolation), self.env.cr.savepoint():
            self.create(values)

    @api.model
    def _end_of_list(self, backend, model_name, code, run):
        """Delete the rows that the list did not bring; a key that came twice is not sure.

        :return: how many rows have such a key
        """
        of_flow = [*self._of_model(backend, model_name), ("flow", "=", code or False)]
        gone = [*of_flow, ("run", "!=", run), ("decision", "=", False)]
        while page := self.search(gone, limit=PAGE_SIZE):
            page.unlink()
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE connector_match SET found = 'taken'
                FROM (
                    SELECT id, count(*) OVER (PARTITION BY key_field, key_value) AS number
                    FROM connector_match
                    WHERE (backend_model, backend_id, model_name) = (%(backend_model)s, %(backend_id)s, %(model_name)s)
                      AND key_field IS NOT NULL
                ) AS with_key
                WHERE with_key.id = connector_match.id AND with_key.number > 1 AND found = 'sure'
                """,
                backend_model=backend._name,
                backend_id=backend.id,
                model_name=model_name,
            )
        )
        doubled = self.env.cr.rowcount
        self.invalidate_model(["found"])
        return doubled

    @api.model
    def _to_bind(self, backend, model_name, code, ids, last, limit):
        """Return the next rows on which somebody has decided, in the order of their ids.

        :param code: of the flow, None: none
        :param ids: of the selected rows; None: all
        :param last: id of the row before them
        """
        domain = Domain(self._of_model(backend, model_name)) & Domain("flow", "=", code or False)
        domain &= Domain("decision", "in", ("bind", "create"))
        if ids is not None:
            domain &= Domain("id", "in", ids)
        return self.search(domain & Domain("id", ">", last), order="id", limit=limit)

    def _ours(self):
        """Return the records here that were picked for these rows, which are of one model."""
        picked = self.filtered(lambda row: row.decision == "bind")
        return self.env[self[:1].odoo_model].browse(dict.fromkeys(picked.mapped("res_id"))) if self else self

    def _keys(self):
        """Return the match keys of these records there, and of those that were picked here."""
        keys = {(row.key_field, row.key_value) for row in self if row.key_field}
        names = {field for field, _value in keys}
        ours = self._ours().exists()
        return keys | {(name, record[name]) for record in ours for name in names if name in record._fields}

    def _ours_name(self):
        return self.env[self.odoo_model].browse(self.res_id).display_name

    # Helpers

    def _by_place(self):
        """Return these rows by the name and id of the backend and the binding model, as a dict."""
        return self.grouped(lambda row: (row.backend_model, row.backend_id, row.model_name))

    def _of_company(self):
        """Return the domain of the records here that the backend's company may use."""
        if "company_id" not in self.env[self.odoo_model]._fields:
            return Domain.TRUE
        return Domain("company_id", "in", [self.company_id.id, False])

    def _readable(self, ids):
        """Return those of some records here that the user may read, archived ones included."""
        model = self.env[self[:1].odoo_model].with_context(active_test=False)
        return model.search([("id", "in", list(ids))]) if model.has_access("read") else model

    @api.model
    def _open(self, backend, model_name=None):
        """Return the action that opens the matches of a backend, or of one of its models."""
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_match_action")
        domain = self._of_model(backend, model_name) if model_name else self._of_backend(backend)
        return {**action, "domain": domain}

    @api.model
    def _opening(self, answer, action):
        """Return the answer of a button that has delayed jobs; after it the matches are opened."""
        # a plain text: the client takes no HTML of an action that follows another one
        action["help"] = self.env._(
            "No rows yet. While the job runs, load the page again. If the job has ended, nothing there waits to be matched."
        )
        action["cache"] = False  # a job fills the list: the client must not show what it has read before
        answer["params"]["next"] = action
        return answer

    def action_open_there(self):
        """Open the record in the external system."""
        self.ensure_one()
        self.check_access("read")
        return {"type": "ir.actions.act_url", "url": self.admin_url, "target": "new"}
