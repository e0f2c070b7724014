"""What a later import or export has put right: noted in its transaction, closed after its commit.

Why in two steps: the job that imports is REPEATABLE READ. If it wrote the row of a failed job that
somebody has just requeued, or of a checkpoint that a person has just reviewed, PostgreSQL would
refuse that and undo the import. A note is an INSERT, which nothing can refuse. It is committed
with the import, or not at all. If the process dies before the second step, the note is still
there, and the next import that puts something right, or the scheduled action, closes it.

*Which come into question.* A failure that was noted before the later job began, and before its data
were read. Otherwise it may have seen a newer state, and it stays. A job that has run once more
since it was noted stays, too.

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
from odoo.addons.jobs_queue.store.sql import BRIEFLY, NOW, own_cursor

_logger = logging.getLogger(__name__)

# Only names of columns are formatted into the statements below
# pylint: disable=sql-injection

#: Notes that are dealt with in one transaction.
PAGE = 500
#: Of ``postcommit.data``: whether the transaction has noted something.
KEY = "connector.put.right"


class ConnectorPutRight(models.Model):
    _name = "connector.put.right"
    _description = "What a Later Job Has Put Right"
    _log_access = False
    _rec_name = "job_id"
    _order = "id"

    record_id = fields.Integer(readonly=True, help="The row of a record that was imported or exported since")
    job_id = fields.Integer(readonly=True, help="A job that is over unless it has such rows left")
    checkpoint_id = fields.Integer(readonly=True, help="A checkpoint, likewise")
    stamp = fields.Datetime(readonly=True, help="A job that has begun a run since then is left")
    by_job_id = fields.Integer(readonly=True)
    text = fields.Text(readonly=True)
    state = fields.Char(readonly=True, default="done", help="In which the job ends: done or cancelled")

    # In the transaction of the import or export

    def _note(self, session, scope, keys, read_at=None):
        """Note what the running job puts right, in a scope in which something is open.

        :param scope: of the failures, see ``unit/open_records.py``
        :param keys: list of the keys of those that are put right
        :param read_at: when the data were read; None: after the job began
        """
        cr = self.env.cr
        by_id = getattr(session.job, "id", None)
        cr.execute(
            """
            SELECT record.id, record.date
            FROM connector_open_record record, LATERAL (
                SELECT LEAST((SELECT date_started FROM queue_job WHERE id = %s), %s::timestamp) AS time
            ) AS since
            WHERE record.scope = %s AND record.key = ANY(%s) AND (since.time IS NULL OR record.date < since.time)
            """,
            (by_id, read_at, scope, keys),
        )
        if found := dict(cr.fetchall()):
            text = self.env._("Put right by job %s.", by_id) if by_id else self.env._("Put right since.")
            self._insert("record_id", found, by_id, text)

    def _note_taken_over(self, jobs, by_id):
        """Note that a job takes over from others that wait for the same: these are cancelled.

        :param jobs: ``queue.job`` records
        """
        self.env.cr.execute(f"SELECT {NOW}")
        (now,) = self.env.cr.fetchone()
        text = self.env._("The same as job %s", by_id)
        self._insert("job_id", dict.fromkeys(jobs.ids, now), by_id, text, "cancelled")

    def _insert(self, column, stamps, by_id, text, state="done"):
        """Insert notes, to be dealt with after the commit.

        :param column: ``record_id`` or ``job_id``
        :param stamps: dict, id to stamp
        """
        self.env.cr.execute(
            f"""
            INSERT INTO connector_put_right ({column}, stamp, by_job_id, text, state)
            SELECT id, stamp, %s, %s, %s FROM unnest(%s::int[], %s::timestamp[]) AS found (id, stamp)
            """,
            (by_id, text, state, list(stamps), list(stamps.values())),
        )
        postcommit = self.env.cr.postcommit
        if KEY not in postcommit.data:
            postcommit.data[KEY] = True
            postcommit.add(self._settle_after_commit)

    # After the commit

    def _settle_after_commit(self):
        self.env.cr.postcommit.data.pop(KEY, None)
        try:
            self._settle()
        except Error:
            _logger.info("What was put right in %s is closed later", self.env.cr.dbname, exc_info=True)
        except Exception:  # of somebody's own code; what was imported is committed, and must not seem to fail
            _logger.exception("What was put right in %s could not be closed", self.env.cr.dbname)

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
            # somebody else is at it, and sees what was noted; else the next one does
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
            last, is_last = notes[-1].id, len(notes) < PAGE
            ended = page._close(notes)
            cr.flush()
        if ended:
            with cursor(self.env) as cr:
                store.actions.release_waiting(cr, ended)
            store.wakeup.wake(self.env.cr.dbname)
        return None if is_last else last

    @api.model
    def _close(self, notes):
        """Close what some notes tell of, and delete these.

        :return: ids of the jobs that were ended
        """
        jobs, checkpoints = self._take_out({note.record_id: note for note in notes if note.record_id})
        jobs |= {note.job_id: note for note in notes if note.job_id and note.state == "done"}
        checkpoints |= {note.checkpoint_id: note for note in notes if note.checkpoint_id}
        left = self._records_left("job_id", jobs)
        closing = {job_id: note for job_id, note in jobs.items() if job_id not in left}
        closing |= {note.job_id: note for note in notes if note.job_id and note.state != "done"}
        ended, busy = self._end_jobs(closing)
        again = [{"job_id": id_, **self._copied(closing[id_])} for id_ in busy]
        again += [
            {"checkpoint_id": id_, **self._copied(checkpoints[id_])} for id_ in self._close_checkpoints(checkpoints)
        ]
        notes.unlink()
        self.create(again)
        return ended

    def _copied(self, note):
        return {name: note[name] for name in ("stamp", "by_job_id", "text", "state")}

    def _take_out(self, by_record):
        """Delete the rows of records; return the notes of their jobs and of their checkpoints."""
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

    def _records_left(self, column, ids):
        """Return the keys of the records that some jobs or checkpoints still have, by their ids."""
        self.env.cr.execute(
            f"SELECT {column}, array_agg(key) FROM connector_open_record WHERE {column} = ANY(%s) GROUP BY 1",
            (list(ids),),
        )
        return dict(self.env.cr.fetchall())

    def _end_jobs(self, closing):
        """End jobs.

        :param closing: dict, id of the job to note
        :return: ids of those that were ended, and of those that somebody has locked
        """
        by_note = defaultdict(dict)
        for job_id, note in closing.items():
            by_note[note.by_job_id, note.text, note.state][job_id] = note.stamp
        ended, busy = [], []
        for (by_id, text, state), stamps in by_note.items():
            result = store.superseded.end(self.env.cr, stamps, by_id or None, text, state)
            ended += result.ended
            busy += result.busy
        return ended, busy

    def _close_checkpoints(self, notes):
        """Take the imported records off their checkpoints, and close those that have none left.

        :param notes: dict, id of the checkpoint to note
        :return: ids of those that somebody has locked, or that cannot be closed
        """
        if not notes:
            return []
        self.env.cr.execute("SELECT id FROM connector_checkpoint WHERE id = ANY(%s)", (list(notes),))
        there = [id_ for (id_,) in self.env.cr.fetchall()]
        self.env.cr.execute(
            "SELECT id FROM connector_checkpoint WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED", (list(notes),)
        )
        locked = [id_ for (id_,) in self.env.cr.fetchall()]
        # after the lock: somebody who tells of one more record locks the checkpoint before
        left = self._records_left("checkpoint_id", locked)
        refused = []
        for checkpoint in self.env["connector.checkpoint"].browse(locked):
            if checkpoint.state == "need_review":
                note = notes[checkpoint.id]
                try:
                    with self.env.cr.savepoint():
                        checkpoint._put_right(left.get(checkpoint.id, ()), note.by_job_id, note.text)
                except Error:
                    raise
                except Exception:  # of somebody's own code: the others are closed all the same
                    _logger.exception("The checkpoint %s could not be closed", checkpoint.id)
                    refused.append(checkpoint.id)
        return [id_ for id_ in there if id_ not in locked or id_ in refused]
