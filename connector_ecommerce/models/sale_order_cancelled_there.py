"""Aspect of ``sale.order``: orders that a shop has cancelled or replaced."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import plaintext2html

from odoo.addons.connector import ConnectorSession, add_checkpoint, without_export

_REVIEW = "action_cancellation_reviewed"


class SaleOrder(models.Model):
    _inherit = "sale.order"

    canceled_in_backend = fields.Boolean(string="Cancelled in the Shop", readonly=True, copy=False)
    cancellation_resolved = fields.Boolean(
        string="Kept", readonly=True, copy=False, help="It was cancelled in the shop, and somebody keeps it here"
    )
    cancellation_refused = fields.Text(
        string="Not Cancelled Here", readonly=True, copy=False, help="Why it could not be cancelled by itself"
    )
    need_cancel = fields.Boolean(
        string="To Cancel",
        compute="_compute_need_cancel",
        search="_search_need_cancel",
        help="It was cancelled in the shop, and is neither cancelled nor kept here",
    )
    parent_id = fields.Many2one(
        "sale.order",
        string="Older Version",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The order that this one replaces in the shop",
    )
    parent_need_cancel = fields.Boolean(
        string="Older Version to Cancel", compute="_compute_parent_need_cancel", recursive=True
    )

    _canceled_in_backend_idx = models.Index("(id) WHERE canceled_in_backend")

    @api.depends("canceled_in_backend", "cancellation_resolved", "state")
    def _compute_need_cancel(self):
        for order in self:
            order.need_cancel = (
                order.canceled_in_backend and not order.cancellation_resolved and order.state != "cancel"
            )

    def _search_need_cancel(self, operator, value):
        if operator != "in":
            return NotImplemented
        needed = Domain("canceled_in_backend", "=", True) & Domain("cancellation_resolved", "!=", True)
        needed &= Domain("state", "!=", "cancel")
        return Domain.OR(needed if wanted else ~needed for wanted in value)

    @api.depends("parent_id.need_cancel", "parent_id.parent_need_cancel")
    def _compute_parent_need_cancel(self):
        for order in self:
            older = order.sudo().parent_id
            order.parent_need_cancel = older.need_cancel or older.parent_need_cancel

    def _older_to_cancel(self):
        """Return the older versions of the order that are to be cancelled."""
        older, found = self.sudo().parent_id, self.browse()
        while older and older not in found:
            found |= older
            older = older.parent_id
        return found.filtered("need_cancel")

    # Cancelled in the shop

    def _cancel_from_shop(self):
        """Cancel orders that a shop has cancelled; flag those for which that is not possible.

        Orders that no shop has are left alone. To call it again does no harm.
        """
        for order in self.sudo():
            for backend in {binding.backend_id for binding in order._bindings_of_shops()}:
                if not order.canceled_in_backend:
                    order.canceled_in_backend = True
                if order.need_cancel and (refused := order._try_to_cancel(backend)):
                    order._ask_to_cancel(backend, refused)

    def _reopen_from_shop(self):
        """Forget that a shop has cancelled orders, as it has taken that back.

        One that was cancelled here by then waits for a person. An order that another one replaces
        stays cancelled.
        """
        for order in self.sudo().filtered("canceled_in_backend"):
            if self.sudo().search_count([("parent_id", "=", order.id)], limit=1):
                continue
            order.write({"canceled_in_backend": False, "cancellation_resolved": False})
            order._end_of_cancellation()
            text = self.env._("Order %s is not cancelled in the shop any more.", order._shop_number())
            order.message_post(body=text)
            if order.state == "cancel":
                session = ConnectorSession.from_env(self.env)
                for backend in {binding.backend_id for binding in order._bindings_of_shops()}:
                    add_checkpoint(session, self._name, order.id, backend, text, severity="warning")

    def _try_to_cancel(self, backend):
        """Cancel an order with its transfers and draft invoices.

        :return: None, or why it is not possible
        """
        if refused := self._why_not_cancelled():
            return refused
        try:
            with self.env.cr.savepoint():
                without_export(self, backend).action_cancel()
        except UserError as error:
            return str(error)
        self.message_post(body=self.env._("Cancelled in the shop, so it was cancelled here."))
        return None

    def _why_not_cancelled(self):
        """Return why a person has to decide: what was delivered or invoiced is not undone."""
        done = self.picking_ids.filtered(lambda picking: picking.state == "done")
        if done:
            return self.env._("Transfers are done: %s.", ", ".join(done.mapped("name")))
        invoiced = self.invoice_ids.filtered(lambda move: move.state == "posted")
        if invoiced:
            return self.env._("Invoices are posted: %s.", ", ".join(invoiced.mapped("name")))
        return None

    def _ask_to_cancel(self, backend, refused):
        """Say so on the order, its transfers and its invoices, and ask a person."""
        is_asked, self.cancellation_refused = bool(self.cancellation_refused), refused
        if is_asked:
            return
        number = self._shop_number()
        text = self.env._(
            "Order %(number)s was cancelled in the shop, but cannot be cancelled here: %(why)s",
            number=number,
            why=refused,
        )
        what_to_do = self.env._("Cancel it here, or press “Keep the Order”.")
        for record in (self, *self.picking_ids, *self.invoice_ids):
            if record.state != "cancel":
                record.message_post(body=plaintext2html(f"{text}\n{what_to_do}"))
        session = ConnectorSession.from_env(self.env)
        add_checkpoint(
            *(session, self._name, self.id, backend, f"{text}\n{what_to_do}"), severity="warning", on_review=_REVIEW
        )

    # What a person decides

    def action_keep_order(self):
        """Ask why the order is kept although the shop has cancelled it."""
        self.ensure_one()
        self.check_access("write")
        return self._ask_for_why("keep", self.env._("Keep the Order")) if self.need_cancel else None

    def _keep(self, why):
        """Keep an order that was cancelled in the shop.

        :param why: text for the next reader
        """
        self.check_access("write")
        if self.need_cancel:
            self.sudo().cancellation_resolved = True
            self._say(self.env._("Kept, although it was cancelled in the shop: %s", why))
            self._end_of_cancellation()

    def action_cancellation_reviewed(self):
        """Close the review of a cancellation, if it has ended.

        :raise UserError: it is neither cancelled nor kept
        """
        self.check_access("write")
        if self.need_cancel:
            raise UserError(self.env._("Cancel the order first, or press “Keep the Order” on it."))

    def _action_cancel(self):
        """Cancel orders; those of a shop unblock the newer version that replaces them."""
        result = super()._action_cancel()
        if of_shops := self.filtered("is_shop_order"):
            of_shops._end_of_cancellation()
        return result

    def _end_of_cancellation(self):
        """Close what asks for the cancellation, and look anew at the orders and newer versions."""
        asked = Domain("model_id", "=", self.env["ir.model"]._get_id(self._name)) & Domain("record_id", "in", self.ids)
        asked &= Domain("on_review", "=", _REVIEW) & Domain("state", "=", "need_review")
        self.env["connector.checkpoint"].sudo().search(asked)._mark_reviewed()
        orders = seen = self.sudo()
        while orders:
            orders._check_shop_reasons_again()
            seen |= orders
            orders = orders.search([("parent_id", "in", orders.ids), ("id", "not in", seen.ids)])
