"""Aspect of ``connector.ecommerce.backend``: its rules, its guests, and what unknown codes get."""

from odoo import api, fields, models

_CODES = ("connector.payment.rule", "connector.delivery.method")


class EcommerceBackend(models.AbstractModel):
    _inherit = "connector.ecommerce.backend"

    guest_policy = fields.Selection(
        [
            ("own", "A partner for each order"),
            ("email", "The partner with the e-mail address"),
            ("collect", "One partner for all guests"),
        ],
        string="Guests",
        default="email",
        required=True,
        help="Whose orders those of buyers without an account are. Who has no e-mail address gets a partner "
        "for the order.",
    )
    guest_partner_id = fields.Many2one("res.partner", string="Partner of All Guests", check_company=True)
    default_carrier_id = fields.Many2one(
        "delivery.carrier",
        string="Carrier of Unknown Methods",
        check_company=True,
        help="Without it, a delivery method of the shop that is new here gets a carrier of its own",
    )
    default_import_when = fields.Selection(
        selection=lambda self: self.env["connector.payment.rule"]._fields["import_when"].selection,
        string="Import with Unknown Payments",
        default="always",
        required=True,
        help="When orders with a kind of payment that is new here are imported. Each kind gets a rule of its own.",
    )

    def _default_payment_rule(self):
        """Return the values of the rule for a kind of payment that is new here; a hook."""
        return {"import_when": self.default_import_when}

    def _shop_codes(self, model_name):
        """Return the payment rules or the delivery methods of the backend."""
        codes = self.env[model_name]
        return codes.search([("backend_id", "in", [f"{backend._name},{backend.id}" for backend in self])])

    def action_open_payment_rules(self):
        return self._action_of_codes("connector_ecommerce.connector_payment_rule_action")

    def action_open_delivery_methods(self):
        return self._action_of_codes("connector_ecommerce.connector_delivery_method_action")

    def _action_of_codes(self, xmlid):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        context = {"default_backend_id": f"{self._name},{self.id}"}
        return {**action, "domain": self.env[action["res_model"]]._of_backend(self), "context": context}

    def _take_along(self):
        super()._take_along()
        for backend in self.sudo():
            for model_name in _CODES:
                codes = backend._shop_codes(model_name)
                if codes.company_id != backend.company_id:
                    codes.company_id = backend.company_id

    def unlink(self):
        for model_name in _CODES:
            self.sudo()._shop_codes(model_name).unlink()
        return super().unlink()

    # The page of the form

    def _all_screen_fields(self):
        """Leave out what has a page of its own."""
        of_all_shops = self.env["connector.ecommerce.backend"]._fields
        return [name for name in super()._all_screen_fields() if name not in of_all_shops]

    @api.model
    def _get_default_form_view(self):
        view = super()._get_default_form_view()
        page = self._arch_of("connector_ecommerce.ecommerce_backend_view_form").find(".//page")
        view.find(".//notebook").insert(1, page)
        return view
