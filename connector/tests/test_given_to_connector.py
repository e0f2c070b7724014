"""Values that other systems give: external ids and waits."""

from decimal import Decimal
from types import SimpleNamespace

from odoo.tests import TransactionCase, tagged

from odoo.addons.jobs_queue.seconds import LATEST

from ..connector import external_id_text
from ..exception import InvalidDataError
from ..session import ConnectorSession
from ..unit.backend_adapter.errors import parse_date, retry_after
from ..unit.importer.record import import_record


@tagged("post_install", "-at_install")
class TestGiven(TransactionCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)

    def test_f1_an_external_id_that_no_index_holds_is_refused_by_name(self):
        for bad in ("x" * 6000, "a\0b", "cut \ud83d", 10**5000, Decimal(1), b"1", True, 1.5):
            with (
                self.subTest(bad=str(bad)[:10] if not isinstance(bad, int) else "int"),
                self.assertRaises(InvalidDataError) as caught,
            ):
                external_id_text(bad)
            self.assertIn("external id", str(caught.exception))
            self.assertLess(len(str(caught.exception)), 500)
        self.assertEqual(
            [external_id_text(good) for good in (None, False, "", 0, "x" * 500)], [None, None, None, "0", "x" * 500]
        )
        with self.assertRaisesRegex(InvalidDataError, "6,000 characters"):
            import_record.delay(self.session, "res.partner", 1, "x" * 6000, channel="root")

    def test_f16_a_number_with_a_point_a_date_and_nonsense_in_retry_after(self):
        def wait(value):
            return retry_after(SimpleNamespace(headers={"Retry-After": value}))

        self.assertEqual([wait(value) for value in ("2.0", "120", " 3 ", "0", "9" * 5000)], [2.0, 120, 3, 0, LATEST])
        self.assertEqual(
            [wait(value) for value in ("", "soon", "-5", "nan", "inf", "²", "Fri, 31 Dec 9999 23:59:59 -2300")],
            [None] * 7,
        )
        self.assertEqual(wait("Fri, 01 Jan 1999 00:00:00 GMT"), 0)
        self.assertIsNone(parse_date("Fri, 31 Dec 9999 23:59:59 -2300"))
