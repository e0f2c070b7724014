"""Backend of another Odoo: its address, its login, and its buttons."""

from urllib.parse import quote, urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.connector import SecretChar, reconcile


class OdooBackend(models.Model):
    _name = "odoo.backend"
    _inherit = "connector.backend"
    _description = "Odoo Backend"
    _backend_type = "odoo"
    _credential_fields = ("login", "location", "database", "version")

    version = fields.Selection(
        selection_add=[("19.0", "19.0 or later (JSON-2)"), ("legacy", "13.0 to 18.0 (XML-RPC)")],
        ondelete={"19.0": "cascade", "legacy": "cascade"},
        required=True,
        default="19.0",
        help="The version of the other Odoo; it decides over which of its interfaces we speak with it.",
    )
    default_lang_id = fields.Many2one(
        required=True, default=lambda self: self.env["res.lang"]._lang_get(self.env.user.lang)
    )
    location = fields.Char(required=True, help="Address of the other Odoo, such as https://shop.example.com")
    database = fields.Char(required=True, help="Name of the database of the other Odoo")
    login = fields.Char(
        help="Login of the user of the other Odoo that we work as. An API key of 19.0 or later tells it by itself."
    )
    api_key = SecretChar(
        string="API Key",
        help="API key of the user of the other Odoo that we work as; before Odoo 14 the password. It is stored, but never shown again. "
        "Enter it again when the location changes.",
    )
    conflict_policy = fields.Selection(
        [
            ("odoo_wins", "Ours wins"),
            ("external_wins", "Theirs wins"),
            ("newest", "The newest wins"),
            ("ask", "Ask"),
        ],
        string="Changed on Both Sides",
        required=True,
        default="odoo_wins",
        help="What an export does with a record that was changed in the other Odoo too. To find that out, all but the first read it there.",
    )
    missing_policy = fields.Selection(
        [("fail", "Fail, and say what to do"), ("recreate", "Create it again")],
        string="Deleted There",
        required=True,
        default="fail",
        help="What an export does with a record that was deleted in the other Odoo",
    )
    partner_count = fields.Integer(string="Partners", compute="_compute_counts")
    product_count = fields.Integer(string="Products", compute="_compute_counts")

    def _compute_counts(self):
        for field_name, model_name in (
            ("partner_count", "odoo.res.partner"),
            ("product_count", "odoo.product.product"),
        ):
            groups = self.env[model_name]._read_group([("backend_id", "in", self.ids)], ["backend_id"], ["__count"])
            counts = {backend.id: count for backend, count in groups}
            for backend in self:
                backend[field_name] = counts.get(backend.id, 0)

    @api.constrains("location")
    def _check_location(self):
        for backend in self:
            try:
                url = urlsplit(backend.location)
                valid = url.scheme in ("http", "https") and url.hostname and (url.port or True)
            except ValueError:
                valid = False
            # No message repeats the location: there may be a password in it
            if not valid:
                raise ValidationError(
                    self.env._("The location is not an address. Enter one such as https://shop.example.com")
                )
            if "@" in url.netloc:
                raise ValidationError(
                    self.env._("Leave user and password out of the location: the API key has a field of its own.")
                )
            if url.query or url.fragment:
                raise ValidationError(self.env._("Leave out of the location what follows the ? or the #."))

    @api.constrains("api_key")
    def _check_api_key(self):
        for backend in self.sudo():
            entered = self._fields["api_key"].stored(backend)
            if entered and not entered.isprintable():
                raise ValidationError(
                    self.env._("The API key contains a line break or another character that no key has.")
                )

    @api.constrains("version", "login")
    def _check_login(self):
        for backend in self:
            if backend.version == "legacy" and not backend.login:
                raise ValidationError(self.env._("XML-RPC needs the login of the user of the other Odoo."))

    def _get_admin_url(self, binding):
        model_name = binding.odoo_id._name
        page = "web#model={}&id={}&view_type=form" if self.version == "legacy" else "odoo/{}/{}"
        address = page.format(model_name, quote(binding.external_id, safe=""))
        return f"{self.location.rstrip('/')}/{address}"

    def action_import_partners(self):
        return self._delay_imports(["odoo.res.partner"])

    def action_import_products(self):
        return self._delay_imports(["odoo.product.category", "odoo.product.product"])

    def action_compare(self):
        """Compare all records of both sides in the background.

        Only the state of the bindings is changed.
        """
        jobs = self._delay_for_models(reconcile, ["odoo.res.partner", "odoo.product.category", "odoo.product.product"])
        return self.env["queue.worker"]._answer(self.env._("The comparison runs in the background:"), jobs)
