"""Job function whose jobs run together, as a batch."""

from odoo.addons.connector import job

from benchmarks import journal


@job(group_size=100)
def noop_together(session, model_name, calls):
    """Do nothing in the database"""
    for _backend_id, number in calls:
        journal.note(number)
    return [None] * len(calls)
