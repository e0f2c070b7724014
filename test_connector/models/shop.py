"""The backend of an imaginary shop, and the bindings of its partners and tags."""

from odoo import fields, models

from odoo.addons.connector import SecretChar


class ShopFormer(models.AbstractModel):
    """A secret as a connector may have it that has no ``SecretChar`` yet."""

    _name = "test.shop.former"
    _description = "Former Fields of the Test Shop"

    client_secret = fields.Char(
        string="Secret of the Client",
        compute="_compute_client_secret",
        tracking=True,
        copy=True,
        index=True,
        default="everybody's",
    )

    def _compute_client_secret(self):
        self.client_secret = "computed"


class ShopBackend(models.Model):
    _name = "test.shop.backend"
    _inherit = ["test.shop.former", "connector.backend"]
    _description = "Test Shop"
    _backend_type = "test_shop"

    version = fields.Selection(
        selection_add=[
            ("1.0", "1.0"),
            ("2.0", "2.0"),
            ("http", "over HTTP"),
            ("file", "Files"),
            ("oauth", "with OAuth"),
            ("listed", "Listed"),
            ("flows", "Ten Flows"),
            ("matched", "Matched"),
            ("person", "with OAuth, by a person"),
        ],
        default="1.0",
    )
    location = fields.Char(help="Address of a shop over HTTP, or folder of its files")
    token = SecretChar()
    client_secret = SecretChar()


class ShopPartner(models.Model):
    _name = "test.shop.partner"
    _inherit = "external.binding"
    _inherits = {"res.partner": "odoo_id"}
    _description = "Test Shop Partner"
    _backend_model = "test.shop.backend"
    _screen_fields = ("email", "points", "category_id")

    points = fields.Integer()
    discount = fields.Float()
    newsletter = fields.Boolean()
    nickname = fields.Char()
    main_tag_id = fields.Many2one("test.shop.tag")
    base_tag_id = fields.Many2one("res.partner.category")


class ShopTag(models.Model):
    """A tag. It has no rule, and a field odoo_id of its own."""

    _name = "test.shop.tag"
    _inherit = "external.binding"
    _inherits = {"res.partner.category": "odoo_id"}
    _description = "Test Shop Tag"
    _backend_model = "test.shop.backend"
    _default_access = False

    odoo_id = fields.Many2one("res.partner.category", string="Tag", required=True, ondelete="cascade")


class ShopIndustry(models.Model):
    """An industry. Nothing imports it: people pick ours for those of the shop."""

    _name = "test.shop.industry"
    _inherit = "external.binding"
    _inherits = {"res.partner.industry": "odoo_id"}
    _description = "Test Shop Industry"
    _matched_by_hand = True

    backend_id = fields.Many2one("test.shop.backend", required=True, ondelete="restrict")
    odoo_id = fields.Many2one("res.partner.industry", required=True, ondelete="cascade")


class ShopUser(models.Model):
    """A user. Its access line and rule are in the data of this addon."""

    _name = "test.shop.user"
    _inherit = "external.binding"
    _inherits = {"res.users": "odoo_id"}
    _description = "Test Shop User"
    _backend_model = "test.shop.backend"


class ShopPage(models.Model):
    """A page of the shop's site, which is reached over HTTP."""

    _name = "test.shop.page"
    _inherit = "external.binding"
    _description = "Test Shop Page"

    backend_id = fields.Many2one("test.shop.backend", required=True, ondelete="cascade")
    backend_token = fields.Char(related="backend_id.token")


class ShopNote(models.Model):
    """A note that stores its external id itself, and nothing else about its synchronisation."""

    _name = "test.shop.note"
    _description = "Test Shop Note"

    backend_id = fields.Many2one("test.shop.backend", required=True, ondelete="cascade")
    number = fields.Char()
    name = fields.Char()
