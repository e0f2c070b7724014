import select
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged

from ..store import wakeup
from ..store.connection import connect


@tagged("post_install", "-at_install")
class TestWakeUp(TransactionCase):
    """Notifications after a transaction on a cursor of its own.

    The transaction of a test never commits.
    """

    def setUp(self):
        super().setUp()
        cr = Registry(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.own = api.Environment(cr, SUPERUSER_ID, {})
        self.woken = []
        self.enterContext(patch.object(wakeup, "wake", self.woken.append))

    def _delay_many(self):
        for _number in range(100):
            self.own["res.partner"].with_delay().exists()
        self.own.cr.flush()

    def test_a_transaction_that_delays_many_jobs_wakes_the_workers_once(self):
        self._delay_many()
        self.assertEqual(self.woken, [], "nobody is woken before the commit")
        self.own.cr.postcommit.run()
        self.assertEqual(self.woken, [self.env.cr.dbname])

    def test_a_transaction_that_is_rolled_back_wakes_nobody(self):
        self._delay_many()
        self.own.cr.rollback()
        self.own.cr.postcommit.run()
        self.assertEqual(self.woken, [])


class TestNotification(TransactionCase):
    def test_what_is_sent_is_the_name_of_the_database_whatever_was_delayed(self):
        listener = connect("postgres")
        self.addCleanup(listener.close)
        with listener.cursor() as cr:
            cr.execute(wakeup.LISTEN)
        dbname = f"{self.env.cr.dbname}_of_no_worker"
        wakeup._notifier.notify(dbname)
        received = []
        while dbname not in received:
            self.assertTrue(select.select([listener], [], [], 60)[0], "nothing was received")
            listener.poll()
            received = [notify.payload for notify in listener.notifies]


class TestConnection(TransactionCase):
    def test_a_connection_that_is_silently_dropped_is_noticed_within_seconds(self):
        connection = connect(self.env.cr.dbname)
        self.addCleanup(connection.close)
        alive = {
            name.removeprefix("keepalives_"): int(value)
            for name, value in connection.info.dsn_parameters.items()
            if name.startswith("keepalives_")
        }
        self.assertLessEqual(alive["idle"] + alive["interval"] * alive["count"], 15)
