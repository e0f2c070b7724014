"""Aspect of ``ir.module.module``: the flows of an addon go with it."""

from odoo import models


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def module_uninstall(self):
        """Delete the flows that these addons have declared, and their schedules.

        No update follows an uninstallation that would do it.
        """
        flows = self.env["connector.flow"].sudo().with_context(active_test=False)
        if self.env.is_system():  # else Odoo refuses it
            for flow in flows.search([("addon", "in", self.mapped("name"))]):
                flow._hide()
        return super().module_uninstall()
