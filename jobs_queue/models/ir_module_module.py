"""Addons that are installed or updated: their job functions and channels are there at once, as their tests run before all is loaded."""

from typing import Any

from odoo import models

from ..jobs import has_jobs


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.get("state") == "installed":
            # Odoo says so as soon as the code and the data of an addon are loaded
            for addon in filter(has_jobs, self.mapped("name")):
                self.env["queue.job.function"].sudo()._synchronize_addon(addon)
        return result
