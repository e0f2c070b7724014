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
        for kind, defaults in (("ir.model.access", lines), ("ir.rule", {"company": rule})):
            values_of = {f"access_{self._table}_default_{word}": values for word, values in defaults.items()}
            of_model = [("model_id.model", "=", self._name)]
            self._ensure_defaults(kind, values_of, of_model, is_wanted=self._default_access)

    def _ensure_defaults(self, kind, values_of, of_model=None, is_wanted=True):
        """Create the records of a kind that are missing, and delete those that are replaced.

        :param kind: name of their model
        :param values_of: dict, name of a record's xmlid to its values
        :param of_model: domain of records of the kind that are about this model: if the model's
            addon has such a record of its own, it replaces these; None: nothing replaces them
        :return: the records, none if they are replaced or not wanted
        """
        records = self.env[kind].sudo()
        xmlids = self.env["ir.model.data"].sudo()
        of_addon = [("module", "=", self._original_module), ("model", "=", kind)]
        ours = xmlids.search([*of_addon, ("name", "in", list(values_of))])
        if of_model and is_wanted:
            found = records.with_context(active_test=False).search(of_model)
            is_wanted = xmlids.search([*of_addon, ("res_id", "in", found.ids)]) <= ours
        if not is_wanted:
            records.browse(ours.mapped("res_id")).exists().unlink()
            return records
        data = [
            {"xml_id": f"{self._original_module}.{name}", "values": values, "noupdate": True}
            for name, values in values_of.items()
        ]
        return records._load_records(data, update=True)
