"""Aspect of ``sale.order``: what is to be seen of the steps of a shop's order."""

from odoo import api, fields, models

from odoo.addons.connector import add_checkpoint

_AGAIN = "action_go_on_in_shop_workflow"


class SaleOrder(models.Model):
    _inherit = "sale.order"

    shop_workflow = fields.Text(
        readonly=True, copy=False, help="What Odoo has refused after the import from a shop, and why"
    )
    shop_workflow_waits = fields.Text(
        string="Not Confirmed", compute="_compute_shop_workflow_waits", compute_sudo=True, help="Why nothing follows"
    )
    shop_workflow_step = fields.Selection(
        [("confirm", "Confirmation"), ("invoice", "Invoice"), ("post", "Posting"), ("pay", "Payment")],
        string="Refused Step",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )

    @api.depends("state", "date_order")
    def _compute_shop_workflow_waits(self):
        quotations = self._origin.filtered(lambda order: order.state in ("draft", "sent"))
        why = {
            order.odoo_id.id: order._why_it_waits()
            for shop_orders in quotations._shop_orders()
            for order in shop_orders
        }
        for order in self:
            order.shop_workflow_waits = why.get(order._origin.id)

    def action_confirm(self):
        """Confirm the orders; those of shops keep their date, and their further steps go on."""
        bindings = self._shop_orders()
        dates = {order: order.date_order for shop_orders in bindings for order in shop_orders.odoo_id}
        result = super().action_confirm()
        for order, date in dates.items():
            if order.date_order != date:  # confirmed together with orders of no shop
                order.date_order = date
        self._go_on_in_shop_workflow()
        return result

    def _prepare_confirmation_values(self):
        """Return the values that confirm the orders, for those of shops without another date.

        The moves are planned from the date. If that was another one later, what changes in an order
        would be moves beside them, and what is taken out of it a return.
        """
        values = super()._prepare_confirmation_values()
        if all(self.mapped("is_shop_order")):
            values.pop("date_order", None)
        return values

    def _prepare_invoice(self):
        is_ours = self.env.context.get("in_shop_workflow", False)
        return {**super()._prepare_invoice(), "is_of_shop_workflow": is_ours}

    def action_go_on_in_shop_workflow(self):
        """Try the steps again that are due.

        :return: text for the person
        """
        self.check_access("write")
        self._go_on_in_shop_workflow()
        return self.env._("The steps are tried again in the background.")

    def action_try_shop_workflow_again(self):
        """Do so, for the button."""
        message = self.action_go_on_in_shop_workflow()
        params = {"type": "info", "message": message, "next": {"type": "ir.actions.act_window_close"}}
        return {"type": "ir.actions.client", "tag": "display_notification", "params": params}

    def _go_on_in_shop_workflow(self):
        """Let the further steps of shop orders go on, unless the workflow itself does this one."""
        if self.env.context.get("in_shop_workflow"):
            return
        for shop_orders in self._shop_orders():
            shop_orders._delay_workflow()

    def _ask_about_shop_workflow(self, session, backend, message):
        add_checkpoint(session, self._name, self.id, backend, message, severity="warning", on_review=_AGAIN)

    def _close_shop_workflow_checkpoints(self):
        if not self:
            return
        domain = [
            ("model_id", "=", self.env["ir.model"]._get_id(self._name)),
            ("record_id", "in", self.ids),
            ("on_review", "=", _AGAIN),
            ("state", "=", "need_review"),
        ]
        self.env["connector.checkpoint"].sudo().search(domain)._mark_reviewed()
