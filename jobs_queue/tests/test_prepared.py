import contextlib
from unittest.mock import patch

import psycopg2

from odoo.tests import TransactionCase

from ..store import prepared
from ..store.connection import connect
from ..store.prepared import Statement

ADD = Statement("jobs_queue_test_add", {"a": "int", "b": "int"}, "SELECT %(a)s + %(b)s")


def interrupted_after(word):
    """Return a class of cursors that raise InterruptedError after certain statements.

    These are the statements that begin with ``word``.
    """

    class InterruptedCursor(psycopg2.extensions.cursor):
        def execute(self, query, values=None):
            super().execute(query, values)
            if query.startswith(word):
                raise InterruptedError(query)

    return InterruptedCursor


class TestPrepared(TransactionCase):
    def setUp(self):
        super().setUp()
        self.connection = self.enterContext(contextlib.closing(connect(self.env.cr.dbname)))
        self.seconds = 1000
        clock = patch.object(prepared.time, "monotonic", lambda: self.seconds)
        self.enterContext(clock)

    def add(self, a, b, cursor_factory=None):
        with self.connection.cursor(cursor_factory=cursor_factory) as cr:
            ADD.execute(cr, {"a": a, "b": b})
            return cr.fetchone()[0]

    def prepared_since(self):
        with self.connection.cursor() as cr:
            cr.execute("SELECT prepare_time FROM pg_prepared_statements WHERE name LIKE 'jobs_queue_test_add%'")
            return cr.fetchone()

    def test_nothing_is_prepared_where_a_pooler_may_stand_between(self):
        self.assertEqual([self.add(1, 2), self.add(3, 4)], [3, 7])
        self.assertIsNone(self.prepared_since())

    def test_a_statement_is_prepared_when_it_is_executed_again_soon(self):
        prepared.keep(self.connection)
        self.add(1, 2)
        self.assertIsNone(self.prepared_since())
        self.assertEqual([self.add(3, 4), self.add(5, 6)], [7, 11])
        self.assertIsNotNone(self.prepared_since())

    def test_a_plan_is_forgotten_after_a_second_since_the_table_may_have_grown(self):
        prepared.keep(self.connection)
        self.add(1, 2)
        self.add(3, 4)
        first = self.prepared_since()
        self.seconds += prepared.PLAN_SECONDS
        self.assertEqual(self.add(5, 6), 11)
        self.assertIsNone(self.prepared_since())
        self.assertEqual(self.add(7, 8), 15)
        self.assertGreater(self.prepared_since(), first)

    def test_what_was_prepared_is_forgotten_with_the_reset_of_a_connection_that_somebody_takes_out_of_the_pool(self):
        prepared.keep(self.connection)
        self.assertEqual([self.add(1, 2), self.add(3, 4)], [3, 7])
        self.connection.reset()
        self.assertIsNone(self.prepared_since())
        prepared.keep(self.connection)
        self.assertEqual([self.add(5, 6), self.add(7, 8)], [11, 15])

    def test_a_job_that_is_stopped_while_a_statement_is_prepared_or_forgotten_leaves_it_usable_for_the_next(self):
        prepared.keep(self.connection)
        self.add(1, 2)
        with self.assertRaises(InterruptedError):
            self.add(3, 4, interrupted_after("PREPARE"))
        self.assertEqual([self.add(5, 6), self.add(7, 8)], [11, 15])
        self.seconds += prepared.PLAN_SECONDS
        with self.assertRaises(InterruptedError):
            self.add(9, 10, interrupted_after("DEALLOCATE"))
        self.seconds += prepared.PLAN_SECONDS
        self.assertEqual([self.add(11, 12), self.add(13, 14)], [23, 27])
