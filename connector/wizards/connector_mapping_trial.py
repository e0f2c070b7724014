"""Wizard: a dry run of an import mapping on one external record."""

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.exception import ConnectorException

from ..backend import reference
from ..unit.binding.binder import Binder
from ..unit.importer.incoming import Incoming
from ..unit.importer.record import RecordImporter


class ConnectorMappingTrial(models.TransientModel):
    """Trial of a mapping: it reads a record of the external system and shows its mapped values.

    Nothing is written.
    """

    _name = "connector.mapping.trial"
    _description = "Trial of a Mapping"

    backend_id = fields.Reference(selection="_select_backends", required=True, readonly=True)
    model_id = fields.Many2one("ir.model", required=True, domain="[('model', 'in', model_names)]")
    model_names = fields.Json(compute="_compute_model_names")
    external_id = fields.Char(string="External ID", help="Identifier of the record in the external system")
    record_name = fields.Char(string="Record Here", readonly=True)
    line_ids = fields.One2many("connector.mapping.trial.line", "trial_id", readonly=True)

    @api.model
    def default_get(self, fields_list):
        """Start from the backend or the binding on whose form the button was pressed."""
        values = super().default_get(fields_list)
        active_model = self.env.context.get("active_model")
        if active_model not in self.env:
            return values
        record = self.env[active_model].browse(self.env.context.get("active_id")).exists()
        if isinstance(record, self.env.registry["external.binding"]) and record:
            values["model_id"] = self.env["ir.model"]._get_id(record._name)
            values["external_id"] = record.external_id
            record = record.backend_id
        if isinstance(record, self.env.registry["connector.backend"]) and record:
            values["backend_id"] = reference(record)
        return values

    @api.model
    def _select_backends(self):
        return self.env["connector.checkpoint"]._select_backends()

    @api.depends("backend_id")
    def _compute_model_names(self):
        bindings = self.env.registry.descendants(["external.binding"], "_inherit")
        for trial in self:
            trial.model_names = [
                name
                for name in bindings
                if not self.env[name]._abstract
                and self.env[name]._fields["backend_id"].comodel_name == trial.backend_id._name
            ]

    def action_try(self):
        """Show how the mapping finds each value of the record."""
        self.ensure_one()
        self.check_access("write")
        self.line_ids.unlink()
        savepoint = self.env.cr.savepoint()
        try:
            record_name, explanations = self._explain()
        except ConnectorException as error:
            raise UserError(str(error)) from error
        finally:
            savepoint.close(rollback=True)  # a method of the mapping may create what it points to
        self.record_name = record_name
        self.line_ids = [
            Command.create(
                {
                    "target": row.target,
                    "source": row.source,
                    "how": row.how,
                    "value": self._value_text(row),
                    "error": row.error,
                }
            )
            for row in explanations
        ]
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_mapping_trial_action")
        return {**action, "res_id": self.id}

    def _value_text(self, row):
        if row.error:
            return False
        return self.env._("not in the record") if row.is_absent else row.value_text

    def _explain(self):
        """Return the name of the record that would be updated, and the rows of the explanation."""
        self.backend_id.check_access("read")
        if not self.external_id:
            raise UserError(self.env._("Enter the identifier that the record has in the external system."))
        with self.backend_id.work_on(self.model_id.model) as environment:
            importer = environment.get_connector_unit(RecordImporter)
            binding = environment.get_connector_unit(Binder).to_internal(self.external_id)
            importer.incoming = Incoming(self.external_id, None, binding)
            rows = importer.mapper.explain(importer._read(), binding=binding)
            return binding.display_name or self.env._("none: it would be created"), rows


class ConnectorMappingTrialLine(models.TransientModel):
    _name = "connector.mapping.trial.line"
    _description = "Value of a Trial of a Mapping"

    trial_id = fields.Many2one("connector.mapping.trial", required=True, ondelete="cascade")
    target = fields.Char(string="To Field")
    source = fields.Char(string="From")
    how = fields.Char(string="By")
    value = fields.Text()
    error = fields.Text()
