"""The page of connectors on the forms of records: which forms have it, and who sees what there."""

from lxml import etree

from odoo.addons.connector.models.connector_bound_record import SHOWN
from odoo.addons.connector.testing import Roles

from .common import ShopCase

WIDGETS = "//widget[@name='connector_bindings']"


class BoundRecordCase(Roles, ShopCase):
    """A partner that is bound to the shop, and connector users who may read bindings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for model_name in ("test.shop.backend", "test.shop.partner", "test.shop.tag"):
            cls.env["ir.model.access"].create(
                {
                    "name": f"{model_name} user",
                    "model_id": cls.env["ir.model"]._get_id(model_name),
                    "group_id": cls.env.ref("connector.group_connector_user").id,
                    "perm_read": True,
                }
            )

    def setUp(self):
        super().setUp()
        self.binding = self.partner("42", sync_state="in_sync")
        self.record = self.binding.odoo_id

    def seen_by(self, user, record=None):
        record = self.record if record is None else record
        self.env.flush_all()
        # a request finds nothing that somebody else has read
        self.env.invalidate_all()
        return self.env["connector.bound.record"].with_user(user).bindings_of(record._name, record.id)

    def rows(self, user, record=None):
        return self.seen_by(user, record)["bindings"]

    def texts(self, user, record=None):
        return [badge["text"] for badge in self.seen_by(user, record)["badges"]]

    def more_backends(self, count, **values):
        """Bind the record to further backends, and return its bindings."""
        backends = self.env["test.shop.backend"].create(
            [{"name": f"Shop {number:02}", **values} for number in range(count)]
        )
        bound = {"odoo_id": self.record.id, "external_id": "7", "sync_state": "in_sync"}
        return self.Partner.create([{**bound, "backend_id": backend.id} for backend in backends])


class TestWhoSeesWhat(BoundRecordCase):
    def test_a_user_of_connectors_sees_the_state_the_error_and_the_ids_of_each_binding(self):
        self.binding.write({"sync_state": "error", "sync_error": "Refused", "sync_date": "2026-11-30 10:00:00"})
        self.env["connector.external.alias"].create(
            {
                "model": self.binding._name,
                "res_id": self.binding.id,
                "backend_id": f"{self.backend._name},{self.backend.id}",
                "external_id": "43",
            }
        )
        [row] = self.rows(self.user)
        expected = {
            "backend": "Test Shop",
            "state": "error",
            "state_label": "Error",
            "error": "Refused",
            "date": "2026-11-30 10:00:00",
            "external_id": "42",
            "merged_ids": "43",
            "is_archived": False,
        }
        self.assertEqual({name: row[name] for name in expected}, expected)

    def test_buttons_are_for_managers(self):
        buttons = ("can_import", "can_export", "can_settle")
        for user, state, expected in (
            (self.user, "in_sync", [False, False, False]),
            (self.user, "conflict", [False, False, False]),
            (self.manager, "in_sync", [True, True, False]),
            (self.manager, "conflict", [False, False, True]),
        ):
            self.binding.sync_state = state
            with self.subTest(user=user.login, state=state):
                [row] = self.rows(user)
                self.assertEqual([row[name] for name in buttons], expected)

    def test_who_only_reads_bindings_presses_none_of_them(self):
        for name in ("action_import_now", "action_export_now", "action_keep_ours", "action_take_theirs"):
            with self.subTest(name), self.assertRefused():
                getattr(self.binding.with_user(self.user), name)()

    def test_an_employee_is_told_in_words_whether_the_record_is_in_step_and_no_more(self):
        for state, text in (
            ("in_sync", "In step with Test Shop"),
            ("to_export", "Not in step with Test Shop"),
            ("error", "Not in step with Test Shop"),
        ):
            self.binding.write({"sync_state": state, "sync_error": "Refused"})
            with self.subTest(state):
                seen = self.seen_by(self.employee)
                expected = {"badges": [{"is_in_step": state == "in_sync", "text": text}], "more_badges": 0}
                self.assertEqual(seen, expected)

    def test_a_user_of_connectors_who_may_not_read_the_bindings_is_told_as_an_employee(self):
        self.env["ir.model.access"].search([("name", "=", "test.shop.partner user")]).perm_read = False
        seen = self.seen_by(self.user)
        self.assertEqual(seen["bindings"], [])
        self.assertEqual([badge["text"] for badge in seen["badges"]], ["In step with Test Shop"])

    def test_nobody_is_told_of_the_backends_of_another_company(self):
        self.backend.company_id = self.elsewhere
        self.assertEqual(self.rows(self.user), [])
        self.assertEqual(self.rows(self.manager), [])
        self.assertEqual(self.texts(self.employee), [])

    def test_nor_where_no_rule_says_so(self):
        self.env["ir.rule"].search([("model_id.model", "like", "test.shop.")]).active = False
        self.backend.company_id = self.elsewhere
        self.assertEqual(self.rows(self.user), [])
        self.assertEqual(self.texts(self.employee), [])

    def test_nor_of_bindings_that_have_no_rule_of_their_own(self):
        tag = self.tag("1").odoo_id
        self.assertEqual(len(self.rows(self.user, tag)), 1)
        self.assertEqual(len(self.texts(self.employee, tag)), 1)
        self.backend.company_id = self.elsewhere
        self.assertEqual(self.rows(self.user, tag), [])
        self.assertEqual(self.texts(self.employee, tag), [])

    def test_a_rule_of_the_backend_also_holds_for_who_has_no_right_to_read_backends(self):
        self.env["ir.rule"].create(
            {
                "name": "None",
                "model_id": self.env["ir.model"]._get_id("test.shop.backend"),
                "domain_force": "[('name', '!=', 'Test Shop')]",
            }
        )
        self.assertEqual(self.texts(self.employee), [])
        self.assertEqual(self.rows(self.user), [])

    def test_portal_users_and_the_public_are_told_nothing(self):
        self.portal.partner_id = self.record
        for user in (self.portal, self.nobody):
            with self.subTest(user=user.login):
                self.assertEqual(self.seen_by(user), {})

    def test_who_may_not_read_the_record_is_refused(self):
        self.record.company_id = self.elsewhere
        for user in (self.employee, self.user, self.manager):
            with self.subTest(user=user.login), self.assertRefused():
                self.seen_by(user)

    def test_a_record_without_bindings_has_an_empty_list_of_them_for_users_of_connectors_alone(self):
        free = self.env["res.partner"].create({"name": "Free"})
        self.assertEqual(self.rows(self.user, free), [])
        self.assertEqual(self.seen_by(self.employee, free), {"badges": [], "more_badges": 0})

    def test_what_is_no_record_of_a_bound_model_has_nothing_to_show(self):
        ask = self.env["connector.bound.record"].with_user(self.manager).bindings_of
        self.assertEqual(ask("res.partner", self.record.browse(2**30).id), {})
        self.assertEqual(ask("no.such.model", 1), {})
        self.assertEqual(ask("res.country", self.env.ref("base.be").id), {})


class TestWhatIsShown(BoundRecordCase):
    def test_a_record_shows_the_bindings_of_records_that_inherit_it(self):
        user = self.env["test.shop.user"].create(
            {"backend_id": self.backend.id, "name": "Grace", "login": "grace", "external_id": "9"}
        )
        [row] = self.rows(self.manager, user.odoo_id.partner_id)
        self.assertEqual((row["model"], row["id"], row["kind"]), ("test.shop.user", user.id, False))

    def test_bindings_of_several_kinds_are_told_apart(self):
        user = self.env["test.shop.user"].create({"backend_id": self.backend.id, "name": "Grace", "login": "grace"})
        self.Partner.create({"backend_id": self.backend.id, "odoo_id": user.odoo_id.partner_id.id})
        kinds = [row["kind"] for row in self.rows(self.manager, user.odoo_id.partner_id)]
        self.assertEqual(kinds, ["Test Shop Partner", "Test Shop User"])

    def test_bindings_of_lines_are_not_shown(self):
        order = self.env["test.shop.order"].create({"backend_id": self.backend.id, "name": "S1"})
        line = self.env["test.shop.order.line"].create({"backend_id": self.backend.id, "shop_order_id": order.id})
        self.assertEqual(len(self.rows(self.manager, order.odoo_id)), 1)
        self.assertEqual(self.seen_by(self.manager, line.odoo_id), {})

    def test_an_archived_record_shows_its_bindings(self):
        self.record.active = False
        self.assertEqual(len(self.rows(self.user)), 1)

    def test_an_archived_backend_is_called_so_and_nothing_is_delayed_for_it(self):
        self.backend.active = False
        [row] = self.rows(self.manager)
        self.assertEqual((row["is_archived"], row["can_import"], row["can_export"]), (True, False, False))
        self.assertEqual(self.texts(self.employee), [])

    def test_a_button_is_there_if_the_backend_has_a_mapper_for_it(self):
        user = self.env["test.shop.user"].create(
            {"backend_id": self.backend.id, "name": "Grace", "login": "grace", "external_id": "9"}
        )
        [row] = self.rows(self.manager, user.odoo_id)
        self.assertEqual((row["can_import"], row["can_export"]), (False, True))

    def test_a_record_without_an_external_id_can_only_be_exported(self):
        self.binding.external_id = False
        [row] = self.rows(self.manager)
        self.assertEqual((row["can_import"], row["can_export"]), (False, True))

    def test_a_record_that_is_not_exported_can_only_be_imported(self):
        self.binding.no_export = True
        [row] = self.rows(self.manager)
        self.assertEqual((row["can_import"], row["can_export"]), (True, False))

    def test_the_number_of_bindings_is_bounded_and_those_to_look_at_come_first(self):
        bindings = self.more_backends(SHOWN + 4)
        bindings[-1].sync_state = "error"
        bindings[-2].sync_state = "conflict"
        seen = self.seen_by(self.user)
        self.assertEqual([row["id"] for row in seen["bindings"][:2]], [bindings[-1].id, bindings[-2].id])
        self.assertEqual((len(seen["bindings"]), seen["more"]), (SHOWN, 5))
        [shown] = seen["lists"]
        listed = self.env[shown["model"]].with_user(self.user).search(shown["domain"])
        self.assertEqual(listed, self.binding + bindings)

    def test_the_number_of_badges_is_bounded_too_and_what_is_not_in_step_comes_first(self):
        bindings = self.more_backends(SHOWN + 4)
        bindings[-1].sync_state = "missing"
        seen = self.seen_by(self.employee)
        self.assertEqual((len(seen["badges"]), seen["more_badges"]), (SHOWN, 5))
        self.assertEqual(seen["badges"][0]["text"], f"Not in step with {bindings[-1].backend_id.name}")

    def test_the_number_of_queries_does_not_depend_on_the_number_of_bindings(self):
        for user in (self.manager, self.user, self.employee):
            counts = []
            for count in (1, SHOWN, 2 * SHOWN):
                self.more_backends(count)
                self.seen_by(user)  # rules and rights are cached
                with self.subTest(user=user.login):
                    self.env.flush_all()
                    self.env.invalidate_all()
                    before = self.cr.sql_log_count
                    self.env["connector.bound.record"].with_user(user).bindings_of("res.partner", self.record.id)
                    counts.append(self.cr.sql_log_count - before)
            self.assertEqual(len({*counts}), 1, f"{user.login}: {counts}")


class TestForms(BoundRecordCase):
    def form(self, model_name, user=None, arch=None):
        view = self.env["ir.ui.view"]
        if arch:
            view = view.create({"name": "of a test", "model": model_name, "arch": arch})
        model = self.env[model_name].with_user(user or self.manager)
        return etree.fromstring(model.get_view(view.id or None, "form")["arch"])

    def test_the_form_of_a_bound_model_has_a_page_for_users_of_connectors(self):
        for user in (self.manager, self.user):
            with self.subTest(user=user.login):
                [widget] = self.form("res.partner", user).xpath(WIDGETS)
                page = widget.getparent()
                self.assertEqual((page.tag, page.get("string")), ("page", "Connectors"))

    def test_other_employees_have_the_badges_above_the_notebook(self):
        form = self.form("res.partner", self.employee)
        [widget] = form.xpath(WIDGETS)
        self.assertEqual(widget.getnext().tag, "notebook")
        self.assertFalse(form.xpath("//page[@name='connector']"))

    def test_the_form_of_a_model_that_nothing_binds_stays_as_it_is(self):
        arch = "<form><sheet><notebook><page string='Codes'><field name='code'/></page></notebook></sheet></form>"
        form = self.form("res.country", arch=arch)
        self.assertFalse(form.xpath(WIDGETS))
        self.assertEqual(len(form.xpath("//page")), 1)

    def test_a_form_without_a_notebook_stays_as_it_is(self):
        self.assertFalse(self.form("res.partner", arch="<form><field name='name'/></form>").xpath(WIDGETS))

    def test_a_notebook_of_an_embedded_form_is_left_alone(self):
        embedded = """
            <form>
                <field name="child_ids">
                    <list><field name="name"/></list>
                    <form><notebook><page string="A"><field name="name"/></page></notebook></form>
                </field>
            </form>
        """
        self.assertFalse(self.form("res.partner", arch=embedded).xpath(WIDGETS))

    def test_a_form_with_several_notebooks_has_the_page_in_the_first_one_that_is_visible(self):
        arch = """
            <form>
                <notebook invisible="1"><page string="Hidden"><field name="name"/></page></notebook>
                <notebook name="first"><page string="A"><field name="email"/></page></notebook>
                <notebook><page string="B"><field name="phone"/></page></notebook>
            </form>
        """
        [widget] = self.form("res.partner", arch=arch).xpath(WIDGETS)
        self.assertEqual(widget.getparent().getparent().get("name"), "first")

    def test_a_page_for_connectors_that_is_there_is_used_and_becomes_visible(self):
        arch = """
            <form>
                <notebook>
                    <page string="A"><field name="email"/></page>
                    <page name="connector" string="Shops" invisible="1"><field name="phone"/></page>
                </notebook>
            </form>
        """
        form = self.form("res.partner", arch=arch)
        [page] = form.xpath("//page[@name='connector']")
        self.assertEqual([child.tag for child in page], ["widget", "field"])
        self.assertEqual((page.get("string"), page.get("invisible")), ("Shops", None))

    def test_the_form_does_not_depend_on_the_record_and_is_kept_by_odoo(self):
        self.form("res.partner", self.user)
        before = self.cr.sql_log_count
        self.form("res.partner", self.user)
        self.assertEqual(self.cr.sql_log_count, before)
