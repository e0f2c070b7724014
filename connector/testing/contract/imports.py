"""Contract of imports: each listed record is in Odoo once, with the values of the system."""

from unittest.mock import patch

from ...unit.importer.batch import BatchImporter, DirectBatchImporter
from ...unit.mapper.mapper import ImportMapper
from .case import ContractCase

_LONGEST_LIST = 1200


class ImportContract(ContractCase):
    def test_a_listed_record_is_imported_and_bound(self):
        self.imported()
        (external_id,) = self.ids(1)
        self.assertFalse(self.differing(external_id), "These values are not as the mapper makes them")

    def test_a_record_that_was_imported_already_is_not_written_again(self):
        binding = self.imported()
        with self._noted_writes(binding) as written:
            self.assertDone(self.import_all())
            self.assertDone(self.import_one(binding.external_id))
        self.assertFalse(written, "The record has not changed, and is written again")
        self.assertEqual(self.bindings(), binding)

    def test_what_changes_there_changes_here_and_nothing_else(self):
        first, second = self.ids(2)
        self.add(first, second)
        self.assertDone(self.import_all())
        before = self.bound(first), self.bound(second)
        self.records[str(first)].update(self.changed_there())
        self.assertTrue(self.differing(first), f"{self.changed_there()} changes nothing: give another change")
        with self._noted_writes(before[1]) as written:
            self.assertDone(self.import_all())
        self.assertFalse(self.differing(first), "The change has not arrived")
        self.assertEqual((self.bound(first), self.bound(second)), before)
        self.assertFalse(written, "A record that has not changed is written")

    def test_all_pages_of_a_list_are_read_and_each_record_once(self):
        size = getattr(getattr(self.adapter, "paginator", None), "size", None) or 100
        ids = self.ids(min(2 * size + 1, _LONGEST_LIST))
        self.add(*ids)
        found = list(map(str, self.adapter.search()))
        self.assertEqual(sorted(found), sorted(map(str, ids)))

    def test_an_empty_list_is_no_failure(self):
        self.assertDone(self.import_all())
        self.assertFalse(self.bindings())

    def test_one_bad_record_costs_no_other_record_of_its_page(self):
        if isinstance(self.unit(BatchImporter), DirectBatchImporter):
            self.skipTest("A DirectBatchImporter imports nothing of a list with a bad record")
        good, bad, better = self.ids(3)
        self.add(good, bad, better)
        self.records[str(bad)].update(self._bad_values())
        jobs = self.import_all()
        for external_id in (good, better):
            self.bound(external_id)
        self.assertNotIn(str(bad), self.bindings().mapped("external_id"), "The bad record is imported")
        self.assertTrue(
            self.asked() or jobs.filtered(lambda job: job.state != "done"), "Nobody is told of the bad record"
        )

    def test_a_field_that_vanishes_there_empties_nothing_here(self):
        mapper = self.unit(ImportMapper)
        if mapper._leaves_out_empty:
            self.skipTest("This system leaves out what is empty, says _leaves_out_empty: it means that with each field")
        binding = self.imported()
        (external_id,) = self.ids(1)
        for field in sorted(mapper.source_fields & self.record.keys() - {self._id_name}):
            before = self._contents(binding)
            del self.records[str(external_id)][field]
            jobs = self.import_all() + self.import_one(external_id)
            if jobs.filtered(lambda job: job.state == "failed"):
                self.bindings().sync_state = "in_sync"  # somebody is told: that is as good
            self.assertEqual(self._contents(binding), before, f"Without {field}, values here are emptied")
            self.add(external_id)
            self.run_jobs()
            self.import_one(external_id, force=True)

    def test_what_records_refer_to_is_imported_with_them_and_once(self):
        if not self.refers_to:
            self.skipTest("A record of this system needs no other one, says refers_to = {}")
        self.add(*self.ids(2))
        self.assertDone(self.import_all())
        for model, external_id in self.refers_to.items():
            domain = [("backend_id", "=", self.backend.id), ("external_id", "=", str(external_id))]
            found = self.env[model].search_count(domain)
            self.assertEqual(found, 1, f"{model} {external_id}, to which two records refer, is bound {found} times")

    def test_odd_ids_stay_as_they_are(self):
        for external_id in self.odd():
            self.records.clear()
            self.add(external_id)
            self.import_all()
            binding = self.bound(external_id)
            self.records[str(external_id)].update(self.changed_there())
            self.assertDone(self.import_one(external_id))
            self.assertEqual(self.bound(external_id), binding)
            self.assertFalse(self.differing(external_id), f"The record {external_id!r} is not found by its id")

    def test_a_record_that_the_system_does_not_have_is_not_bound(self):
        (external_id,) = self.ids(1)
        self.import_one(external_id)
        self.assertFalse(self.bindings(), "A record is bound that the system does not have")

    def test_a_record_that_was_deleted_there_is_no_failure_and_no_other_record(self):
        binding = self.imported()
        external_id, count = binding.external_id, len(self.bindings())
        self.records.clear()
        self.assertDone(self.import_one(external_id))
        self.assertLessEqual(len(self.bindings()), count)

    def test_a_record_whose_binding_was_deleted_is_imported_once(self):
        binding = self.imported()
        external_id = binding.external_id
        binding.unlink()
        self.run_jobs()
        if external_id not in self.records:
            self.skipTest("With its binding this connector deletes the record there, too")
        self.assertDone(self.import_one(external_id, force=True))
        self.bound(external_id)

    # How the tests find out

    def _noted_writes(self, bindings):
        """Note what is written on records: a list of (model, dict)."""
        return _NotedWrites(bindings)

    def _contents(self, binding):
        """Return the values of all fields that the import maps."""
        values = self.unit(ImportMapper).map_record(self.another(self.ids(1)[0]), binding=binding).values()
        return {name: binding[name] for name in values if name in binding._fields}

    def _bad_values(self):
        if self.bad:
            return self.bad
        for source in self.mapped_texts():
            return {source: {"no": "text"}}
        return self.fail(
            f"{type(self).__name__}: no text of record is imported as it is, so say what cannot be imported: "
            'bad = {"name": None}'
        )


class _NotedWrites:
    """Notes what is written on bindings, and on the records that they bind."""

    def __init__(self, bindings):
        self._bindings = bindings

    def __enter__(self):
        self._written, self._patches = [], []
        bound = self._bindings.mapped("odoo_id") if "odoo_id" in self._bindings._fields else self._bindings
        for records in {self._bindings._name: self._bindings, bound._name: bound}.values():
            self._patches.append(patch.object(type(records), "write", self._noting(records)))
            self._patches[-1].start()
        return self._written

    def __exit__(self, *exception):
        for patched in self._patches:
            patched.stop()

    def _noting(self, noted):
        write, written = type(noted).write, self._written

        def noting(records, values):
            if set(records.ids) & set(noted.ids):
                written.append((records._name, values))
            return write(records, values)

        return noting
