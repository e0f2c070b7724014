"""Model of a record whose import has ended because its flow was off."""

from odoo import api, fields, models

from ..unit.connector_unit import external_id_text


class ConnectorFlowLeftOut(models.Model):
    """A record that has to be imported when its flow is switched on again.

    No watermark finds it: a webhook has told of it, or somebody has asked for it. The jobs are not
    searched for it: they are very many, and the old ones are deleted while the flow is off.
    """

    _name = "connector.flow.left.out"
    _description = "Record Left Out While Its Flow Was Off"
    _log_access = False
    _rec_name = "external_id"

    flow_id = fields.Many2one("connector.flow", required=True, readonly=True, ondelete="cascade")
    external_id = fields.Char(required=True, readonly=True)
    force = fields.Boolean(readonly=True, help="Whether it overwrites what was changed here, as somebody has decided")

    _record_uniq = models.UniqueIndex("(flow_id, external_id)")

    @api.model
    def _note(self, backend, code, external_ids, force=False):
        """Note records of a flow that is off, each once.

        It is right whoever switches the flow on at the same time. ``FOR SHARE`` locks its row until
        the end of the job's transaction, which is short:

        - If the job has locked first, who switches on waits until it has committed. Then the job
          :func:`~odoo.addons.connector.unit.importer.left_out.import_left_out`, which begins after
          the commit of who switches on, has a younger snapshot and sees the note.
        - If who switches on has written first, the job waits. As the row was changed since its
          transaction began, PostgreSQL refuses the lock, and the job begins again: it sees the flow
          on, and imports the record.

        Jobs do not wait for each other, as they share the lock. They insert in one order, so that
        two pages with the same records do not wait for each other.

        :param code: of the flow
        :param force: whether the import overwrites what was changed here
        :raise SerializationFailure: the row of the flow was written since this transaction began
        """
        texts = sorted({text for external_id in external_ids if (text := external_id_text(external_id))})
        if not texts:
            return
        self.env["connector.flow"].flush_model(["is_on"])
        self.env.cr.execute(
            """
            WITH flow AS (
                SELECT id FROM connector_flow
                WHERE (backend_model, backend_id, code) = (%s, %s, %s) AND NOT is_on FOR SHARE
            )
            INSERT INTO connector_flow_left_out (flow_id, external_id, force)
            SELECT flow.id, record.external_id, %s FROM flow, unnest(%s::varchar[]) record(external_id)
            ON CONFLICT (flow_id, external_id) DO UPDATE SET force = true
            WHERE excluded.force AND connector_flow_left_out.force IS NOT TRUE
            """,
            (backend._name, backend.id, code, force, texts),
        )
        self.invalidate_model()

    @api.model
    def _take(self, backend, code):
        """Delete the notes of a flow; return the external ids with force, and the others."""
        self.flush_model()
        self.env.cr.execute(
            """
            DELETE FROM connector_flow_left_out left_out USING connector_flow flow
            WHERE flow.id = left_out.flow_id
            AND (flow.backend_model, flow.backend_id, flow.code) = (%s, %s, %s)
            RETURNING left_out.external_id, left_out.force
            """,
            (backend._name, backend.id, code),
        )
        taken = sorted(self.env.cr.fetchall())
        self.invalidate_model()
        return [id_ for id_, force in taken if force], [id_ for id_, force in taken if not force]
