"""Aspect of ``queue.job``: the runs of flows are found by an index."""

from odoo import models

from ..unit.exporter.flow import export_flow
from ..unit.importer.batch import import_batch


def function_name(function):
    """Return the name of a job function, as jobs and schedules have it."""
    return f"{function.__module__}.{function.__name__}"


def _names(*functions):
    return tuple(sorted(map(function_name, functions)))


#: The job functions with which a flow begins to synchronise.
BEGIN = _names(import_batch, export_flow)


class QueueJob(models.Model):
    _inherit = "queue.job"

    _run_idx = models.Index(f"(channel_id, id) WHERE function IN {BEGIN}")
