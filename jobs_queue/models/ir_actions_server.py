"""Server actions that run as jobs, in the background.

The user who runs one goes on working meanwhile.
"""

from typing import Any, Literal

from odoo import fields, models

from ..by_code import IdByCode, by_code

# Context key: the id of the action whose job is running. In that job the action runs at once, and
# is not delayed again
_KEY = "connector_server_action_in_job"


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    run_as_job = fields.Boolean(
        string="Run as Job",
        help="Running the action delays a job that runs it on the records, as the same user. What the action returns, such as a window to "
        "open, is not shown.",
    )

    def _run(self, records: models.BaseModel, eval_context: dict[str, Any]) -> dict[str, Any] | Literal[False]:
        # the records of an onchange are not saved, so no job could find them. A value that a client
        # sends under this key is no record
        is_onchange = isinstance(self.env.context.get("onchange_self"), models.BaseModel)
        if not self.run_as_job or by_code(self.env.context, _KEY) == self.id or is_onchange:
            return super()._run(records, eval_context)
        # self is in superuser mode here. The job runs as the user, and checks again whether the
        # user may run the action on the records
        job = self.with_env(eval_context["env"]).with_delay(description=self.name)._run_in_job(records)
        return self.env["queue.worker"]._answer(
            self.env._("“%s” runs in the background.", self.name), [job], linked=False
        )

    def _run_in_job(self, records: models.BaseModel) -> str | None:
        """Run the action on those of the records that still exist.

        It is called by the job that was delayed for it.
        """
        existing = records.exists()
        if records and not existing:
            return self.env._("The records do not exist any more.")
        context = {
            _KEY: IdByCode(self.id),
            "active_model": records._name,
            "active_ids": existing.ids,
            "active_id": existing[:1].id,
        }
        self.with_context(**context).run()
        return None
