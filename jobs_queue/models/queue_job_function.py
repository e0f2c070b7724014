"""Job functions: settings for the jobs of each one, by the code and by an administrator.

The settings of an administrator take effect at once.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from ..jobs import code_options, installed_functions
from ..jobs.functions import current_name
from ..jobs.options import JobOptions
from ..jobs.retry import Pattern, RetryPolicy
from .queue_job import IDENTITY_POLICY_CHOICES
from .shared import check_may_change_shared

_logger = logging.getLogger(__name__)


class QueueJobFunction(models.Model):
    _name = "queue.job.function"
    _inherit = "queue.checked.access"
    _description = "Job Function"
    _order = "name"

    name = fields.Char(required=True, readonly=True, help="Dotted path of a function, or model.method")
    description = fields.Char(readonly=True)
    module = fields.Char(readonly=True, string="Addon")
    default_channel = fields.Char(readonly=True, help="The channel that the code names")
    channel_id = fields.Many2one(
        "queue.job.channel",
        ondelete="set null",
        help="The channel of its jobs; empty means the one that the code names",
    )
    retry_pattern = fields.Char(
        help='Try number to seconds until the next try, such as {"1": 10, "5": [60, 90]}: 10 seconds after the first tries, '
        "a minute or up to half a minute longer from the fifth on. Empty means what the code says."
    )
    max_retries = fields.Integer(aggregator=None, help="A job fails after so many tries; 0 means what the code says")
    identity_policy = fields.Selection(
        IDENTITY_POLICY_CHOICES,
        help="Which of the jobs waiting with the same identity key runs; empty means what the code says",
    )
    concurrency_limit = fields.Integer(
        aggregator=None,
        help="How many jobs with the same concurrency key run at once; 0 means what the code says",
    )
    time_limit = fields.Integer(
        aggregator=None,
        string="Time Limit (s)",
        help="A running job is stopped after so many seconds, which counts as a try; 0 means what the code says",
    )
    memory_limit = fields.Integer(
        aggregator=None,
        string="Memory Limit (MB)",
        help="A running job is stopped when its process uses more memory; 0 means what the code says",
    )

    _name_uniq = models.UniqueIndex("(name)")
    _limits_check = models.Constraint(
        "CHECK (time_limit >= 0 AND memory_limit >= 0)", "The limits of time and memory cannot be negative."
    )
    _max_retries_check = models.Constraint("CHECK (max_retries >= 0)", "The number of tries cannot be negative.")
    _concurrency_limit_check = models.Constraint(
        "CHECK (concurrency_limit >= 0)", "The number of jobs that run at once cannot be negative."
    )

    @api.constrains("retry_pattern")
    def _check_retry_pattern(self) -> None:
        for function in self.filtered("retry_pattern"):
            try:
                Pattern(json.loads(function.retry_pattern))
            except (ValueError, RecursionError) as error:
                raise ValidationError(
                    self.env._("The retry pattern of %(name)s: %(error)s", name=function.name, error=error)
                ) from None

    @api.constrains("channel_id")
    def _check_channel(self) -> None:
        of_company = self.channel_id.filtered("company_id")
        if of_company and self.env["res.company"].sudo().search_count([], limit=2) > 1:
            raise ValidationError(
                self.env._(
                    "The channel “%(channel)s” is for the company %(company)s alone, but a job function is for all. "
                    "Choose one that is shared.",
                    channel=of_company[:1].complete_name,
                    company=of_company[:1].company_id.name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        functions = super().create(vals_list)
        self.env.registry.clear_cache()
        return functions

    def write(self, vals: dict[str, Any]) -> bool:
        if not self.env.su and any(function.name != vals.get("name", function.name) for function in self):
            raise UserError(self.env._("The name of a job function comes from the code and cannot be changed."))
        self.check_access("write")
        check_may_change_shared(self.env)
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    @api.model
    @tools.ormcache("name")
    def _options(self, name: str) -> JobOptions:
        """Return the :class:`~odoo.addons.jobs_queue.jobs.JobOptions` of a job function.

        The values of its record have priority over those of the code.
        """
        name = current_name(name)
        options = code_options(self.env, name)
        record = self.sudo().search([("name", "=", name)])
        return replace(
            options,
            channel_of=None if record.channel_id else options.channel_of,
            channel_id=record.channel_id.id
            or self.env["queue.job.channel"]._nearest_id(options.default_channel or "root"),
            retry=record._retry_policy(options.retry),
            max_retries=record.max_retries or options.max_retries,
            identity_policy=record.identity_policy or options.identity_policy,
            concurrency_limit=record.concurrency_limit or options.concurrency_limit,
            time_limit=record.time_limit or options.time_limit,
            memory_limit=record.memory_limit or options.memory_limit,
        )

    def _retry_policy(self, policy: RetryPolicy) -> RetryPolicy:
        """Return a retry policy with the retry pattern of this record, if it has one.

        :param policy: that of the code
        """
        if not self.retry_pattern:
            return policy
        try:
            return policy.with_pattern(json.loads(self.retry_pattern))
        except (ValueError, RecursionError) as error:
            # the pattern was written before this check existed, or without it
            _logger.warning(
                "The retry pattern of %s is left out, its jobs are tried as the code says: %s", self.name, error
            )
            return policy

    def _register_hook(self) -> None:
        """Synchronize the records with the code after an install or update of addons."""
        super()._register_hook()
        if self.env.registry.updated_modules:
            self.sudo()._synchronize()

    @api.model
    def _synchronize(self) -> None:
        """Have one record for each job function of the installed addons.

        The channels that these functions name are created, too.
        """
        functions = installed_functions(self.env)
        self._ensure(functions)
        self.search([("name", "not in", list(functions))]).unlink()

    @api.model
    def _synchronize_addon(self, addon: str) -> None:
        """Have the records and the channels of an addon that was just installed or updated.

        Other addons may not be loaded yet.
        """
        functions = installed_functions(self.env)
        self._ensure({name: options for name, options in functions.items() if options.module == addon})

    def _ensure(self, functions: Mapping[str, JobOptions]) -> None:
        """Create or update the records of job functions, as the code describes them.

        :param functions: by their names
        """
        names = [name for current, options in functions.items() for name in (*options.former_names, current)]
        # the record of a function that was moved since has a former name
        known = {current_name(function.name): function for function in self.search([("name", "in", names)])}
        for name, options in functions.items():
            values = {
                "name": name,
                "description": options.description,
                "module": options.module,
                "default_channel": options.default_channel,
            }
            if options.default_channel:
                self.env["queue.job.channel"]._ensure(options.default_channel)
            function = known.get(name)
            if not function:
                self.create(values)
            elif any(function[field] != (value or False) for field, value in values.items()):
                function.write(values)
