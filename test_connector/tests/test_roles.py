"""What each role may do with each model, however a client asks; and which methods it may call."""

import inspect

from odoo.exceptions import AccessError, UserError
from odoo.orm.models import MAGIC_COLUMNS
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.connector.testing import JobsCase, Roles
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.session import ConnectorSession

from .common import ShopCase

#: Model: rights of a Connector user and of a Connector manager: read, write, create, unlink. Nobody
#: else has any.
RIGHTS = {
    "queue.job": ("r", "r"),
    "queue.job.attempt": ("r", "r"),
    "queue.job.cancellation": ("", "r"),
    "queue.job.channel": ("r", "rwcu"),
    "queue.job.channel.bucket": ("r", "r"),
    "queue.job.channel.hold": ("r", "r"),
    "queue.job.dependency": ("r", "r"),
    "queue.job.failure": ("r", "r"),
    "queue.job.function": ("r", "r"),  # where there is one company, a manager writes, too
    "queue.job.label": ("", ""),
    "queue.job.progress": ("r", "r"),
    "queue.job.trouble": ("r", "r"),
    "queue.job.schedule": ("r", "r"),
    "queue.worker": ("r", "r"),
    "connector.backend.status": ("", ""),
    "connector.checkpoint": ("r", "ru"),
    "connector.exchange": ("", "ru"),
    "connector.export.intent": ("r", "ru"),
    "connector.external.alias": ("r", "ru"),
    "connector.watermark": ("r", "rw"),
    "connector.flow": ("r", "rw"),
    "connector.flow.member": ("", ""),
    "connector.flow.policy": ("r", "rw"),
    "connector.flow.left.out": ("", ""),
    "connector.listing": ("r", "r"),
    "connector.match": ("r", "rw"),
    "connector.listing.segment": ("", ""),
    "connector.webhook.delivery": ("", "ru"),
    "connector.webhook.topic": ("", "r"),
    "connector.token": ("", ""),
    "connector.open.record": ("", ""),
    "connector.delivery.method": ("r", "rwcu"),  # a salesman reads them, a sales manager writes, too
    "connector.payment.rule": ("r", "rwcu"),  # so it is with these
    "connector.order.reason": ("", ""),  # a salesman reads those of his orders
    "connector.put.right": ("", ""),
    "connector.authorization": ("", ""),
    "connector.external.field": ("", ""),
    "connector.listing.count": ("", ""),
    "test.shop.backend": ("r", "rwcu"),
    "test.shop.partner": ("r", "rwcu"),
    "odoo.backend": ("r", "rwcu"),
    "odoo.res.partner": ("r", "rwcu"),
    "odoo.product.category": ("r", "rwcu"),
    "odoo.product.product": ("r", "rwcu"),
    "odoo.sale.order": ("r", "rwcu"),
    "odoo.sale.order.line": ("r", "rwcu"),
}
#: Those whose records are of no company
OF_ALL = {"queue.job.function", "queue.worker", "connector.backend.status"}

