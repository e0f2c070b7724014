"""Records of which a failed page of an import, or a checkpoint, tells that they have failed.

Rows are only inserted, and deleted once their record was imported later. So many jobs may tell of
one record at a time, and none waits for another.
"""

from odoo import api, fields, models

from odoo.addons.jobs_queue.store.sql import NOW

#: Rows that one pass of the clean-up deletes at most.
_VACUUM_LIMIT = 10_000


class ConnectorOpenRecord(models.Model):
    _name = "connector.open.record"
    _description = "Record That Has Failed"
    _log_access = False
    _rec_name = "key"

    key = fields.Char(required=True, readonly=True, help="Model, backend and external ID, or the key of its exports")
    date = fields.Datetime(required=True, readonly=True)
    checkpoint_id = fields.Many2one("connector.checkpoint", readonly=True, index=True, ondelete="cascade")
    job_id = fields.Integer(readonly=True, index="btree_not_null", help="The failed import of a page")

    _key_idx = models.Index("(key)")

    def _add(self, keys, checkpoint_id=None, job_id=None):
        """Insert rows for records.

        :param keys: list of stored keys
        """
        if not keys:
            return
        self.env.cr.execute(
            f"""
            INSERT INTO connector_open_record (key, date, checkpoint_id, job_id)
            SELECT key, {NOW}, %s, %s FROM unnest(%s::varchar[]) AS key
            """,
            (checkpoint_id, job_id, keys),
        )

    @api.autovacuum
    def _gc(self):
        """Delete the rows of jobs that have ended otherwise, and of reviewed checkpoints."""
        self.env.cr.execute(
            """
            DELETE FROM connector_open_record WHERE id IN (
                SELECT record.id FROM connector_open_record record
                LEFT JOIN queue_job job ON job.id = record.job_id
                LEFT JOIN connector_checkpoint checkpoint ON checkpoint.id = record.checkpoint_id
                WHERE CASE WHEN record.job_id IS NULL THEN checkpoint.state IS DISTINCT FROM 'need_review'
                           ELSE COALESCE(job.state, 'done') IN ('done', 'cancelled') END
                LIMIT %s
            )
            """,
            (_VACUUM_LIMIT,),
        )
        return self.env.cr.rowcount, self.env.cr.rowcount == _VACUUM_LIMIT
