from odoo.tests import new_test_user

from odoo.addons.connector.unit.checkpoint import add_checkpoint

from .common import ShopCase


class TestCheckpointDigest(ShopCase):
    def setUp(self):
        super().setUp()
        self.env["connector.checkpoint"].search([]).unlink()
        self.user = new_test_user(self.env, "keeper", "connector.group_connector_user", email="keeper@example.com")
        self.backend.message_subscribe(self.user.partner_id.ids)

    def add(self, *names, **options):
        return [
            add_checkpoint(self.session, "res.partner", partner.id, self.backend, **options)
            for partner in self.env["res.partner"].create([{"name": name} for name in names])
        ]

    def send(self, user=None):
        """Let the scheduled action run; return the messages that a user gets by it."""
        partner = (user or self.user).partner_id
        domain = [("notified_partner_ids", "in", partner.ids)]
        before = self.env["mail.message"].search(domain)
        self.env["connector.checkpoint"]._send_digests()
        return self.env["mail.message"].search(domain) - before

    def test_a_checkpoint_mails_nobody_one_by_one(self):
        mails = self.env["mail.mail"].search_count([]), self.env["mail.notification"].search_count([])
        self.add("Ada", "Grace", user=self.user)
        self.assertEqual(
            (self.env["mail.mail"].search_count([]), self.env["mail.notification"].search_count([])), mails
        )

    def test_who_follows_a_backend_gets_one_message_for_all_that_is_new(self):
        self.add("Ada", "Grace", severity="warning")
        other = self.env["test.shop.backend"].create({"name": "Other Shop"})
        other.message_subscribe(self.user.partner_id.ids)
        add_checkpoint(self.session, other._name, other.id, other, "The key ends soon.", severity="error")
        message = self.send()
        self.assertEqual((len(message), message.subject), (1, "To review: 3"))
        self.assertRegex(
            message.body.striptags().replace("\n", " "),
            r"1\s+Test Shop\s+Error\s+Other Shop.*2\s+Contact\s+Warning\s+Test Shop\s+2 new",
        )

    def test_nothing_new_is_no_message(self):
        self.add("Ada")
        self.assertTrue(self.send())
        self.assertFalse(self.send())

    def test_what_still_waits_is_counted_beside_what_is_new(self):
        self.add("Ada", "Grace")
        self.send()
        self.add("Joan")
        self.assertRegex(self.send().body.striptags(), r"3\s+Contact\s+Information\s+Test Shop\s+1 new")

    def test_what_was_reviewed_before_the_digest_is_not_told(self):
        self.add("Ada")[0].action_reviewed()
        self.assertFalse(self.send())

    def test_who_is_asked_for_a_review_is_told_without_following(self):
        clerk = new_test_user(self.env, "clerk", email="clerk@example.com")
        self.add("Ada", user=clerk)
        self.add("Grace")
        self.assertEqual(self.send(clerk).subject, "To review: 1")

    def test_who_follows_nothing_is_told_nothing(self):
        stranger = new_test_user(self.env, "stranger", "connector.group_connector_manager")
        self.add("Ada")
        self.assertFalse(self.send(stranger))

    def test_a_follower_is_told_of_his_companies_alone(self):
        self.backend.company_id = self.env["res.company"].create({"name": "Other company"})
        self.add("Ada")
        self.assertFalse(self.send())