#: The public methods of ours; each of them looks at the rights of who calls it. A new one is added
#: here by who has seen to that.
METHODS = {
    "EcommerceBackend.action_open_delivery_methods",
    "EcommerceBackend.action_open_payment_rules",
    "ConnectorBoundRecord.bindings_of",
    "ConnectorBackend.action_authorize",
    "ConnectorBackend.action_check_webhooks",
    "ConnectorBackend.action_find",
    "ConnectorBackend.action_forget_credentials",
    "ConnectorBackend.action_repair_webhooks",
    "ConnectorBackend.action_hide_first_run",
    "ConnectorBackend.action_match_values",
    "ConnectorBackend.action_open_exchanges",
    "ConnectorBackend.action_open_first_run",
    "ConnectorBackend.action_open_matches",
    "ConnectorBackend.action_open_rehearsed",
    "ConnectorBackend.action_open_workers",
    "ConnectorBackend.read_first_run",
    "ConnectorBackend.action_open_units",
    "ConnectorBackend.action_renew_webhook",
    "ConnectorBackend.action_resume",
    "ConnectorBackend.action_test_connection",
    "ConnectorCheckpoint.action_related",
    "ConnectorCheckpoint.action_reviewed",
    "ConnectorCheckpointReview.action_reviewed",
    "ConnectorBackend.action_import_again",
    "ConnectorCheckpoint.action_import",
    "ConnectorExchange.action_open_backend",
    "ConnectorExchange.action_replay",
    "ConnectorExportIntent.action_open_binding",
    "ConnectorExternalAlias.action_take_apart",
    "ConnectorFind.action_find",
    "ConnectorFindAnswer.action_fetch",
    "ConnectorFindAnswer.action_open",
    "ConnectorFindLine.action_open",
    "ConnectorFlow.action_compare",
    "ConnectorFlow.action_match",
    "ConnectorFlow.action_delete_left",
    "ConnectorFlow.action_keep_left",
    "ConnectorFlow.action_open_left",
    "ConnectorFlow.action_open_bound",
    "ConnectorFlow.action_open_jobs",
    "ConnectorFlow.action_open_matches",
    "ConnectorFlow.action_open_not_yet",
    "ConnectorFlow.action_open_troubled",
    "ConnectorFlow.action_pause",
    "ConnectorFlow.action_preview",
    "ConnectorFlow.action_repair",
    "ConnectorFlow.action_resume",
    "ConnectorFlow.action_run",
    "ConnectorFlow.action_run_again",
    "ConnectorFlow.action_switch_off",
    "ConnectorFlow.action_switch_on",
    "ConnectorFlowFetch.action_fetch",
    "ConnectorFlowStart.action_send",
    "ConnectorListing.action_cancel",
    "ConnectorListing.action_open_jobs",
    "ConnectorMappingTrial.action_try",
    "ConnectorPreview.action_open_lines",
    "ConnectorPreviewLine.action_open_record",
    "ConnectorPreviewPart.action_open_lines",
    "ConnectorMatch.action_accept_sure",
    "ConnectorMatch.action_bind",
    "ConnectorMatch.action_create_new",
    "ConnectorMatch.action_ignore",
    "ConnectorMatch.action_open_there",
    "ConnectorMatch.action_take_back",
    "ConnectorMatchFile.action_load",
    "ConnectorMatchFile.action_save",
    "ConnectorOrderDecision.action_decide",
    "ExternalBinding.action_export_now",
    "ExternalBinding.action_import_now",
    "ExternalBinding.action_keep_ours",
    "ExternalBinding.action_open_admin",
    "ExternalBinding.action_take_theirs",
    "QueueJob.action_open_graph",
    "QueueJob.button_cancel",
    "QueueJob.button_cancel_graph",
    "QueueJob.button_done",
    "QueueJob.button_related",
    "QueueJob.button_requeue",
    "QueueJob.button_requeue_graph",
    "QueueJob.list_warning",
    "QueueJobChannel.action_import_configuration",
    "QueueJobChannel.action_pause",
    "QueueJobChannel.action_resume",
    "QueueJobFailure.action_open_jobs",
    "QueueJobFailure.button_cancel",
    "QueueJobFailure.button_requeue",
    "QueueJobFailure.list_warning",
    "QueueJobSchedule.action_open_job",
    "QueueJobSchedule.button_run",
    "QueueWorker.action_adopt_database",
    "QueueWorker.action_drain",
    "QueueWorker.action_pause",
    "QueueWorker.action_resume",
    "QueueWorker.action_stop",
    "QueueWorker.list_warning",
    "WebhookDelivery.action_process_again",
    "SaleOrder.action_cancel_reviewed",
    "SaleOrder.action_cancellation_reviewed",
    "SaleOrder.action_check_shop_again",
    "SaleOrder.action_confirm_anyway",
    "SaleOrder.action_keep_order",
    "SaleOrder.action_confirm_reviewed",
    "SaleOrder.action_go_on_in_shop_workflow",
    "SaleOrder.action_try_shop_workflow_again",
}
_OURS = ("odoo.addons.connector", "odoo.addons.jobs_queue")

