"""Mixin ``connector.default.access``: access lines and a company rule for models without any."""

from odoo import models

_RIGHTS = ("perm_read", "perm_write", "perm_create", "perm_unlink")


class ConnectorDefaultAccess(models.AbstractModel):
    """Mixin of backends and bindings: give access rights to models whose addons bring none.

    - Two access lines: connector users read, connector managers do everything.
    - One rule: people see the records of their companies, and those without a company.

    They belong to the addon of the model, so they go with it. An update keeps what somebody has
    changed in them by hand, such as a line that was switched off.

    What the data of that addon bring of the same kind takes their place: access lines replace the
    two lines, rules replace the rule. Lines and rules of other addons are added, as always in Odoo.
    """

    _name = "connector.default.access"
    _description = "Default Access Rights of Connectors"

    #: False: the model gets neither the lines nor the rule
    _default_access = True
    #: Path from a record to its company
    _company_path = "company_id"

    def init(self):
        """Create them when Odoo knows the model, before it looks for models without rights."""
        super().init()
        if not self._abstract:
            self.pool.post_init(self._ensure_access)

    def _register_hook(self):
        """Look again after an update: the data of the addons are loaded, and former ones gone."""
        super()._register_hook()
        if self.pool.updated_modules and not self._abstract:
            self._ensure_access()

    def _ensure_access(self):
        """Create the lines and the rule that are missing, and delete those that are replaced."""
        model = {"model_id": self.env["ir.model"]._get_id(self._name)}
        lines = {
            role: {
                **model,
                "name": f"{self._name} {role}",
                "group_id": self.env.ref(f"connector.group_connector_{role}").id,
                **{right: right in rights for right in _RIGHTS},
            }
            for role, rights in (("user", _RIGHTS[:1]), ("manager", _RIGHTS))
        }
        rule = {
            **model,
            "name": f"{self._description}: of the user's companies",
            "domain_force": f"[('{self._company_path}', 'in', company_ids + [False])]",
        }
        self._ensure_defaults("ir.model.access", lines)
        self._ensure_defaults("ir.rule", {"company": rule})

    def _ensure_defaults(self, kind, defaults):
        """Create those that are missing, unless the model's addon has other records of their kind.

        :param kind: name of their model
        :param defaults: dict, the last word of a record's xmlid to its values
        """
        module = self._original_module
        values_of = {f"access_{self._table}_default_{word}": values for word, values in defaults.items()}
        records = self.env[kind].sudo()
        of_model = records.with_context(active_test=False).search([("model_id.model", "=", self._name)])
        of_addon = [("module", "=", module), ("model", "=", kind), ("res_id", "in", of_model.ids)]
        xmlids = self.env["ir.model.data"].sudo().search(of_addon)
        ours = xmlids.filtered(lambda xmlid: xmlid.name in values_of)
        if self._default_access and ours == xmlids:
            data = [
                {"xml_id": f"{module}.{name}", "values": values, "noupdate": True} for name, values in values_of.items()
            ]
            records._load_records(data, update=True)
        else:
            records.browse(ours.mapped("res_id")).unlink()
