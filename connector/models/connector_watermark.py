"""Watermarks: the point up to which the records of a backend were synchronised.

The next batch begins there.
"""

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models

from odoo.addons.jobs_queue.exception import TransactionOutdated

from ..unit.importer.batch import chosen_key


class ConnectorWatermark(models.Model):
    """The point up to which a binding model was synchronised with a backend, in one direction.

    The batch importer that reads ``value`` defines its meaning: a date by the external system's
    clock, or the number of a change.

    The importer moves the watermark at the end of a batch, by the job ``move_watermark``, and never
    when the batch begins. A batch that imports its records at once delays that job after the last
    one. A batch of pages runs it when all pages are done. A batch with a job for each record runs
    it when all these jobs have ended. A record that has failed in a job can be seen and requeued.
    """

    _name = "connector.watermark"
    _inherit = "connector.backend.part"
    _description = "Watermark of a Connector"
    _order = "backend_model, backend_id, model_name, direction"
    _rec_name = "model_name"
    _written_by_code = (
        "backend_model",
        "backend_id",
        "company_id",
        "model_name",
        "direction",
        "flow",
        "moved_at",
        "chosen",
    )

    model_name = fields.Char(required=True, readonly=True)
    model_description = fields.Char(string="Records", compute="_compute_model_description")
    direction = fields.Selection(
        [("import", "Import"), ("export", "Export")], default="import", required=True, readonly=True
    )
    flow = fields.Char(
        required=True, readonly=True, default="", help="Of a flow that is not the first of its model: its code"
    )
    value = fields.Char(
        string="Up To",
        help="What has changed there since then comes with the next import. Empty it to look at every record again.",
    )
    chosen = fields.Char(
        readonly=True, help="What people had chosen of the flow. When they choose anew, all records are looked at again"
    )
    moved_at = fields.Datetime(string="Moved On", readonly=True)

    _place_uniq = models.Constraint(
        "UNIQUE(backend_model, backend_id, model_name, direction, flow)", "A backend has one watermark a flow."
    )

    @api.depends("model_name")
    def _compute_model_description(self):
        for watermark in self:
            model = self.env.get(watermark.model_name)
            watermark.model_description = watermark.model_name if model is None else model._description

    def write(self, vals):
        self._check_backends()  # who may change a backend decides from where its records are read again
        result = super().write(vals)
        if "value" in vals and "chosen" not in vals:
            for row in self.sudo():  # somebody has entered it, and means what is chosen now
                row.chosen = row._chosen_now()
        return result

    def _chosen_now(self):
        """Return what people have chosen of the flow by now, see ``chosen_key()``."""
        flows = (
            self.env["connector.flow"]
            .sudo()
            .search(
                [*self._of_backend(self._backend()), ("direction", "=", "import"), ("model_name", "=", self.model_name)]
            )
        )
        mine = flows.filtered(lambda flow: flow._class() and flow._watermark_key() == self.flow)
        return chosen_key(mine.filters or {})

    @api.private
    def value_of(self, backend_record, model_name, direction="import", flow="", chosen=""):
        """Return the value of a watermark, or None if there is none yet.

        :param backend_record: record of the backend
        :param model_name: name of the binding model
        :param direction: ``import`` or ``export``
        :param flow: code of the flow, if it is not the first of its model
        :param chosen: what people have chosen of the flow; a watermark of another choice is none
        """
        return self.sudo()._of(backend_record, model_name, direction, flow)._value_for(chosen)

    def _value_for(self, chosen):
        return (self.value if (self.chosen or "") == chosen else None) or None

    @api.private
    def move(self, backend_record, model_name, value, since=None, direction="import", flow="", chosen=""):
        """Move a watermark, unless it is not any more where the batch has begun.

        Another batch has moved it then, or somebody has emptied it.

        :param value: text
        :param since: value with which the batch has begun
        :param chosen: what people had chosen of the flow by then
        :return: whether it was moved
        :raise TransactionOutdated: another transaction has moved it for the first time since this
            one began
        """
        watermark = self.sudo()._of(backend_record, model_name, direction, flow)
        if watermark._value_for(chosen) != since:
            return False
        values = {"value": value, "moved_at": fields.Datetime.now(), "chosen": chosen or False}
        if watermark:
            watermark.write(values)
        else:
            self.sudo()._place(backend_record, model_name, direction, flow, values)
        return True

    def _place(self, backend_record, model_name, direction, flow, values):
        place = {
            **self._backend_values(backend_record),
            "model_name": model_name,
            "direction": direction,
            "flow": flow,
        }
        try:
            with self.env.cr.savepoint():
                self.create({**place, **values})
        except UniqueViolation as violation:
            raise TransactionOutdated(self.env._("Another import has moved the watermark meanwhile.")) from violation

    def _of(self, backend_record, model_name, direction, flow):
        return self.search(
            [
                *self._of_backend(backend_record),
                ("model_name", "=", model_name),
                ("direction", "=", direction),
                ("flow", "=", flow),
            ]
        )
