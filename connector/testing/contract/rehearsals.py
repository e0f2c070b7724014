"""Contract of previews and rehearsals: what only looks changes nothing, here or there."""

from contextlib import contextmanager
from copy import deepcopy

from ...unit.exporter.deleter import delete_record
from ...unit.flow import ImportFlow, open_flow
from ...unit.importer.preview import ImportPreview
from .case import ContractCase


class RehearsalContract(ContractCase):
    def test_a_preview_says_what_an_import_would_do_and_keeps_nothing(self):
        self.add(*self.ids(2))
        for outcome in self._previewed():
            self.assertIn(outcome, ("new", "matched"))
        self.assertFalse(self.bindings(), "What was only looked at is imported")
        self.assertDone(self.import_all())
        self.assertLessEqual(set(self._previewed()), {"unchanged"})  # or the list has only what is new

    def test_imports_are_done_in_a_rehearsal(self):
        self.backend.is_rehearsal = True
        self.imported()

    def test_nothing_is_sent_in_a_rehearsal(self):
        self.needs_export()
        binding = self.imported()
        with self._rehearsing():
            binding.write(self.change_of(binding))
            self.assertDone(self.export(binding))

    def test_nothing_is_created_there_in_a_rehearsal(self):
        self.needs_creation()
        binding = self.create_here()
        with self._rehearsing():
            self.assertDone(self.export(binding))
        self.assertFalse(binding.external_id, "It is bound, although it was not created there")

    def test_nothing_is_deleted_there_in_a_rehearsal(self):
        self.needs("delete")
        binding = self.imported()
        with self._rehearsing():
            session = self.session.with_company(self.backend.company_id)
            delete_record.delay(session, self.model, self.backend.id, binding.external_id)
            self.assertDone(self.run_jobs())

    # How the tests find out

    @contextmanager
    def _rehearsing(self):
        """Run a block in a rehearsal, and assert that it changes nothing there."""
        before = deepcopy(self.records)
        self.backend.is_rehearsal = True
        yield
        self.assertEqual(
            self.records, before, "It was sent: where it is not sent by request(), call hold_back() before"
        )

    def _previewed(self):
        """Return what an import would do with each record that it lists."""
        session = self.session.with_company(self.backend.company_id)
        with open_flow(session, self.model, self.backend.id, ImportFlow) as environment:
            preview = ImportPreview(environment).run()
        self.assertFalse(preview.stopped)
        return [look.outcome for look in preview.looks if look.model_name == self.model and look.outcome != "other"]
