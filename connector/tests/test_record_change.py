import copy
from datetime import date
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, sql_db
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.tests.registering import register_as

from ..event import Change, after_commit, on_record_change
from ..event.no_export import as_argument, from_argument, without_export
from ..testing.cases import JobsCase

TAG = "res.partner.category"
LOGGER = "odoo.addons.connector.event.after_commit"

told = []
broken = []


def note_call(session, model_name, record_id, change):
    """Note the arguments of a consumer's call; raise as long as something is broken."""
    told.append((record_id, change.kind, set(change.fields), change.old))
    if broken:
        raise ValueError(broken[0])


@job
def export_tag(session, model_name, record_id):
    """Export a tag"""


class ChangeCase(JobsCase):
    def setUp(self):
        super().setUp()
        for calls in (told, broken):
            calls.clear()
            self.addCleanup(calls.clear)
        self.tag = self.env[TAG].create({"name": "Old", "color": 1})

    def subscribe(self, consumer=note_call, **options):
        """Subscribe until the end of the test."""
        on_record_change.subscribe(consumer, **{"model_names": TAG, **options})
        self.addCleanup(self.unsubscribe, consumer, options.get("model_names", TAG))

    def unsubscribe(self, consumer, model_names):
        on_record_change.unsubscribe(consumer, model_names)

    def told(self):
        """Tell the changes as a commit does, and return what the consumer was called with."""
        told.clear()
        self.tell_changes()
        return told


class TestOneCallARecord(ChangeCase):
    def test_many_writes_are_one_call_with_the_union_of_their_fields(self):
        self.subscribe()
        for number in range(10):
            self.tag.color = number
        self.tag.name = "New"
        self.assertEqual(self.told(), [(self.tag.id, "write", {"color", "name"}, {})])

    def test_a_change_before_the_tests_of_a_class_does_not_keep_them_from_beginning(self):
        """Odoo copies what is to be done after the commit before each test."""
        self.subscribe()
        self.tag.color = 2
        kept = copy.deepcopy(self.env.cr.postcommit.data)
        self.assertEqual(len(self.told()), 1)
        self.assertEqual(sum(map(len, kept.values())), 1)

    def test_ten_writes_delay_one_job(self):
        self.subscribe(lambda session, model, record_id, change: export_tag.delay(session, model, record_id))
        for number in range(10):
            self.tag.color = number
        self.tell_changes()
        self.assertEqual(len(self.delayed_jobs("export_tag")), 1)

    def test_each_record_is_told_with_its_own_fields(self):
        other = self.env[TAG].create({"name": "Other"})
        self.subscribe()
        (self.tag | other).write({"color": 2})
        other.name = "Another"
        self.assertEqual(
            self.told(), [(self.tag.id, "write", {"color"}, {}), (other.id, "write", {"color", "name"}, {})]
        )

    def test_a_creation_with_later_writes_is_a_creation(self):
        self.subscribe()
        tag = self.env[TAG].create({"name": "New"})
        tag.color = 3
        self.assertEqual(self.told(), [(tag.id, "create", {"name", "color"}, {})])

    def test_a_creation_tells_what_was_written_after_it_also_by_a_job(self):
        written = []

        def consume(session, model_name, record_id, change):
            written.append((change.kind, change.fields, change.written))
            if len(written) < 3:  # at the first call, and when it is called again by itself
                raise ValueError("broken")

        self.told()
        self.subscribe(consume)
        self.env[TAG].create({"name": "New", "color": 1}).color = 2
        with mute_logger(LOGGER):
            self.tell_changes()
        self.assertDone(self.run_jobs())
        self.assertEqual(written, [("create", {"name", "color"}, {"color"})] * 3)

    def test_a_write_and_a_deletion_are_a_deletion(self):
        self.subscribe()
        self.tag.color = 3
        self.tag.unlink()
        self.assertEqual([call[:2] for call in self.told()], [(self.tag.id, "unlink")])

    def test_a_record_that_came_and_went_is_not_told(self):
        self.subscribe()
        self.env[TAG].create({"name": "Short"}).unlink()
        self.assertEqual(self.told(), [])

    def test_what_was_told_is_not_told_again(self):
        self.subscribe()
        self.tag.color = 3
        self.told()
        self.assertEqual(self.told(), [])

    def test_other_models_are_not_told(self):
        self.subscribe()
        self.env["res.partner"].create({"name": "Ada"})
        self.assertEqual(self.told(), [])

    def test_a_record_that_is_not_saved_is_not_told(self):
        self.subscribe()
        self.env[TAG].new({"name": "a"}).write({"color": 5})
        self.assertEqual(self.told(), [])

    def test_a_consumer_of_an_addon_that_is_not_installed_is_not_called(self):
        self.patch(on_record_change, "_subscriptions", [])
        register_as("not_installed", on_record_change.subscribe, note_call, model_names=TAG)
        self.tag.color = 3
        self.assertEqual(self.told(), [])

    def test_a_consumer_works_as_the_user_and_in_the_context_of_the_last_change(self):
        seen = []
        self.subscribe(lambda session, *args: seen.append((session.uid, session.context.get("why"))))
        admin = self.env.ref("base.user_admin")
        self.tag.color = 3
        self.tag.with_user(admin).with_context(why="test").color = 4
        self.tell_changes()
        self.assertEqual(seen, [(admin.id, "test")])

    def test_the_export_is_forbidden_only_to_those_backends_to_which_all_changes_forbid_it(self):
        seen = []
        self.subscribe(lambda session, *args: seen.append(as_argument(session.context)))
        for changes, expected in (
            ([True], "all"),
            ([True, False], False),
            (["shop.backend,1", "shop.backend,1"], "shop.backend,1"),
            (["shop.backend,1", True], "shop.backend,1"),
            ([True, "shop.backend,1"], "shop.backend,1"),
            (["shop.backend,1", False], False),
            (["shop.backend,1", "shop.backend,2", True], False),
        ):
            with self.subTest(changes=changes):
                for forbidden in changes:
                    self.tag.with_context(no_connector_export=from_argument(forbidden)).color += 1
                self.tell_changes()
                self.assertEqual(seen.pop(), expected)


