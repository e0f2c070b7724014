"""Backend of another Odoo: its address and its login."""

from urllib.parse import quote, urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.connector import SecretChar


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
