"""Job function that exists only where this addon is installed."""

from odoo.addons.jobs_queue.jobs import job


@job(default_channel="root.test.extension")
def greet(session, model_name):
    """Greet"""
    return "Hello"
