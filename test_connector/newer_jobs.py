"""Job function that older versions of this addon do not know.

It is for tests of workers with the code of two versions.
"""

from odoo.addons.jobs_queue.jobs import job

from .jobs import leave_lines_outside


@job(default_channel="root.test")
def leave_line(session, model_name, name, log):
    """Create an effect, and write a line outside of the database before it is committed"""
    leave_lines_outside(session, [name], log)