class TestFields(ChangeCase):
    def test_a_write_of_other_fields_is_not_told(self):
        self.subscribe(fields="name")
        self.tag.color = 3
        self.assertEqual(self.told(), [])

    def test_a_write_of_one_of_the_fields_is_told_with_all_its_fields(self):
        self.subscribe(fields=["name", "active"])
        self.tag.write({"name": "New", "color": 3})
        self.assertEqual(self.told(), [(self.tag.id, "write", {"name", "color"}, {})])

    def test_creations_and_deletions_are_told_whatever_the_fields(self):
        self.subscribe(fields=["active"])
        self.env[TAG].create({"name": "New"})
        self.tag.unlink()
        self.assertEqual([call[1] for call in self.told()], ["create", "unlink"])


class TestOldValues(ChangeCase):
    def test_they_are_those_before_the_transaction(self):
        self.subscribe(old_values=True)
        for number in range(5, 8):
            self.tag.color = number
        self.tag.name = "New"
        self.assertEqual(self.told()[0][3], {"color": 1, "name": "Old"})

    def test_they_are_those_of_the_fields_asked_for(self):
        self.subscribe(old_values=True, fields=["name"])
        self.tag.write({"name": "New", "color": 7})
        self.assertEqual(self.told()[0][3], {"name": "Old"})

    def test_relations_are_ids_and_dates_are_dates(self):
        partner = self.env["res.partner"].create({"name": "Ada", "category_id": [(6, 0, self.tag.ids)]})
        rate = self.env["res.currency.rate"].create({"name": "2020-02-29", "currency_id": self.env.ref("base.EUR").id})
        self.subscribe(old_values=True, model_names=["res.partner", "res.currency.rate"])
        partner.write({"category_id": [(5,)], "parent_id": self.env.company.partner_id.id})
        rate.write({"name": "2021-01-01", "currency_id": self.env.ref("base.USD").id})
        old = {record_id: old for record_id, _kind, _fields, old in self.told()}
        of_partner, of_rate = old[partner.id], old[rate.id]
        self.assertEqual((list(of_partner["category_id"]), of_partner["parent_id"]), (self.tag.ids, False))
        self.assertEqual((of_rate["name"], of_rate["currency_id"]), (date(2020, 2, 29), self.env.ref("base.EUR").id))

    def test_those_of_a_deleted_record_are_its_stored_fields(self):
        self.subscribe(old_values=True)
        self.tag.unlink()
        ((_id, _kind, _fields, old),) = self.told()
        self.assertEqual((old["name"], old["color"], old["parent_id"]), ("Old", 1, False))
        self.assertNotIn("display_name", old)

    def test_binary_fields_are_left_out(self):
        self.subscribe(old_values=True, model_names="res.partner")
        partner = self.env["res.partner"].create({"name": "Ada"})
        self.told()
        partner.write({"image_1920": False, "name": "Grace"})
        self.assertEqual(self.told()[0][3], {"name": "Ada"})

    def test_nothing_is_read_for_who_does_not_ask(self):
        def queries(color):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.tag.color = color
            return self.env.cr.sql_log_count - before

        queries(2)
        without_consumer = queries(3)
        self.subscribe()
        self.assertEqual(queries(4), without_consumer)
        self.subscribe(lambda *args: None, old_values=True)
        self.assertGreater(queries(5), without_consumer)


