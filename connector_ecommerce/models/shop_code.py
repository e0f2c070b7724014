"""What is decided here for a code that a shop uses, such as that of a kind of payment."""

from odoo import api, fields, models


class ShopCode(models.AbstractModel):
    """A record for a code of a shop. The shop's company sees it, and it goes with the backend."""

    _name = "connector.shop.code"
    _description = "Code of a Shop"
    _order = "backend_id, name, id"
    _check_company_auto = True

    backend_id = fields.Reference(selection="_select_backends", string="Shop", required=True)
    # who works with orders need not read backends
    backend_name = fields.Char(string="Shop Name", compute="_compute_backend_name", compute_sudo=True)
    company_id = fields.Many2one(
        "res.company", compute="_compute_company_id", compute_sudo=True, store=True, precompute=True, index=True
    )
    code = fields.Char(string="Code There", required=True)
    name = fields.Char(required=True)

    _code_uniq = models.Constraint("UNIQUE(backend_id, code)", "There is one already for this code of the shop.")

    @api.model
    def _select_backends(self):
        backends = self.env.registry.descendants(["connector.ecommerce.backend"], "_inherit")
        return [(name, self.env[name]._description) for name in backends if not self.env[name]._abstract]

    @api.depends("backend_id")
    def _compute_backend_name(self):
        for record in self:
            record.backend_name = record.backend_id and record.backend_id.display_name

    @api.depends("backend_id")
    def _compute_company_id(self):
        for record in self:
            record.company_id = record.backend_id and record.backend_id.company_id

    @api.model
    def _of_backend(self, backend):
        """Return the domain of what belongs to a backend."""
        return [("backend_id", "=", f"{backend._name},{backend.id}")]