#: Methods of Odoo's that we override, with arguments
ARGUMENTS = {
    "action_confirm": (),
    "module_uninstall": (),
    "get_empty_list_help": ("<p>Nothing here</p>",),
    "web_search_read": ([], {"id": {}}),
    "web_read_group": ([], ["function"], ["__count"]),
}
#: Those whose rights the table of models says
OF_THE_TABLE = {"copy", "create", "write", "unlink", "fields_get", "default_get"}


class Hidden(Exception):
    """What a way is to give is not given, as if it did not exist."""


@tagged("post_install", "-at_install")
class RolesCase(Roles, ShopCase, JobsCase):
    """A record of each model, of the company of the tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend.user_id = cls.env.ref("base.user_root")
        env, company = cls.env, cls.env.company
        partner = cls.Partner.create({"name": "Ada", "backend_id": cls.backend.id, "external_id": "1"})
        channel = env["queue.job.channel"].create({"name": "images", "parent_id": cls.backend.channel_id.id})
        reference = f"{cls.backend._name},{cls.backend.id}"
        job = partner.odoo_id.with_delay(channel=channel.complete_name).write({"name": "Ada"}).record(env)
        child = partner.odoo_id.with_delay(channel=channel.complete_name).write({"name": "Ada"}).record(env)
        place = {"backend_model": cls.backend._name, "backend_id": cls.backend.id}
        worker = {"uuid": "of a test", "host": "here", "pid": 1, "kind": "command", "capacity": 1}
        cls.records = {
            "queue.job": job,
            "queue.job.attempt": env["queue.job.attempt"].create({"job_id": job.id, "number": 1}),
            "queue.job.channel": channel,
            "queue.job.function": env["queue.job.function"].search([], limit=1),
            "queue.job.failure": env["queue.job.failure"].create(
                {"name": "Failure", "fingerprint": "of a test", "function": job.function, "company_id": company.id}
            ),
            "queue.job.schedule": env["queue.job.schedule"].create(
                {"name": "Schedule", "function": "res.partner.exists", "company_id": company.id}
            ),
            "queue.job.channel.hold": env["queue.job.channel.hold"].create(
                {"channel_id": channel.id, "holder": "a test", "reason": "a test"}
            ),
            "queue.job.channel.bucket": env["queue.job.channel.bucket"].create(
                {"channel_id": channel.id, "tokens": 1, "date_filled": "2026-01-01"}
            ),
            "queue.job.dependency": cls.inserted(
                "queue.job.dependency", parent_id=job.id, child_id=child.id, on_failure="stop"
            ),
            "queue.job.label": env["queue.job.label"].create({"external_id": "1", "record_name": "Ada"}),
            "queue.job.progress": cls.inserted("queue.job.progress", job_id=job.id, done=1),
            "queue.job.trouble": cls.inserted("queue.job.trouble", job_id=job.id, message="refused"),
            "queue.job.cancellation": cls.inserted("queue.job.cancellation", job_id=job.id, who="Ada"),
            "queue.worker": cls.inserted("queue.worker", **worker),
            "connector.backend.status": env["connector.backend.status"]._locked(cls.backend),
            "connector.checkpoint": add_checkpoint(
                cls.session_of(env), "res.partner", partner.odoo_id.id, cls.backend, "Look at it"
            ),
            "connector.exchange": env["connector.exchange"].create(
                {"backend_id": reference, "company_id": company.id, "method": "GET", "url": "http://x"}
            ),
            "connector.export.intent": env["connector.export.intent"]._declare(partner, cls.backend, "key"),
            "connector.external.alias": env["connector.external.alias"].create(
                {
                    "model": partner._name,
                    "res_id": partner.id,
                    "backend_id": reference,
                    "company_id": company.id,
                    "external_id": "2",
                }
            ),
            "connector.webhook.delivery": env["connector.webhook.delivery"].create(
                {"backend_id": reference, "company_id": company.id, "topic": "page"}
            ),
            "connector.webhook.topic": env["connector.webhook.topic"].create(
                {**place, "company_id": company.id, "topic": "page"}
            ),
            "connector.open.record": cls.inserted("connector.open.record", scope="import", key="7", date="2026-01-01"),
            "connector.put.right": env["connector.put.right"].create({"job_id": 7}),
            "connector.token": env["connector.token"].create({**place, "purpose": "p"}),
            "connector.authorization": cls.authorization_of(env, place),
            "connector.external.field": env["connector.external.field"].create(
                {**place, "model_name": partner._name, "name": "colour"}
            ),
            "connector.listing.count": cls.inserted(
                "connector.listing.count", listing="7", date="2026-01-01", total=1, counts="{}", **place
            ),
            "test.shop.backend": cls.backend,
            "test.shop.partner": partner,
        }
        listing = env["connector.listing"].create(
            {**place, "company_id": cls.backend.company_id.id, "model_name": partner._name, "began": "2026-01-01"}
        )
        cls.records["connector.listing"] = listing
        cls.records["connector.listing.segment"] = env["connector.listing.segment"].create(
            {"listing_id": listing.id, "number": 1, "round": 1, "next_round": 1, "job_sizes": {}, "bookmark": {}}
        )
        cls.records["connector.match"] = env["connector.match"].create(
            {
                **place,
                "company_id": cls.backend.company_id.id,
                "model_name": partner._name,
                "external_id": "9",
                "found": "none",
                "odoo_model": "res.partner",
            }
        )
        policy = env["connector.flow"]._policy(cls.backend, partner._name)
        cls.records["connector.flow.policy"] = policy
        cls.records["connector.flow"] = env["connector.flow"].create(
            {
                **env["connector.flow"]._backend_values(cls.backend),
                "code": "partners",
                "model_name": partner._name,
                "direction": "import",
                "policy_id": policy.id,
                "channel_id": cls.backend.channel_id.create({"name": "x", "parent_id": cls.backend.channel_id.id}).id,
            }
        )
        left_out = {"flow_id": cls.records["connector.flow"].id, "external_id": "7"}
        cls.records["connector.flow.left.out"] = env["connector.flow.left.out"].create(left_out)
        env["connector.watermark"].move(cls.backend, "test.shop.partner", "7")
        cls.records["connector.flow.member"] = env["connector.flow.member"].create(
            {"flow_id": cls.records["connector.flow"].id, "record_id": 1, "state": "asked"}
        )
        cls.records["connector.watermark"] = cls.backend.watermark_ids
        if "connector.order.reason" in env:
            order = env["sale.order"].create({"partner_id": partner.odoo_id.id})
            reason = {"order_id": order.id, "code": "total", "message": "The total differs"}
            cls.records["connector.order.reason"] = env["connector.order.reason"].create(reason)
        if "corner.backend" in env:
            cls.records.update(cls.records_of_a_shop())
        if "odoo.backend" in env:
            cls.records.update(cls.records_of_the_other_odoo())
        env.flush_all()

    @classmethod
    def authorization_of(cls, env, place):
        values = {"model_name": "test.shop.partner", "callback": "http://x", "date_end": "2026-01-01"}
        return env["connector.authorization"].create(
            {**place, **values, "state_hash": "s", "verifier": "v", "user_id": env.uid}
        )

    @classmethod
    def session_of(cls, env):
        return ConnectorSession.from_env(env)

    @classmethod
    def inserted(cls, model_name, **values):
        """Return a record of a model that SQL alone writes."""
        columns = ", ".join(values)
        places = ", ".join(["%s"] * len(values))
        table = cls.env[model_name]._table
        cls.env.cr.execute(f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id", list(values.values()))
        return cls.env[model_name].browse(cls.env.cr.fetchone())

    @classmethod
    def records_of_a_shop(cls):
        env = cls.env
        shop = env["corner.backend"].create({"name": "Corner"})
        values = {"backend_id": f"{shop._name},{shop.id}", "code": "post", "name": "Post"}
        carrier = env["delivery.carrier"].search([], limit=1)
        method = {**values, "carrier_id": carrier.id}
        return {
            "connector.payment.rule": env["connector.payment.rule"].create(values),
            "connector.delivery.method": env["connector.delivery.method"].create(method),
        }

    @classmethod
    def records_of_the_other_odoo(cls):
        env = cls.env
        backend = env["odoo.backend"].create({"name": "Odoo", "location": "http://x", "database": "shop"})
        bound = {"backend_id": backend.id, "external_id": "1"}
        records = {
            "odoo.backend": backend,
            "odoo.res.partner": env["odoo.res.partner"].create({**bound, "name": "Ada"}),
            "odoo.product.category": env["odoo.product.category"].create({**bound, "name": "Chairs"}),
            "odoo.product.product": env["odoo.product.product"].create({**bound, "name": "Chair"}),
        }
        if "odoo.sale.order" in env:
            customer, product = records["odoo.res.partner"].odoo_id, records["odoo.product.product"].odoo_id
            order = env["odoo.sale.order"].create({**bound, "partner_id": customer.id})
            line = {**bound, "odoo_order_id": order.id, "product_id": product.id}
            records["odoo.sale.order"] = order
            records["odoo.sale.order.line"] = env["odoo.sale.order.line"].create(line)
        return records


class TestRoles(RolesCase):
    def ways(self, record):
        """Return the ways to do something with a record, by name, with the right it needs."""
        name = next(
            name
            for name, field in record._fields.items()
            if field.store
            and field.column_type
            # to show another record takes the right to that
            and field.type not in ("many2one", "reference")
            and name not in MAGIC_COLUMNS
            and not field.groups
        )
        return {
            "read": ("r", lambda: record.read([name])),
            "export": ("r", lambda: self.exported(record, [name])),
            "web_read": ("r", lambda: record.web_read({name: {}})),
            "search": ("r", lambda: self.found(record.search([("id", "=", record.id)]))),
            "search_count": ("r", lambda: self.found(record.search_count([("id", "=", record.id)]))),
            "search_read": ("r", lambda: self.found(record.search_read([("id", "=", record.id)], [name]))),
            "web_search_read": (
                "r",
                lambda: self.found(record.web_search_read([("id", "=", record.id)], {name: {}})["records"]),
            ),
            "read_group": (
                "r",
                lambda: self.found(
                    record.formatted_read_group([("id", "=", record.id)], [], ["__count"])[0]["__count"]
                ),
            ),
            "web_read_group": (
                "r",
                lambda: self.found(record.web_read_group([("id", "=", record.id)], ["id"], ["__count"])["groups"]),
            ),
            "name_search": ("r", lambda: self.found(record.name_search("", [("id", "=", record.id)]))),
            "web_name_search": (
                "r",
                lambda: self.found(record.web_name_search("", {"id": {}}, [("id", "=", record.id)])),
            ),
            "fields_get": ("", lambda: record.fields_get([name])),
            "write": ("w", lambda: record.write({})),
            "web_save": ("w", lambda: record.web_save({}, {})),
            "web_save_multi": ("w", lambda: record.web_save_multi([{}], {})),
            "unlink": ("u", record.unlink),
            "create": ("c", lambda: record.create({})),
            "web_save of a new one": ("c", lambda: record.browse().web_save({}, {})),
            "load": ("c", lambda: self.loaded(record.load([name], [["1"]]))),
            "copy": ("rc", lambda: record.copy()),
        }

    def found(self, result):
        if not result:
            raise Hidden

    def exported(self, record, names):
        # a request finds nothing that somebody else has read
        record.invalidate_recordset()
        try:
            record.export_data(names)
        except UserError:
            # nobody outside may export anything
            raise Hidden from None

    def loaded(self, result):
        if not result["ids"] and "not allowed to create" in str(result["messages"]):
            raise Hidden

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models", "odoo.sql_db")
    def test_s5_each_role_may_do_with_each_model_what_the_table_says(self):
        asserted, left_out, wrong = 0, 0, []
        exporters = self.env.ref("base.group_allow_export")
        exporters.user_ids += self.employee + self.user + self.manager + self.other_manager
        roles = {
            "nobody": (self.nobody, None),
            "portal": (self.portal, None),
            "employee": (self.employee, None),
            "user": (self.user, 0),
            "manager": (self.manager, 1),
            "other manager": (self.other_manager, 1),
        }
        for model_name, record in self.records.items():
            for role, (user, column) in roles.items():
                rights = "" if column is None else RIGHTS[model_name][column]
                if role == "other manager" and model_name not in OF_ALL:
                    rights = rights.replace("r", "").replace("w", "").replace("u", "")
                for way, (needed, attempt) in self.ways(record.with_user(user)).items():
                    allowed = set(needed) <= set(rights)
                    outcome = self.outcome(attempt, writes=not {*"wcu"}.isdisjoint(needed))
                    if allowed and (outcome == "failed" or (outcome == "refused" and record._inherits)):
                        # what fails may fail for anything, and to a binding belongs the right to
                        # the record, too
                        left_out += 1
                        continue
                    asserted += 1
                    if outcome != ("done" if allowed else "refused"):
                        wrong.append((model_name, role, way, outcome))
        self.assertFalse(wrong)
        self.assertGreaterEqual(asserted, 2_464)
        self.assertLess(left_out / asserted, 0.02)

    def outcome(self, attempt, writes):
        """Return what becomes of an attempt: ``refused``, ``failed`` or ``done``.

        It is refused for want of rights, and fails for another reason, such as a needed value.
        """
        savepoint = self.env.cr.savepoint() if writes else None
        try:
            attempt()
        except (AccessError, Hidden):
            return "refused"
        except Exception:
            return "failed"
        finally:
            if savepoint:
                savepoint.close(rollback=True)
        return "done"

    def test_the_table_names_each_model(self):
        ours = {
            name
            for name, model in self.env.registry.items()
            if model._original_module.startswith("connector") and not model._abstract and not model._transient
        }
        self.assertLessEqual(ours, RIGHTS.keys())

    def public_methods(self):
        """Yield ``(model name, method name, class)`` for each method of ours that RPC can call."""
        for model_name, model_class in self.env.registry.items():
            for parent in model_class.mro():
                if not parent.__module__.startswith(_OURS):
                    continue
                for name, member in vars(parent).items():
                    is_odoos = any(
                        name in vars(other)
                        for other in model_class.mro()
                        if other.__module__.startswith("odoo.") and not other.__module__.startswith(_OURS)
                    )
                    if inspect.isfunction(member) and not name.startswith("_") and not is_odoos:
                        try:
                            get_public_method(self.env[model_name], name)
                        except AccessError:
                            continue
                        yield model_name, name, parent.__name__

    def test_s5_each_public_method_was_decided_on(self):
        found = {f"{parent}.{name}" for _model, name, parent in self.public_methods()}
        self.assertFalse(found - METHODS, "Make it private, or let it look at the rights and add it to METHODS")

    def exposed_overrides(self):
        """Return ``{model: methods}``: methods of Odoo that we override and RPC can call."""
        found = {}
        for model_name, model_class in self.env.registry.items():
            ours, odoos = set(), set()
            for parent in model_class.mro():
                if parent.__module__.startswith("odoo."):
                    (ours if parent.__module__.startswith(_OURS) else odoos).update(
                        name for name, member in vars(parent).items() if callable(member) and not name.startswith("_")
                    )
            for name in ours & odoos:
                try:
                    get_public_method(self.env[model_name], name)
                except AccessError:
                    continue
                found.setdefault(model_name, set()).add(name)
        return found

    def test_s5_each_override_of_an_exposed_method_was_decided_on(self):
        found = set().union(*self.exposed_overrides().values())
        self.assertEqual(found - {*ARGUMENTS} - OF_THE_TABLE, set(), "Try it below")

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models")
    def test_s5_an_override_tells_nobody_more_than_odoo_does(self):
        self.let_everything_be_told()
        called = 0
        for model_name, names in self.exposed_overrides().items():
            for name in names & ARGUMENTS.keys() if model_name in self.records else ():
                for user in self.outsiders:
                    called += 1
                    with self.subTest(model=model_name, method=name, user=user.login):
                        model = self.env[model_name].with_user(user)
                        try:
                            told = getattr(model, name)(*ARGUMENTS[name])
                        except AccessError:
                            continue
                        self.assertEqual(told, "<p>Nothing here</p>")
        self.assertGreater(called, 10)

    def test_s5_who_may_not_read_failures_has_none_grouped(self):
        self.let_everything_be_told()
        self.patch(type(self.env["queue.job.failure"]), "_group_page", lambda failures: self.fail("grouped"))
        failures = self.env["queue.job.failure"]
        for user in self.outsiders:
            for name in ("web_search_read", "web_read_group"):
                with self.subTest(method=name, user=user.login), self.assertRefused():
                    getattr(failures.with_user(user), name)(*ARGUMENTS[name])

    def let_everything_be_told(self):
        """Have failed jobs that are not grouped yet, and nobody who runs jobs."""
        self.env.cr.execute("UPDATE queue_job SET state = 'failed' WHERE id = %s", self.records["queue.job"].ids)
        self.env.cr.execute("DELETE FROM queue_worker")
        self.env.cr.execute("UPDATE ir_cron SET nextcall = nextcall - interval '1 hour'")  # of a new database, too
        self.assertTrue(store.failures.has_ungrouped(self.env.cr))
        self.assertTrue(self.env["queue.worker"]._reason_no_job_runs())

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models")
    def test_s5_who_has_nothing_to_do_with_connectors_calls_none_of_them(self):
        self.enterContext(self.enter_registry_test_mode())
        methods = {(model_name, name) for model_name, name, _parent in self.public_methods()}
        records = {**self.records, **self.wizards()}
        if "odoo.sale.order" in records:
            records["sale.order"] = records["odoo.sale.order"].odoo_id
        called = 0
        for model_name, name in sorted(methods):
            record = records.get(model_name)
            for user in self.outsiders if record else ():
                called += 1
                with self.subTest(model=model_name, method=name, user=user.login), self.assertRaises(AccessError):
                    getattr(record.with_user(user), name)()
        self.assertGreater(called, 100)

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models")
    def test_s5_nor_does_a_manager_of_another_company_where_a_record_has_one(self):
        self.enterContext(self.enter_registry_test_mode())
        for model_name, name in sorted({(model_name, name) for model_name, name, _parent in self.public_methods()}):
            record = self.records.get(model_name)
            if not record or model_name in OF_ALL or name == "action_import_configuration":
                continue
            with self.subTest(model=model_name, method=name), self.assertRaises(AccessError):
                getattr(record.with_user(self.other_manager), name)()

    def wizards(self):
        reference = f"{self.backend._name},{self.backend.id}"
        model_id = self.env["ir.model"]._get_id("test.shop.partner")
        find = self.env["connector.find"].create({"backend_id": reference, "number": "1"})
        about = {"find_id": find.id, "record_model": "test.shop.partner", "record_id": 1}
        preview = self.env["connector.preview"].create({"flow_id": self.records["connector.flow"].id})
        part = preview.part_ids.create({"preview_id": preview.id, "outcome": "new", "number": 1})
        line = {"preview_id": preview.id, "part_id": part.id, "res_model": "res.partner", "res_id": 1}
        return {
            "connector.find": find,
            "connector.find.answer": self.env["connector.find.answer"].create(about),
            "connector.find.line": self.env["connector.find.line"].create(about),
            "connector.preview": preview,
            "connector.preview.part": part,
            "connector.preview.line": part.line_ids.create(line),
            "connector.mapping.trial": self.env["connector.mapping.trial"].create(
                {"backend_id": reference, "model_id": model_id, "external_id": "1"}
            ),
        }