class TestRollback(ChangeCase):
    def test_a_savepoint_that_is_rolled_back_forgets_its_own_changes(self):
        other = self.env[TAG].create({"name": "Other"})
        self.subscribe()
        self.tag.color = 3
        for flush in (True, False):
            with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint(flush=flush):
                self.tag.name = "New"
                other.color = 4
                raise ZeroDivisionError
        self.assertEqual(self.told(), [(self.tag.id, "write", {"color"}, {})])

    def test_a_savepoint_that_ends_well_keeps_them(self):
        self.subscribe()
        with self.env.cr.savepoint(), self.env.cr.savepoint(flush=False):
            self.tag.color = 3
        self.assertEqual([call[:2] for call in self.told()], [(self.tag.id, "write")])


class TestConsumersThatRaise(ChangeCase):
    def setUp(self):
        super().setUp()
        self.subscribe(old_values=True)

    @mute_logger(LOGGER)
    def test_a_consumer_that_raises_does_not_disturb_the_caller_and_becomes_a_job(self):
        broken.append("the shop is closed")
        self.tag.with_context(lang="en_US").write({"color": 3})
        self.tell_changes()
        (delayed,) = self.delayed_jobs("call_consumer")
        self.assertEqual((delayed.model_name, delayed.state), (TAG, "pending"))

    def test_it_is_logged_with_the_consumer_and_the_record(self):
        broken.append("the shop is closed")
        self.tag.color = 3
        with self.assertLogs(LOGGER, "ERROR") as logs:
            self.tell_changes()
        self.assertRegex(
            logs.output[0], rf"(?s)test_record_change\.note_call has raised for {TAG} {self.tag.id}.*shop is closed"
        )

    def job_of_consumer_that_raises(self, error):
        """Let a consumer raise an exception, and return its job after it has run."""

        def consume(session, *args):
            raise error

        self.subscribe(consume)
        self.tag.color += 1
        with mute_logger(LOGGER, "odoo.addons.jobs_queue.worker"):
            self.tell_changes()
            return self.run_jobs()

    def test_c26_its_job_fails_at_once(self):
        failed = self.job_of_consumer_that_raises(TypeError("takes 2 arguments, 3 were given"))
        self.assertEqual((failed.state, failed.retry), ("failed", 1))

    def test_c26_its_job_is_tried_again_if_the_error_asks_for_it(self):
        delayed = self.job_of_consumer_that_raises(RetryableJobError("The shop is closed"))
        self.assertEqual((delayed.state, delayed.retry), ("scheduled", 1))

    @mute_logger(LOGGER)
    def test_its_job_tells_it_the_same(self):
        broken.append("the shop is closed")
        without_export(self.tag).color = 3
        self.tell_changes()
        first = told[0]
        broken.clear()
        told.clear()
        self.assertDone(self.run_jobs())
        self.assertEqual(told, [first])

    @mute_logger(LOGGER)
    def test_its_job_forbids_the_export_if_the_change_did(self):
        seen = []

        def fail_once(session, *args):
            seen.append(as_argument(session.context))
            if len(seen) < 3:
                raise ZeroDivisionError

        self.subscribe(fail_once)
        self.tag.with_context(no_connector_export=from_argument("shop.backend,1")).color = 3
        self.assertDone(self.run_jobs())
        self.assertEqual(seen, ["shop.backend,1"] * 3)

    @mute_logger(LOGGER)
    def test_what_it_has_written_is_undone_and_what_the_others_write_is_kept(self):
        def write_and_raise(session, model_name, record_id, change):
            session.env["res.partner"].create({"name": "Undone"})
            raise ZeroDivisionError

        self.subscribe(write_and_raise)
        self.subscribe(lambda session, *args: session.env["res.partner"].create({"name": "Kept"}))
        self.tag.color = 3
        self.tell_changes()
        partners = self.env["res.partner"].search([("name", "in", ("Undone", "Kept"))])
        self.assertEqual(partners.mapped("name"), ["Kept"])

    @mute_logger(LOGGER)
    def test_the_job_of_a_consumer_that_is_gone_has_nothing_to_do(self):
        broken.append("the shop is closed")
        self.tag.color = 3
        self.tell_changes()
        with patch.object(on_record_change, "subscriptions", return_value=()):
            job = self.run_jobs()
        self.assertEqual(job.state, "done")
        self.assertRegex(job.message, "note_call is not called for res.partner.category any more")

    def test_consumers_that_never_come_to_rest_are_stopped_and_named(self):
        def write_again(session, model_name, record_id, change):
            session.env[model_name].browse(record_id).color += 1

        self.subscribe(write_again)
        self.tag.color = 3
        with self.assertLogs(LOGGER, "ERROR") as logs:
            self.tell_changes()
        self.assertIn("write_again", logs.output[0])
        self.assertEqual(self.tag.color, 3 + after_commit.MAX_ROUNDS)

    def test_a_change_by_a_consumer_is_told_too(self):
        def rename(session, model_name, record_id, change):
            if "color" in change.fields:
                session.env[model_name].browse(record_id).name = "Renamed"

        self.subscribe(rename)
        self.tag.color = 3
        self.assertEqual([call[2] for call in self.told()], [{"color"}, {"name"}])


