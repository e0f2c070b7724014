"""What a later import or export has put right: noted in its transaction, closed after its commit.

Why in two steps: the job that imports is REPEATABLE READ. If it wrote the row of a failed job that
somebody has just requeued, or of a checkpoint that a person has just reviewed, PostgreSQL would
refuse that and undo the import. A note is an INSERT, which nothing can refuse. It is committed
with the import, or not at all. If the process dies before the second step, the note is still
there, and the next import that puts something right, or the scheduled action, closes it.

*Which come into question.* The failed job has ended before the later job began, and before its data
were read. Otherwise it may have seen a newer state, and it stays. The note keeps when it failed: if
it has failed once more by the second step, it stays.

*The second step* runs once at a time in a database, under an advisory lock. So of two pages that
each import one of the last two records of a failed page, the later one sees that none is left. Jobs
and checkpoints are locked before they are looked at, and nobody is waited for: what somebody has
locked keeps its note.
"""

import logging
from collections import defaultdict

from psycopg2 import Error
from psycopg2.errors import LockNotAvailable

from odoo import api, fields, models

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.store.sql import BRIEFLY, own_cursor

from ..unit.put_right import is_forced, open_key

_logger = logging.getLogger(__name__)

#: Notes that are dealt with in one transaction.
PAGE = 500
#: Of ``postcommit.data``: whether the transaction has noted something.
KEY = "connector.put.right"

# Ours, beside the jobs that are found by their keys
_OPEN_RECORDS = """
    SELECT 'record', id, key, date FROM since, connector_open_record record
    WHERE record.key = ANY(%(records)s) AND (since.time IS NULL OR record.date < since.time)
"""


