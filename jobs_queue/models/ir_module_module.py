"""Job functions and channels of an addon, created as soon as it is installed or updated.

The tests of the addon need them, and run before all addons are loaded.
"""

from typing import Any

from odoo import models

from ..jobs import has_jobs


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.get("state") == "installed":
            # Odoo sets this state as soon as the code and the data of an addon are loaded
            for addon in filter(has_jobs, self.mapped("name")):
                self.env["queue.job.function"].sudo()._synchronize_addon(addon)
        return result
