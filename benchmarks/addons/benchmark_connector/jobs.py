"""Job function whose jobs run together, as a batch."""

# a path of the vocabulary, which commits have that are older than the front door
from odoo.addons.connector.queue.job import job

from benchmarks import journal


@job(group_size=100)
def noop_together(session, model_name, calls):
    """Do nothing in the database"""
    for _backend_id, number in calls:
        journal.note(number)
    return [None] * len(calls)
