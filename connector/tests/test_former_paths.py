"""Former import paths of the queue: they bind the same objects as the addon jobs_queue.

That addon compares these objects, and registers by them.
"""

from importlib import import_module

from odoo.tests import BaseCase, tagged

from odoo.addons.jobs_queue.jobs import JobBatch

SAME = {
    "connector.queue.job": (
        "jobs_queue.jobs",
        ["BY_CODE", "Job", "delay", "find_function", "job", "prepare"],
    ),
    "connector.queue.queue": ("jobs_queue.worker.jobs_queue", ["JobsQueue"]),
    "connector.queue.worker": ("jobs_queue.worker", ["Worker", "WorkerWatcher"]),
    "connector.queue.model": ("jobs_queue.models", ["QueueJob", "QueueWorker"]),
    "connector.queue.graph": ("jobs_queue.graph", ["Graph", "barrier", "chain", "group", "parent_results"]),
    "connector.queue.record_number": ("jobs_queue.jobs.record_number", ["LookUp"]),
    "connector.queue.codec": ("jobs_queue.jobs.arguments", ["register_type"]),
    "connector.queue.by_code": ("jobs_queue.by_code", ["BY_CODE", "by_code"]),
    "connector.queue.bulk": ("jobs_queue", ["delay_many"]),
    "connector.queue.retry": ("jobs_queue", ["Exponential", "Fixed", "Pattern", "RetryPolicy"]),
    "connector.session": ("jobs_queue.session", ["ConnectorSession", "Session", "checked_session"]),
    "connector.exception": ("jobs_queue", ["ConnectorException", "FailedJobError", "JobError", "RetryableJobError"]),
}


@tagged("post_install", "-at_install")
class TestFormerPaths(BaseCase):
    def test_each_binds_the_same_object(self):
        for path, (new, names) in SAME.items():
            for name in names:
                with self.subTest(path=path, name=name):
                    former = getattr(import_module(f"odoo.addons.{path}"), name)
                    self.assertIs(former, getattr(import_module(f"odoo.addons.{new}"), name))

    def test_a_class_that_was_renamed_has_its_former_name_there(self):
        self.assertIs(import_module("odoo.addons.connector.queue.job").JobGroup, JobBatch)

    def test_the_exceptions_are_all_there(self):
        former, new = (import_module(f"odoo.addons.{addon}.exception") for addon in ("connector", "jobs_queue"))
        for name, value in vars(new).items():
            if isinstance(value, type) and value.__module__ == new.__name__:
                self.assertIs(getattr(former, name), value)