class ConnectorPutRight(models.Model):
    _name = "connector.put.right"
    _description = "What a Later Job Has Put Right"
    _log_access = False
    _rec_name = "job_id"
    _order = "id"

    job_id = fields.Integer(readonly=True, help="A job that has failed or waits")
    record_id = fields.Integer(readonly=True, help="A record of a failed page or of a checkpoint")
    checkpoint_id = fields.Integer(readonly=True, help="A checkpoint whose records were all imported")
    stamp = fields.Datetime(readonly=True, help="When the job failed, or until when it waits; empty: a failed page")
    by_job_id = fields.Integer(readonly=True)
    text = fields.Text(readonly=True)
    state = fields.Char(readonly=True, default="done", help="In which the job ends: done or cancelled")

    # In the transaction of the import or export

    def _note(self, session, concurrency=((), {}), identity=((), {}), records=None, read_at=None):
        """Note what the running job puts right; one query if that is nothing.

        :param concurrency: job functions, and dict of concurrency key to whether a job by force is
            put right, too
        :param identity: likewise, by identity keys
        :param records: dict of the keys of records, likewise
        :param read_at: when the data were read, None: after the job began
        """
        records = records or {}
        by_id = getattr(session.job, "id", None)
        found = store.superseded.find(
            self.env.cr,
            (concurrency[0], concurrency[1].keys()),
            (identity[0], identity[1].keys()),
            by_id,
            read_at,
            _OPEN_RECORDS,
            records=[form for key, whole in records.items() for form in _forms(key, whole)],
        )
        if found := self._without_forced(found, {**identity[1], **concurrency[1]}):
            text = self.env._("Put right by job %s.", by_id) if by_id else self.env._("Put right since.")
            self._insert(found, by_id, text)

    def _insert(self, found, by_id, text, state="done"):
        """Insert notes, to be dealt with after the commit.

        :param found: list of :class:`~odoo.addons.jobs_queue.store.superseded.Superseded`
        :param by_id: id of the job that has done their work
        :param state: in which their jobs end
        """
        self.env.cr.execute(
            """
            INSERT INTO connector_put_right (job_id, record_id, stamp, by_job_id, text, state)
            SELECT CASE WHEN kind = 'job' THEN id END, CASE WHEN kind = 'record' THEN id END, stamp, %s, %s, %s
            FROM unnest(%s::varchar[], %s::int[], %s::timestamp[]) AS found (kind, id, stamp)
            """,
            (by_id, text, state, [row.kind for row in found], [row.id for row in found], [row.stamp for row in found]),
        )
        postcommit = self.env.cr.postcommit
        if KEY not in postcommit.data:
            postcommit.data[KEY] = True
            postcommit.add(self._settle_after_commit)

    def _without_forced(self, found, whole):
        """Leave out the jobs by force of records that were found unchanged, or skipped."""
        ids = [row.id for row in found if row.kind == "job" and not whole[row.key]]
        if not ids:
            return found
        forced = {
            id_ for id_, payload in store.superseded.payloads(self.env.cr, ids).items() if is_forced(self.env, payload)
        }
        return [row for row in found if row.kind != "job" or row.id not in forced]

    # After the commit

    def _settle_after_commit(self):
        self.env.cr.postcommit.data.pop(KEY, None)
        try:
            self._settle()
        except Error:
            _logger.info("What was put right in %s is closed later", self.env.cr.dbname, exc_info=True)

    @api.model
    def _settle(self, cursor=own_cursor):
        """Close what was noted; also what others have noted, and could not close.

        :param cursor: ``function(env)`` that opens a READ COMMITTED cursor
        """
        after = 0
        try:
            while after is not None:
                after = self._settle_page(after, cursor)
        except LockNotAvailable:
            # somebody else is at it: he also sees what was noted before he ends, or the next one does
            _logger.info("What was put right in %s is closed by somebody else", self.env.cr.dbname)

    @api.model
    def _settle_page(self, after, cursor):
        """Close some of what was noted, in a transaction of its own.

        :param after: id of a note; earlier ones are left
        :return: id of the last note, None if there are no more
        """
        with cursor(self.env) as cr:
            cr.execute(f"{BRIEFLY} SELECT pg_advisory_xact_lock(hashtext('connector put right'))")
            page = self.with_env(self.env(cr=cr, su=True))
            notes = page.search([("id", ">", after)], limit=PAGE)
            if not notes:
                return None
            after, is_last = notes[-1].id, len(notes) < PAGE
            ended = page._close(notes)
        if ended:
            with cursor(self.env) as cr:
                store.actions.release_waiting(cr, ended)
            store.wakeup.wake(self.env.cr.dbname)
        self.env.invalidate_all()
        return None if is_last else after

    @api.model
    def _close(self, notes):
        """Close what some notes tell of, and delete these.

        :return: ids of the jobs that were ended
        """
        by_record = {note.record_id: note for note in notes if note.record_id}
        job_notes, checkpoint_notes = self._take_out(by_record)
        closing = [(note.job_id, note.stamp, note) for note in notes if note.job_id]
        pages = {note.job_id: note for note in notes if note.job_id and not note.stamp} | job_notes
        left = self._with_records_left("job_id", pages)
        closing = [row for row in closing if row[1]] + [
            (job_id, None, note) for job_id, note in pages.items() if job_id not in left
        ]
        ended, busy = self._end_jobs(closing)
        checkpoint_notes = {note.checkpoint_id: note for note in notes if note.checkpoint_id} | checkpoint_notes
        busy_checkpoints = self._close_checkpoints(checkpoint_notes)
        again = [(job_id, None, stamp, note) for job_id, stamp, note in busy]
        again += [(None, checkpoint_id, None, note) for checkpoint_id, note in busy_checkpoints]
        values = [
            {
                "job_id": job_id,
                "checkpoint_id": checkpoint_id,
                "stamp": stamp,
                "by_job_id": note.by_job_id,
                "text": note.text,
                "state": note.state,
            }
            for job_id, checkpoint_id, stamp, note in again
        ]
        notes.unlink()
        self.create(values)
        return ended

    def _take_out(self, by_record):
        """Delete the rows of records; return the notes of the jobs and checkpoints that had them."""
        self.env.cr.execute(
            "DELETE FROM connector_open_record WHERE id = ANY(%s) RETURNING id, job_id, checkpoint_id",
            (list(by_record),),
        )
        jobs, checkpoints = {}, {}
        for id_, job_id, checkpoint_id in self.env.cr.fetchall():
            if job_id:
                jobs[job_id] = by_record[id_]
            if checkpoint_id:
                checkpoints[checkpoint_id] = by_record[id_]
        return jobs, checkpoints

    def _with_records_left(self, column, ids):
        """Return those of some jobs or checkpoints that still have records, as a dict of id to keys."""
        self.env.cr.execute(
            f"SELECT {column}, array_agg(key) FROM connector_open_record WHERE {column} = ANY(%s) GROUP BY 1",
            (list(ids),),
        )
        return dict(self.env.cr.fetchall())

    def _end_jobs(self, closing):
        """End jobs.

        :param closing: list of ``(job id, stamp, note)``
        :return: ids of those that were ended; list of those that somebody has locked
        """
        by_note = defaultdict(dict)
        for job_id, stamp, note in closing:
            by_note[note.by_job_id, note.text, note.state][job_id] = stamp
        ended, busy = [], set()
        for (by_id, text, state), stamps in by_note.items():
            result = store.superseded.end(self.env.cr, stamps, by_id or None, text, state)
            ended += result.ended
            busy.update(result.busy)
        return ended, [row for row in closing if row[0] in busy]

    def _close_checkpoints(self, checkpoint_notes):
        """Take the imported records off their checkpoints, and close those that have none left.

        :param checkpoint_notes: dict, id to note
        :return: list of ``(id, note)`` of those that somebody has locked
        """
        ids = sorted(checkpoint_notes)
        self.env.cr.execute("SELECT id FROM connector_checkpoint WHERE id = ANY(%s)", (ids,))
        there = [id_ for (id_,) in self.env.cr.fetchall()]
        self.env.cr.execute(
            "SELECT id FROM connector_checkpoint WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED", (ids,)
        )
        locked = {id_ for (id_,) in self.env.cr.fetchall()}
        # after the lock: somebody who tells of one more record locks the checkpoint before
        left = self._with_records_left("checkpoint_id", locked)
        for checkpoint in self.env["connector.checkpoint"].browse(sorted(locked)):
            if checkpoint.state == "need_review":
                note = checkpoint_notes[checkpoint.id]
                checkpoint._put_right(left.get(checkpoint.id, ()), note.by_job_id, note.text)
        return [(id_, checkpoint_notes[id_]) for id_ in there if id_ not in locked]


def _forms(key, whole):
    return (key, open_key(key, force=True)) if whole else (key,)
