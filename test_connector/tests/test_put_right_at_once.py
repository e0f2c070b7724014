"""What is put right while somebody else changes it: several real transactions."""

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.unit.open_records import import_key, import_scope
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.session import ConnectorSession

from .common import ShopCase

PARTNER = "test.shop.partner"
IMPORT = "odoo.addons.connector.unit.importer.record.import_record"


@tagged("post_install", "-at_install")
class TestAtOnce(ShopCase):
    def setUp(self):
        super().setUp()
        self.backend_id = self.committed_backend().id
        self.addCleanup(self.clean)

    def clean(self):
        with self.transaction() as env:
            env.cr.execute("DELETE FROM queue_job WHERE model_name = %s", [PARTNER])
            env.cr.execute("DELETE FROM connector_checkpoint WHERE message = 'Bad'")
            env.cr.execute("DELETE FROM connector_put_right")
            env.cr.execute("DELETE FROM connector_open_record")
            env.cr.commit()

    @property
    def scope(self):
        return import_scope(PARTNER, self.backend_id)

    def failed_job(self, *external_ids):
        """Insert a failed import of records, and commit."""
        with self.transaction() as env:
            env.cr.execute(
                """
                INSERT INTO queue_job (function, model_name, payload, state, date_done, channel_id, message)
                SELECT %s, %s, '[]', 'failed', now() AT TIME ZONE 'UTC', id, 'Bad' FROM queue_job_channel
                WHERE parent_id IS NULL RETURNING id
                """,
                [IMPORT, PARTNER],
            )
            (job_id,) = env.cr.fetchone()
            env["connector.open.record"]._add(self.scope, [import_key(id_) for id_ in external_ids], job_id)
            env.cr.commit()
        return job_id

    def note(self, env, *external_ids):
        """Note in a transaction that it has imported records."""
        keys = [import_key(external_id) for external_id in external_ids]
        env["connector.put.right"]._note(ConnectorSession.from_env(env), self.scope, keys)

    def state(self, job_id):
        with self.transaction() as env:
            return env["queue.job"].browse(job_id).state

    def settle(self):
        with self.transaction() as env:
            env["connector.put.right"]._settle()

    def notes(self):
        with self.transaction() as env:
            return env["connector.put.right"].search_count([])

    def test_it_is_closed_with_the_commit_of_the_import_and_not_before(self):
        job_id = self.failed_job(1)
        with self.transaction() as env:
            self.note(env, 1)
            self.settle()
            self.assertEqual(self.state(job_id), "failed")
            env.cr.commit()
        self.assertEqual((self.state(job_id), self.notes()), ("done", 0))

    def test_an_import_that_is_rolled_back_closes_nothing(self):
        job_id = self.failed_job(1)
        with self.transaction() as env:
            self.note(env, 1)
        self.settle()
        self.assertEqual(self.state(job_id), "failed")

    def test_a_requeue_since_the_import_began_undoes_no_import_and_stays(self):
        job_id = self.failed_job(1)
        with self.transaction() as env:
            self.note(env, 1)
            with store.sql.own_cursor(self.env) as cr:
                store.actions.requeue(cr, [job_id])
            env.cr.commit()
        self.assertEqual((self.state(job_id), self.notes()), ("pending", 0))

    def test_a_requeue_that_is_just_going_on_is_not_waited_for_and_wins(self):
        job_id = self.failed_job(1)
        with store.sql.own_cursor(self.env) as cr:
            store.actions.requeue(cr, [job_id])
            with self.transaction() as env:
                self.note(env, 1)
                env.cr.commit()
            self.assertEqual(self.notes(), 1)
        self.settle()
        self.assertEqual((self.state(job_id), self.notes()), ("pending", 0))

    def test_a_job_that_a_worker_is_just_running_again_is_left_to_it(self):
        job_id = self.failed_job(1)
        with self.transaction() as env:
            self.note(env, 1)
            with store.sql.own_cursor(self.env) as cr:
                cr.execute(
                    "UPDATE queue_job SET state = 'started', date_started = now() AT TIME ZONE 'UTC' WHERE id = %s",
                    [job_id],
                )
            env.cr.commit()
        self.assertEqual((self.state(job_id), self.notes()), ("started", 0))
        with store.sql.own_cursor(self.env) as cr:
            cr.execute("UPDATE queue_job SET state = 'failed' WHERE id = %s", [job_id])
        self.settle()
        self.assertEqual(self.state(job_id), "failed")

    def test_a_lock_that_ends_without_a_change_leaves_it_to_the_next_one(self):
        job_id = self.failed_job(1)
        with self.transaction() as other:
            other.cr.execute("SELECT FROM queue_job WHERE id = %s FOR UPDATE", [job_id])
            with self.transaction() as env:
                self.note(env, 1)
                env.cr.commit()
            self.assertEqual(self.state(job_id), "failed")
        self.settle()
        self.assertEqual(self.state(job_id), "done")

    def test_a_locked_job_keeps_no_other_one_open(self):
        locked_id, other_id = self.failed_job(1), self.failed_job(2)
        with self.transaction() as other:
            other.cr.execute("SELECT FROM queue_job WHERE id = %s FOR UPDATE", [locked_id])
            with self.transaction() as env:
                self.note(env, 1, 2)
                env.cr.commit()
            self.assertEqual((self.state(locked_id), self.state(other_id)), ("failed", "done"))

    def test_a_requeue_after_it_was_closed_runs_it(self):
        job_id = self.failed_job(1)
        with self.transaction() as env:
            self.note(env, 1)
            env.cr.commit()
        with store.sql.own_cursor(self.env) as cr:
            store.actions.requeue(cr, [job_id])
        self.settle()
        self.assertEqual(self.state(job_id), "pending")

    def test_two_transactions_that_import_the_last_two_records_of_a_page_close_it(self):
        page_id = self.failed_job(1, 2)
        with self.transaction() as first, self.transaction() as second:
            self.note(first, 1)
            self.note(second, 2)
            first.cr.commit()
            self.assertEqual(self.state(page_id), "failed")
            second.cr.commit()
        self.assertEqual(self.state(page_id), "done")

    def test_only_one_process_closes_at_a_time_and_the_other_does_not_wait_long(self):
        job_id = self.failed_job(1)
        with self.transaction() as other:
            other.cr.execute("SELECT pg_advisory_xact_lock(hashtext('connector put right'))")
            with self.transaction() as env:
                self.note(env, 1)
                env.cr.commit()
            self.assertEqual((self.state(job_id), self.notes()), ("failed", 1))
        self.settle()
        self.assertEqual(self.state(job_id), "done")

    def add_checkpoint(self, env, external_id):
        backend = env["test.shop.backend"].browse(self.backend_id)
        session = ConnectorSession.from_env(env)
        to_import = PARTNER, [external_id]
        return add_checkpoint(session, backend._name, backend.id, backend, "Bad", "error", to_import=to_import)

    def committed_checkpoint(self):
        with self.transaction() as env:
            checkpoint_id = self.add_checkpoint(env, 1).id
            env.cr.commit()
        return checkpoint_id

    def checkpoint_state(self, checkpoint_id):
        with self.transaction() as env:
            return env["connector.checkpoint"].browse(checkpoint_id).state

    def imported(self, external_id):
        with self.transaction() as env:
            self.note(env, external_id)
            env.cr.commit()

    def test_a_checkpoint_to_which_a_record_is_just_added_stays(self):
        checkpoint_id = self.committed_checkpoint()
        with self.transaction() as env:
            self.add_checkpoint(env, 2)
            self.imported(1)
            self.assertEqual(self.checkpoint_state(checkpoint_id), "need_review")
            env.cr.commit()
        self.settle()
        with self.transaction() as env:
            checkpoint = env["connector.checkpoint"].browse(checkpoint_id)
            self.assertEqual((checkpoint.state, checkpoint.external_ids), ("need_review", [2]))

    def test_a_record_is_not_added_to_a_checkpoint_that_was_closed_meanwhile(self):
        checkpoint_id = self.committed_checkpoint()
        with self.transaction() as env:
            env.cr.execute("SELECT 1")  # its snapshot
            self.imported(1)
            self.assertEqual(self.checkpoint_state(checkpoint_id), "reviewed")
            with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                self.add_checkpoint(env, 2)
