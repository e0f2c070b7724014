"""Aspect of ``sale.order``: an order of a shop is not confirmed as long as something is wrong."""

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import plaintext2html

_OPEN = ("draft", "sent")
_WRITTEN_BY_CODE = {
    "is_shop_order",
    "is_shop_blocked",
    "canceled_in_backend",
    "cancellation_refused",
    "cancellation_resolved",
    "parent_id",
}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    shop_reason_ids = fields.One2many(
        "connector.order.reason",
        "order_id",
        string="Reasons",
        readonly=True,
        context={"active_test": False},
        groups="sales_team.group_sale_salesman",
    )
    is_shop_blocked = fields.Boolean(readonly=True, copy=False, help="Something differs from what the shop says")
    shop_reasons = fields.Text(
        string="Why It Is Blocked", compute="_compute_shop_reasons", compute_sudo=True, exportable=False
    )

    _shop_blocked_idx = models.Index("(id) WHERE is_shop_blocked")

    def write(self, vals):
        """Write on orders.

        :raise AccessError: who may write orders would unblock one by a value that code alone writes
        """
        if not self.env.su and not _WRITTEN_BY_CODE.isdisjoint(vals):
            names = ", ".join(sorted(_WRITTEN_BY_CODE.intersection(vals)))
            raise AccessError(self.env._("%s: these fields are written by code alone.", names))
        return super().write(vals)

    @api.depends("is_shop_blocked", "shop_reason_ids.message", "shop_reason_ids.is_waived", "shop_reason_ids.active")
    def _compute_shop_reasons(self):
        for order in self:
            lines = order._reason_lines() if order.is_shop_blocked else []
            order.shop_reasons = "\n".join(f"• {line}" for line in lines) if len(lines) > 1 else "".join(lines)

    def _blocking_reasons(self):
        return self.sudo().shop_reason_ids.filtered(lambda reason: reason.active and not reason.is_waived)

    def _reason_lines(self):
        return [line for reason in self._blocking_reasons() for line in reason.message.splitlines()]

    # Renewal

    def _renew_shop_reasons(self):
        """Find out anew what is wrong with orders of shops, and store it.

        A cancelled order is not blocked. What was waived stays so if it is a quotation again.
        Orders that no shop has cost nothing.
        """
        for order in self.sudo().filtered("is_shop_order"):
            if order.state != "cancel":
                order._store_shop_reasons(order._find_shop_reasons())
            elif order.is_shop_blocked:
                order.is_shop_blocked = False

    def _find_shop_reasons(self):
        """Return the texts of what is wrong, by the code of the reason."""
        found = {}
        for code in self._shop_reason_codes():
            if said := getattr(self, f"_shop_reason_{code}")():
                found[code] = said if isinstance(said, str) else "\n".join(said)
        return found

    def _store_shop_reasons(self, found):
        stored = {reason.code: reason for reason in self.shop_reason_ids if reason.active}
        for code, reason in stored.items():
            if code not in found:
                reason.active = False  # who has waived it stays to be seen
            elif reason.message != found[code]:
                reason.message = found[code]
        self.env["connector.order.reason"].create(
            [{"order_id": self.id, "code": code, "message": found[code]} for code in found if code not in stored]
        )
        self.shop_reason_ids.filtered(lambda reason: not reason.active and not reason.is_waived).unlink()
        is_blocked = bool(self._blocking_reasons())
        if self.is_shop_blocked != is_blocked:
            self.is_shop_blocked = is_blocked

    def _check_shop_reasons_again(self):
        """Renew the reasons; the steps go on of those orders that nothing blocks any more."""
        blocked = self.filtered("is_shop_blocked")
        self._renew_shop_reasons()
        free = blocked.filtered(lambda order: not order.is_shop_blocked and order.state in _OPEN)
        for bindings in free._shop_orders():
            bindings._delay_workflow()

    @api.model
    def _blocked_by(self, code, domain=()):
        """Return the orders that a reason blocks.

        :param code: that of the reason
        :param domain: which of these orders; empty: all
        """
        reasons = [("code", "=", code), ("is_waived", "=", False)]
        return self.sudo().search([("is_shop_blocked", "=", True), ("shop_reason_ids", "any", reasons), *domain])

    # Confirmation

    def _confirmation_error_message(self):
        """Return why the order cannot be confirmed: what Odoo says, else all our reasons."""
        if message := super()._confirmation_error_message():
            return message
        if not self.is_shop_order:
            return False
        self._renew_shop_reasons()
        if not (lines := self._reason_lines()):
            return False
        return self.env._(
            "The shop's order %(number)s is not confirmed:\n%(reasons)s\n\n"
            "Put this right and press “Check Again”, or let a sales manager press “Confirm Anyway”.",
            number=self._shop_number(),
            reasons="\n".join(f"• {line}" for line in lines),
        )

    def _shop_number(self):
        """Return the number by which the shop knows the order, else ours."""
        numbers = [order.external_number or order.external_id for orders in self._shop_orders() for order in orders]
        return next(filter(None, numbers), self.name)

    def action_check_shop_again(self):
        """Find out anew what blocks the orders."""
        self.check_access("write")
        self._check_shop_reasons_again()

    def action_confirm_anyway(self):
        """Ask a sales manager why the order is to be confirmed in spite of its reasons."""
        self._check_may_confirm_anyway()
        self._check_shop_reasons_again()
        if not self.is_shop_blocked:
            return None
        return self._ask_for_why("confirm", self.env._("Confirm Anyway"))

    def _check_may_confirm_anyway(self):
        self.ensure_one()
        self.check_access("write")
        if not self.env.user.has_group("sales_team.group_sale_manager"):
            raise AccessError(self.env._("Only a sales manager confirms an order that is blocked."))

    def _ask_for_why(self, kind, title):
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": "connector.order.decision",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id, "default_kind": kind},
        }

    def _confirm_anyway(self, why):
        """Waive the reasons of now, and confirm the order if it is a quotation.

        :param why: text for the next reader
        :raise AccessError: the user is no sales manager
        :raise UserError: Odoo itself refuses, or there is a new reason
        """
        self._check_may_confirm_anyway()
        reasons = self._blocking_reasons()
        who = {"waived_by_id": self.env.uid, "waived_at": fields.Datetime.now()}
        reasons.write({"is_waived": True, "why": why, **who})
        self.sudo().is_shop_blocked = False
        waived = "\n".join(reasons.mapped("message"))
        self._say(self.env._("Confirmed anyway: %(why)s\nWaived:\n%(reasons)s", why=why, reasons=waived))
        if self.state in _OPEN:
            self.action_confirm()

    def _say(self, text):
        """Note a text of several lines in the chatter."""
        self.message_post(body=plaintext2html(text))
