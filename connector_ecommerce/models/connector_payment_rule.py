"""Payment rules: which orders of a shop are imported, and what follows, by how they are paid."""

from odoo import api, fields, models


class ConnectorPaymentRule(models.Model):
    _name = "connector.payment.rule"
    _inherit = "connector.shop.code"
    _description = "Payment Rule"

    code = fields.Char(help="The shop's code of the kind of payment")
    import_when = fields.Selection(
        [("always", "Always"), ("paid", "Once Paid"), ("authorised", "Once Authorised or Paid"), ("never", "Never")],
        string="Import Orders",
        default="always",
        required=True,
    )
    give_up_days = fields.Integer(
        string="Days to Wait",
        default=30,
        aggregator=None,
        help="An order that has waited so many days for its payment is given up. 0: it waits for ever. "
        "How old an order is makes no difference if it does not wait.",
    )
    confirm = fields.Boolean(string="Confirm Orders", default=True)
    invoice = fields.Selection(
        [("none", "None"), ("confirmation", "At Confirmation"), ("delivery", "At Delivery")],
        default="none",
        required=True,
    )
    post_invoice = fields.Boolean(string="Post Invoices")
    register_payment = fields.Boolean(string="Register Payments", help="Of what the shop was paid, on its date")
    journal_id = fields.Many2one(
        "account.journal",
        string="Journal of Payments",
        check_company=True,
        domain="[('type', 'in', ('bank', 'cash', 'credit'))]",
    )
    payment_method_line_id = fields.Many2one(
        "account.payment.method.line",
        string="Payment Method",
        compute="_compute_payment_method_line_id",
        store=True,
        readonly=False,
        domain="[('journal_id', '=', journal_id), ('payment_type', '=', 'inbound')]",
        help="Orders get it, too",
    )
    capture = fields.Boolean(
        string="Shop Captures at Delivery", help="The shop is told of the delivery to take the money that is authorised"
    )

    _give_up_days_check = models.Constraint("CHECK (give_up_days >= 0)", "The days to wait are 0 or more.")

    @api.depends("journal_id")
    def _compute_payment_method_line_id(self):
        """Take the first method of the journal, unless somebody has chosen another one of it."""
        for rule in self:
            if rule.payment_method_line_id.journal_id != rule.journal_id:
                lines = rule.journal_id._get_available_payment_method_lines("inbound")
                rule.payment_method_line_id = lines[:1]
