"""Base test case of the contract: the backend, the played system, and helpers for tests."""

import functools
import inspect
import threading
from copy import deepcopy
from unittest import SkipTest
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.addons.jobs_queue.session import ConnectorSession

from ...backend import reference
from ...declaration.rpc import RpcAdapter
from ...exception import NoConnectorUnitError
from ...unit.backend_adapter.crud import BackendAdapter, CRUDAdapter
from ...unit.binding.changes import changed_values
from ...unit.exporter.record import export_record
from ...unit.importer.batch import import_batch
from ...unit.importer.record import RecordImporter, import_record
from ...unit.importer.unsent import is_sent_in_bulk
from ...unit.mapper.mapper import ExportMapper, ImportMapper
from ..cases import ConnectorCase
from ..played import played
from ..server import Answer

_CHANGING = ("create", "write", "write_many", "delete")
_CHANGING_VERBS = ("PUT", "PATCH", "DELETE")
_ODD_TEXTS = ("007", "0", "a/b", "Ärmel 5", "a?b=c&d#e", "100%", "x+y")
_USUAL_LOCATION = "https://system.example.com"


class ContractCase(ConnectorCase):
    """What the tests of the contract have in common; see :class:`~.ConnectorContract`."""

    # Odoo runs inherited tests only then
    allow_inherited_tests_method = True
    __test__ = False

    backend_model = None
    backend_values = {}
    model = None
    record = None
    change = None
    change_here = None
    bad = None
    odd_ids = None
    refers_to = {}
    change_of_line = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.__test__ = cls.model is not None

    @classmethod
    def setUpClass(cls):
        if cls.model is None:
            raise SkipTest(f"{cls.__name__} names no model: it is a base of others")
        for name in ("backend_model", "record"):
            if not getattr(cls, name):
                raise TypeError(f"{cls.__name__} does not say its {name}, see ConnectorContract")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.records = {}
        self.trouble = None
        self.server = self.serve(self._answered)
        self.session = ConnectorSession.from_env(self.env)
        self.backend = self.create_backend()
        self.adapter = self.unit(BackendAdapter)
        self.system = played(self.adapter, self.record)
        if self.system is None and type(self).answer is ContractCase.answer:
            raise TypeError(
                f"{type(self).__name__}: {type(self.adapter).__name__} is not declared, so nobody knows what its system answers. "
                "Write a method answer(request, records)"
            )
        if self.system is not None and self.system.gives_tokens:
            self.registry_enter_test_mode()  # a token is stored by a transaction of its own
            self.env.flush_all()
        self._watch_changes()

    # For connectors to override

    def answer(self, request, records):
        """Return the :class:`~..server.Answer` of the system to a request.

        :param request: :class:`~..server.Request`
        :param records: dict, id as text to record: what the system has. What the request changes
            has to be changed in it
        :return: None for what the declaration of the adapter says
        """
        return None

    def refuse(self, status, message, headers=None):
        """Return how the system refuses a request: an :class:`~..server.Answer`.

        :param status: status of HTTP to which the refusal corresponds
        :param message: text for a person
        :param headers: dict of headers that go with it
        """
        if self.system is not None:
            return self.system.refuse(status, message, headers)
        return Answer({"message": message}, status, headers or {})

    def another(self, external_id):
        """Return a record of the system that is like :attr:`record`, with another id."""
        if self.system is not None:
            return self.system.with_id(self.record, external_id)
        if "id" not in self.record:
            raise TypeError(f"{type(self).__name__}: record has no id, so write how it gets one: another(external_id)")
        return {**deepcopy(self.record), "id": external_id}

    def create_backend(self, **values):
        """Create a backend of the system that is played; its exports are on."""
        model = self.env[self.backend_model]
        given = {"name": "Contract", model._location_field: _USUAL_LOCATION, **self.backend_values, **values}
        address = urlsplit(given[model._location_field])
        given[model._location_field] = f"{self.server.url}{address.path}"
        backend = model.create(given)
        backend.flow_ids.write({"is_on": True})
        return backend

    def is_change(self, request):
        """Return whether a request that is sent while something is changed there is the change.

        Override it if your adapter first reads what it needs for the change, with other requests.
        """
        return True

    def create_here(self):
        """Create a record in Odoo, and return its binding: it has no external id yet."""
        binding = self.imported()
        of_record = self.unit(RecordImporter).binder._odoo_field
        values = {"backend_id": self.backend.id}
        if of_record not in binding._fields:
            return binding.copy(values)
        return self.env[self.model].create({**values, of_record: binding[of_record].copy().id})

    # What the tests do

    def unit(self, unit_class, backend=None):
        """Return a unit of the model."""
        environment = self.enterContext((backend or self.backend).work_on(self.model))
        return environment.get_connector_unit(unit_class)

    def add(self, *external_ids, **values):
        """Let the system have records with these ids; return them."""
        records = [{**self.another(external_id), **values} for external_id in external_ids]
        self.records.update(zip(map(str, external_ids), records, strict=True))
        return records

    def ids(self, number):
        """Return ids that the system may have."""
        own = self.adapter.id_of(self.record)
        if isinstance(own, int) or str(own).isdecimal():
            return [type(own)(int(own) + more) for more in range(number)]
        return [own, *(f"{own}-{more}" for more in range(2, number + 1))]

    def import_all(self, backend=None):
        """Import what the system lists; return the jobs."""
        backend = backend or self.backend
        import_batch.delay(self.session.with_company(backend.company_id), self.model, backend.id)
        return self.run_jobs()

    def import_one(self, external_id, **options):
        """Import a record by its id; return the jobs."""
        session = self.session.with_company(self.backend.company_id)
        import_record.delay(session, self.model, self.backend.id, external_id, **options)
        return self.run_jobs()

    def imported(self):
        """Let the system have a record, import it, and return its binding."""
        (external_id,) = self.ids(1)
        self.add(external_id)
        self.assertDone(self.import_all())
        return self.bound(external_id)

    def export(self, binding):
        """Export a record; return the jobs."""
        export_record.delay(self.session.with_company(self.backend.company_id), self.model, binding.id)
        return self.run_jobs()

    def bindings(self, backend=None):
        """Return all bindings of the backend."""
        model = self.env[self.model].with_context(active_test=False)
        return model.search([("backend_id", "=", (backend or self.backend).id)])

    def bound(self, external_id, backend=None):
        """Return the binding of a record, and fail if there is none."""
        found = self.bindings(backend).filtered(lambda binding: binding.external_id == str(external_id))
        ids = self.bindings(backend).mapped("external_id")
        self.assertEqual(len(found), 1, f"The record {external_id!r} of the system is not bound. Bound are: {ids}")
        return found

    def differing(self, external_id):
        """Return the values that an import of a record would write."""
        importer = self.unit(RecordImporter)
        incoming = importer.page_of({external_id: self.read(external_id)})
        for _incoming in importer.each(incoming):
            values = importer._update_data(importer._map_data())
        return changed_values(self.bound(external_id), values)

    def read(self, external_id):
        """Return a record as an import reads it."""
        fields = self.unit(RecordImporter)._fields_to_read()
        if self.adapter.lists_records:
            found = self.adapter.search_read(None, fields)
            return next(record for record in found if str(self.adapter.id_of(record)) == str(external_id))
        return self.adapter.read(external_id, fields)

    def asked(self):
        """Return what people are asked to review about the backend."""
        return self.env["connector.checkpoint"].search([("backend_id", "=", reference(self.backend))])

    def assertNotDone(self, jobs):
        """Assert that the first job does not count as done; return it."""
        job = jobs[:1]
        self.assertNotEqual(job.state, "done", f"The job counts as done: {job.message or job.result}")
        return job

    def odd(self):
        """Return ids that are easily changed by mistake; skip the test if the system has none."""
        ids = self.odd_ids
        if ids is None:
            own = self.adapter.id_of(self.record)
            ids = (2**31 - 1,) if isinstance(own, int) else _ODD_TEXTS
        if not ids:
            self.skipTest("This system has no odd ids, says odd_ids = ()")
        return ids

    def change_of(self, binding):
        """Return values to write on a record in Odoo, so that there is something to export."""
        if self.change_here:
            return self.change_here
        for field in self.exported_texts():
            return {field: f"{binding[field] or ''} changed"}
        return self.fail(
            f"{type(self).__name__}: no text of {self.model} is exported as it is, so say what a change is: "
            'change_here = {"name": "Jane"}'
        )

    def exported_texts(self):
        """Return the fields of texts that the export reads."""
        mapper = self.unit(ExportMapper)
        fields = [entry[0] for entry in mapper._compiled.plain] + [entry[1] for entry in mapper._compiled.modified]
        return [name for name in fields if self._is_text(name)]

    def mapped_texts(self):
        """Return the source fields of texts that are imported as they are."""
        return [name for name in self.plain_texts(self.unit(ImportMapper), self.record) if name != self._id_name]

    def plain_texts(self, mapper, record):
        """Return the source fields of texts of a record that its mapper takes as they are."""
        return [
            source
            for source, target, *_check in mapper._compiled.plain
            if isinstance(record.get(source), str) and self._is_text(target, mapper.model)
        ]

    def changed_there(self):
        """Return values of the system with which a record differs from :attr:`record`."""
        if self.change:
            return self.change
        for source in self.mapped_texts():
            return {source: f"{self.record[source]} changed"}
        return self.fail(
            f"{type(self).__name__}: no text of record is imported as it is, so say what a change is: "
            'change = {"name": "Jane"}'
        )

    @property
    def _id_name(self):
        return getattr(self.adapter, "id_field", "id")

    def _is_text(self, name, model=None):
        field = (self.env[self.model] if model is None else model)._fields.get(name)
        return field is not None and field.type in ("char", "text") and not field.readonly

    def press_test_connection(self):
        """Press the button that tests the connection; return the lines of what it has found."""
        trouble, base = self.trouble, urlsplit(self.backend[self.backend._location_field]).path.rstrip("/")

        def answer(request):
            # the author of answer() need not know the base address
            if request.method == "GET" and request.path.rstrip("/") == base:
                return Answer()
            return trouble and trouble(request)

        self.trouble = answer
        try:
            action = self.backend.action_test_connection()
        finally:
            self.trouble = trouble
        if action.get("res_model") != "connector.connection.test":
            self.skipTest(f"{self.backend_model} has an action_test_connection() of its own")
        return self.env[action["res_model"]].browse(action["res_id"]).line_ids

    # What a system cannot have

    def needs_export(self):
        """Skip the test if the connector exports nothing."""
        try:
            environment = self.unit(ExportMapper).environment
        except NoConnectorUnitError:
            self.skipTest(f"This connector exports no {self.model}: no ExportMapper serves it")
        if is_sent_in_bulk(environment):
            self.skipTest(f"This connector exports {self.model} in bulk only: its BulkExporter sends all fields")
        self.needs("write")

    def needs_creation(self):
        """Skip the test if the connector creates nothing there."""
        self.needs_export()
        self.needs("create")

    def needs(self, method):
        """Skip the test if the adapter does not have a method."""
        kind = type(self.adapter)
        own = inspect.unwrap(getattr(kind, method))
        if own is getattr(CRUDAdapter, method):
            self.skipTest(f"This system takes no {method} of {self.model}: {kind.__name__} does not define it")
        if own is vars(RpcAdapter).get(method) and method not in self.adapter.verbs:
            self.skipTest(f"This system takes no {method} of {self.model}: {kind.__name__} declares no such call")

    # The system that is played

    def _answered(self, request):
        with self._playing:
            if self.trouble and (answer := self.trouble(request)):
                return answer
            answer = self.answer(request, self.records)
            if answer is None and self.system is not None:
                answer = self.system.answer(request, self.records)
            return answer

    @functools.cached_property
    def _playing(self):
        return threading.RLock()

    def _watch_changes(self):
        """Note what is sent to the system: ``sent`` is a list of (method, arguments)."""
        self.sent, self.is_changing = [], False
        for name in _CHANGING:
            self.enterContext(patch.object(type(self.adapter), name, self._watched(name)))

    def _watched(self, name):
        method = getattr(type(self.adapter), name)

        @functools.wraps(method)
        def watched(adapter, *args, **kwargs):
            if self.is_changing:
                return method(adapter, *args, **kwargs)
            self.sent.append((name, args))
            self.is_changing = True
            try:
                return method(adapter, *args, **kwargs)
            finally:
                self.is_changing = False

        return watched

    def changing_requests(self):
        """Return the requests whose verb says that they change something."""
        return [request for request in self.server.requests if request.method in _CHANGING_VERBS]

    def in_changes(self, answer):
        """Return trouble with what changes the system; what only reads is answered."""
        return lambda request: answer() if self.is_changing and self.is_change(request) else None

    def losing_answers(self, request):
        """Do what a request asks for that changes the system, then lose the answer."""
        if not (self.is_changing and self.is_change(request)):
            return None
        trouble, self.trouble = self.trouble, None
        try:
            self._answered(request)
        finally:
            self.trouble = trouble
        return Answer(status=None)