class TestAfterCommit(ChangeCase):
    """Tests with transactions of their own, which are really committed."""

    def setUp(self):
        super().setUp()
        self.subscribe(lambda session, model_name, record_id, change: told.append((record_id, change)))
        cr = sql_db.db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.other_env = api.Environment(cr, SUPERUSER_ID, {})

    def test_nobody_is_told_before_the_commit(self):
        tag = self.other_env[TAG].create({"name": "Committed"})
        self.assertEqual(told, [])
        self.other_env.cr.commit()
        self.assertEqual(told, [(tag.id, Change("create", frozenset(["name"])))])
        tag.unlink()
        self.other_env.cr.commit()
        self.assertEqual(told[1:], [(tag.id, Change("unlink"))])

    def test_nobody_is_told_after_a_rollback(self):
        self.other_env[TAG].create({"name": "Rolled back"})
        self.other_env.cr.rollback()
        self.other_env.cr.commit()
        self.assertEqual(told, [])

    def test_a_failure_does_not_reach_who_commits(self):
        self.other_env[TAG].create({"name": "Committed"}).unlink()
        tag = self.other_env[TAG].create({"name": "Committed"})
        with (
            patch.object(type(self.registry), "cursor", side_effect=ZeroDivisionError),
            self.assertLogs(LOGGER, "ERROR") as logs,
        ):
            self.other_env.cr.commit()
        self.assertIn(f"could not be told of the changes of {TAG}", logs.output[0])
        tag.unlink()
        self.other_env.cr.commit()
