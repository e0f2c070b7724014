"""Vocabulary of connectors: import paths that authors of connectors know.

Each path can be imported, and is what it is said to be.
"""

import inspect
from importlib import import_module

from odoo import models
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase

from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.worker.backoff import Backoff

from ..backend import Backend
from ..connector import Binder, ConnectorUnit
from ..event import Event
from ..unit.backend_adapter.crud import BackendAdapter
from ..unit.mapper.mapper import Mapper
from ..unit.synchronizer import Synchronizer

CLASSES = [
    "connector.event.Event",
    "connector.queue.job.Job",
    "connector.queue.worker.Worker",
    "connector.queue.worker.WorkerWatcher",
    "connector.queue.queue.JobsQueue",
    "connector.queue.model.QueueJob",
    "connector.queue.model.QueueWorker",
    "connector.session.ConnectorSession",
    "connector.session.Session",
    "connector.backend.Backend",
    "connector.backend_model.connector_backend",
    "connector.connector.Environment",
    "connector.connector.ConnectorUnit",
    "connector.connector.Binder",
    "connector.unit.mapper.Mapper",
    "connector.unit.synchronizer.Synchronizer",
    "connector.unit.backend_adapter.BackendAdapter",
]


def find(path):
    """Return the object that a dotted path below ``odoo.addons`` names."""
    module, _dot, name = path.rpartition(".")
    return getattr(import_module(f"odoo.addons.{module}"), name)


class TestVocabulary(TransactionCase):
    def test_each_class_imports_by_its_name(self):
        for path in CLASSES:
            with self.subTest(path):
                self.assertTrue(inspect.isclass(find(path)))

    def test_each_class_says_what_it_is(self):
        for path in CLASSES:
            if not issubclass(find(path), models.BaseModel):  # a model says it by its description
                with self.subTest(path):
                    self.assertTrue(vars(find(path)).get("__doc__"))

    def test_a_session_is_a_connector_session(self):
        self.assertIs(find("connector.session.Session"), ConnectorSession)

    def test_a_session_contains_cursor_user_context_and_environment(self):
        session = ConnectorSession(self.cr, self.uid, {"lang": "en_US"})
        self.assertEqual((session.cr, session.uid, session.context), (self.cr, self.uid, {"lang": "en_US"}))
        self.assertIs(session.env.registry, Registry(self.cr.dbname))

    def test_the_events_of_records_are_events(self):
        for name in ("create", "write", "unlink"):
            self.assertIsInstance(find(f"connector.event.on_record_{name}"), Event)

    def test_an_event_can_be_subscribed_to_and_unsubscribed_from(self):
        event = Event()
        event.subscribe(print)
        self.assertTrue(event.has_consumer_for(ConnectorSession.from_env(self.env), "res.partner"))
        event.unsubscribe(print)
        self.assertFalse(event.has_consumer_for(ConnectorSession.from_env(self.env), "res.partner"))

    def test_a_job_is_delayed_by_what_the_decorator_adds(self):
        function = find("connector.queue.job.job")(lambda session, model_name: None)
        self.assertTrue(callable(function.delay))

    def test_jobs_and_workers_are_stored_in_models(self):
        for path, name in (
            ("connector.queue.model.QueueJob", "queue.job"),
            ("connector.queue.model.QueueWorker", "queue.worker"),
        ):
            self.assertTrue(issubclass(find(path), models.Model))
            self.assertIn(find(path), self.env.registry[name].mro())

    def test_a_worker_takes_its_jobs_from_a_jobs_queue_in_order(self):
        worker = object.__new__(find("connector.queue.worker.Worker"))
        worker.backoff = Backoff()
        worker.queue = find("connector.queue.queue.JobsQueue")()
        worker.queue.put(["first job", "second job"])
        self.assertEqual([worker.next_job(), worker.next_job()], ["first job", "second job"])

    def test_a_backend_is_defined_by_service_and_version_and_can_have_a_parent(self):
        self.assertEqual(list(inspect.signature(Backend).parameters), ["service", "version", "parent"])

    def test_the_backend_model_is_abstract_and_bears_its_old_name_too(self):
        backend_model = find("connector.backend_model.connector_backend")
        self.assertIs(backend_model, find("connector.backend_model.ConnectorBackend"))
        self.assertTrue(issubclass(backend_model, models.AbstractModel))
        self.assertIn(backend_model, self.env.registry["connector.backend"].mro())

    def test_the_binding_model_is_abstract_and_bears_its_old_name_too(self):
        binding_model = find("connector.backend_model.external_binding")
        self.assertIs(binding_model, find("connector.backend_model.ExternalBinding"))
        self.assertIn(binding_model, self.env.registry["external.binding"].mro())
        self.assertTrue(self.env.registry["external.binding"]._abstract)

    def test_mappers_synchronizers_adapters_and_binders_are_units(self):
        for unit_class in (Mapper, Synchronizer, BackendAdapter, Binder):
            self.assertTrue(issubclass(unit_class, ConnectorUnit))

    def test_a_unit_finds_other_units_and_binders(self):
        positional = inspect.getfullargspec(ConnectorUnit.unit_for).args
        self.assertEqual(positional, ["self", "unit_class", "model"])
        self.assertEqual(list(inspect.signature(ConnectorUnit.binder_for).parameters), ["self", "model"])

    def test_checkpoints_are_a_model(self):
        self.assertFalse(self.env.registry["connector.checkpoint"]._abstract)
