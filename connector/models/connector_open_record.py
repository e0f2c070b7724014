"""Records whose import or export has failed, or waits: a row for each, and for each that tells it.

A failed job, a job that waits for something outside, and a checkpoint tell it. Rows are only
inserted, and deleted once their record was imported later. So many jobs may tell of one record at
a time, and none waits for another.
"""

import logging

from odoo import api, fields, models

from odoo.addons.jobs_queue.exception import NotReadableJobError
from odoo.addons.jobs_queue.jobs import arguments
from odoo.addons.jobs_queue.store.failures import FailedJob
from odoo.addons.jobs_queue.store.sql import NOW

from ..exception import InvalidDataError
from ..unit.open_records import NOTED, scope_and_keys

_logger = logging.getLogger(__name__)

#: Rows that one pass of the clean-up deletes at most.
_VACUUM_LIMIT = 10_000
_PAGE = 1000


class ConnectorOpenRecord(models.Model):
    _name = "connector.open.record"
    _description = "Record That Has Failed"
    _log_access = False
    _rec_name = "key"

    scope = fields.Char(required=True, readonly=True, help="Direction, model and backend")
    key = fields.Char(required=True, readonly=True, help="External ID, or identity key of its exports")
    date = fields.Datetime(required=True, readonly=True)
    job_id = fields.Integer(readonly=True, index="btree_not_null")
    checkpoint_id = fields.Many2one("connector.checkpoint", readonly=True, index=True, ondelete="cascade")

    _key_idx = models.Index("(scope, key)")

    def _add(self, scope, keys, job_ids=None, checkpoint_id=None):
        """Insert rows for records.

        :param keys: list of keys
        :param job_ids: id of the job that tells of all of them, or list of the id for each
        """
        if not keys:
            return
        job_ids = job_ids if isinstance(job_ids, list) else [job_ids] * len(keys)
        self.env.cr.execute(
            f"""
            INSERT INTO connector_open_record (scope, key, date, job_id, checkpoint_id)
            SELECT %s, key, {NOW}, job_id, %s FROM unnest(%s::varchar[], %s::int[]) AS record (key, job_id)
            """,
            (scope, checkpoint_id, keys, job_ids),
        )

    def _add_failed(self, jobs):
        """Insert the rows of failed jobs that have none, as their process died before it could.

        A job that is put right has none either, until somebody who has locked it lets it be closed.

        :param jobs: list of :class:`~odoo.addons.jobs_queue.store.failures.FailedJob`
        """
        jobs = {job.id: job for job in jobs if job.function in NOTED and job.payload}
        if not jobs:
            return
        self.env.cr.execute(
            """
            SELECT job_id FROM connector_open_record WHERE job_id = ANY(%(ids)s)
            UNION SELECT job_id FROM connector_put_right WHERE job_id = ANY(%(ids)s)
            """,
            {"ids": list(jobs)},
        )
        for job_id in jobs.keys() - {job_id for (job_id,) in self.env.cr.fetchall()}:
            job = jobs[job_id]
            try:
                args, kwargs = arguments.decode_call(job.payload, self.env)
                scope, keys = scope_and_keys(job.function, job.model_name, args, kwargs)
            except (NotReadableJobError, InvalidDataError, LookupError, TypeError):
                _logger.info("Of which records job %s tells cannot be read", job_id)
                continue
            self._add(scope, keys, job_id)

    @api.autovacuum
    def _add_all_failed(self):
        """Insert the rows of all failed jobs that have none, a page at a time.

        These are those that had failed before the addon noted failures.
        """
        last = 0
        while True:
            self.env.cr.execute(
                """
                SELECT id, function, model_name, CASE WHEN octet_length(payload) <= 100000 THEN payload END
                FROM queue_job WHERE state = 'failed' AND id > %s ORDER BY id LIMIT %s
                """,
                (last, _PAGE),
            )
            rows = self.env.cr.fetchall()
            if not rows:
                return
            self._add_failed(
                [
                    FailedJob(id=id_, function=name, model_name=model, payload=payload)
                    for id_, name, model, payload in rows
                ]
            )
            last = rows[-1][0]

    def _is_any(self, scope):
        """Return whether anything of a scope is open."""
        self.env.cr.execute("SELECT 1 FROM connector_open_record WHERE scope = %s LIMIT 1", (scope,))
        return bool(self.env.cr.rowcount)

    def _of_waiting_jobs(self, scope, keys):
        """Return the jobs that wait for something outside, by key.

        :return: dict, key to ``queue.job`` records
        """
        by_key = {}
        for row in self.search([("scope", "=", scope), ("key", "in", keys), ("job_id", "!=", False)]):
            job = self.env["queue.job"].browse(row.job_id).exists()
            if job.state == "scheduled" and job.waits_for:
                by_key[row.key] = by_key.get(row.key, job) | job
        return by_key

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
