"""What the page of connectors on the form of a record shows: the states of its bindings."""

from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain

from ..unit.binding.paths import paths_to

#: How many bindings, or backends, are shown
SHOWN = 20

#: What somebody has to look at comes first
_STATES = ("error", "conflict", "missing", "different", "to_import", "to_export", "never", "in_sync")
_RANKS = {state: rank for rank, state in enumerate(_STATES)}


class ConnectorBoundRecord(models.AbstractModel):
    _name = "connector.bound.record"
    _description = "Bindings of a Record, for Its Form"

    @api.model
    def _paths_to(self, model):
        """Return the binding models whose bindings the form of a model shows.

        Bindings of lines are left out: they live and die with the binding of their record.

        :return: list of (name of the binding model, path of many2ones)
        """
        lines = self.env.registry.descendants(["external.binding.line"], "_inherit")
        return [(name, path) for name, path in paths_to(model) if name not in lines]

    @api.model
    @api.readonly
    def bindings_of(self, model_name, record_id):
        """Return what the form of a record shows of its bindings.

        Users of connectors get the bindings that they may read. For all other bindings of the
        user's companies, an employee gets in words whether the record is in step with the backend.

        :param model_name: name of the model of the record
        :param record_id: its id
        :return: dict. For users of connectors it has ``bindings``, a list of dicts, those to look
            at first; ``more``, how many are not shown; and ``lists`` that show all. For all other
            bindings it has ``badges``, a list of dicts, and ``more_badges``. It is empty if the
            form has nothing to show
        :raise AccessError: the user may not read the record
        """
        paths = self._paths_to(self.env[model_name]) if model_name in self.env else []
        if not paths or not self.env.user._is_internal():
            return {}
        record = self.env[model_name].browse(record_id).exists()
        if not record:
            return {}
        record.check_access("read")
        details, summary = [], defaultdict(set)
        for name, path in paths:
            found = self._states(name, Domain(path, "=", record.id))
            if self._may_see_details(name):
                details.append((name, path, found))
            else:
                for backend, state, _ids in found:
                    summary[backend].add(state)
        return {**self._details(record, details), **self._badges(summary)}

    @api.model
    def _may_see_details(self, name):
        model = self.env[name]
        return (
            self.env.user.has_group("connector.group_connector_user")
            and model.has_access("read")
            and self.env[model._fields["backend_id"].comodel_name].has_access("read")
        )

    @api.model
    def _states(self, name, domain):
        """Return the bindings by backend and state, those that the rules let the user see.

        The rules of their model and of the backend's hold also for users without access to these.

        :return: list of (backend, state, ids)
        """
        model = self.env[name].sudo().with_context(active_test=False)
        rules = self.env["ir.rule"]
        backends = rules._compute_domain(model._fields["backend_id"].comodel_name) & Domain(
            "company_id", "in", [*self.env.companies.ids, False]
        )
        domain &= rules._compute_domain(name) & Domain("backend_id", "any", backends)
        return model._read_group(domain, ["backend_id", "sync_state"], ["id:array_agg"])

    @api.model
    def _details(self, record, details):
        """Return the bindings, their number bounded; those that are not in sync come first."""
        if not details:
            return {}
        ranked = sorted(
            (_RANKS.get(state, 0), number, binding_id)  # an addon may add states
            for number, (_name, _path, found) in enumerate(details)
            for _backend, state, ids in found
            for binding_id in ids
        )
        shown = defaultdict(list)
        for _rank, number, binding_id in ranked[:SHOWN]:
            shown[number].append(binding_id)
        rows = {}
        for number, ids in shown.items():
            name, path, _found = details[number]
            bindings = self.env[name].sudo().with_context(active_test=False).browse(ids)
            rows.update(((number, row["id"]), row) for row in self._rows(bindings, path, several=len(shown) > 1))
        more = len(ranked) - len(rows)
        return {
            "bindings": [rows[number, binding_id] for _rank, number, binding_id in ranked[:SHOWN]],
            "lists": [self._list(name, path, record) for name, path, found in details if found] if more else [],
            "more": more,
        }

    @api.model
    def _list(self, name, path, record):
        return {"model": name, "title": self.env[name]._description, "domain": [[path, "=", record.id]]}

    @api.model
    def _rows(self, bindings, path, several):
        """Yield what is shown of each binding, as a dict.

        :param bindings: recordset in superuser mode
        :param path: the path from them to the record
        :param several: whether bindings of other models are shown, too
        """
        model = self.env[bindings._name]
        may_press = self.env.user.has_group("connector.group_connector_manager") and model.has_access("write")
        states = dict(model._fields["sync_state"]._description_selection(self.env))
        bound = path.split(".")[0]  # the variant of a template
        names_differ = len(bindings[bound]) > 1
        for binding in bindings:
            yield {
                "id": binding.id,
                "model": binding._name,
                "backend": binding.backend_id.name,
                "is_archived": not binding.backend_id.active,
                "kind": several and binding._description,
                "name": names_differ and binding[bound].display_name,
                "state": binding.sync_state,
                "state_label": states[binding.sync_state],
                "error": binding.sync_error,
                "date": fields.Datetime.to_string(binding.sync_date),
                "external_id": binding.external_id,
                "merged_ids": ", ".join(binding.external_alias_ids.mapped("external_id")),
                "url": binding.admin_url,
                "can_import": may_press and binding._can_import(),
                "can_export": may_press and binding._can_export(),
                "can_settle": may_press and binding.sync_state == "conflict",
            }

    @api.model
    def _badges(self, summary):
        """Return in words which backends the record is in step with; those first with which not.

        :param summary: dict, backend to the set of the states of its bindings
        """
        ranked = sorted((states == {"in_sync"}, backend.name) for backend, states in summary.items() if backend.active)
        badges = [
            {
                "is_in_step": is_in_step,
                "text": self.env._("In step with %s", name) if is_in_step else self.env._("Not in step with %s", name),
            }
            for is_in_step, name in ranked[:SHOWN]
        ]
        return {"badges": badges, "more_badges": len(ranked) - len(badges)}
