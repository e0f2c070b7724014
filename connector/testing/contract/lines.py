"""Contract of lines, such as those of an order: they are in Odoo as the system sends them."""

from copy import deepcopy

from ...unit.mapper.mapper import ImportMapper
from .case import ContractCase

#: By how much the id of a new line is higher than that of the one that it is like.
_NEW = 1_000_000


class LineContract(ContractCase):
    # For connectors to override

    def another_line(self, line):
        """Return a line of the system that is like another one of its record, with another id."""
        if "id" not in line:
            return deepcopy(line)
        return {**deepcopy(line), "id": line["id"] + _NEW if isinstance(line["id"], int) else f"{line['id']}-new"}

    def is_gone(self, line):
        """Return whether a line is gone here that the system does not have any more."""
        return not line.exists()

    # The tests

    def test_lines_are_imported_once_and_stay_the_same(self):
        for source, target, _model in self._children():
            binding = self.imported()
            lines = binding[target]
            there = self.records[binding.external_id][source]
            self.assertEqual(len(lines), len(there), f"Of {len(there)} lines at {source}, {len(lines)} are here")
            self.assertDone(self.import_one(binding.external_id, force=True))
            self.assertEqual(binding[target], lines, "The lines have not changed, and are others now")
            self.assertFalse(self.differing(binding.external_id))

    def test_a_line_that_changes_there_changes_here(self):
        for source, target, model in self._children():
            binding = self.imported()
            lines = binding[target]
            self._change(binding, source, lambda there, model=model: there[0].update(self._changed_line(model, there)))
            self.assertEqual(binding[target], lines, "A line that has changed is another one now")

    def test_a_line_that_is_added_there_is_added_here(self):
        for source, target, _model in self._children():
            binding = self.imported()
            lines = binding[target]
            self._change(binding, source, lambda there: there.append(self.another_line(there[-1])))
            self.assertEqual(len(binding[target] - lines), 1, "The new line is not here, or more than once")
            self.assertEqual(lines - binding[target], lines.browse(), "A line that has not changed is another one now")

    def test_a_line_that_is_deleted_there_is_gone_here(self):
        for source, target, _model in self._children():
            binding = self.imported()
            lines = binding[target]
            self._change(binding, source, lambda there: there.pop(0))
            gone = lines.filtered(self.is_gone)
            self.assertEqual(len(gone), 1, "The deleted line is here as before, or more than one is gone")
            self.assertEqual(lines.exists() - gone, lines - gone)

    # How the tests find out

    def _children(self):
        """Return what the mapper says of lines: tuples (source field, field here, model)."""
        children = self.unit(ImportMapper)._compiled.children
        if not children:
            self.skipTest(f"This connector imports no lines of {self.model}: its ImportMapper has no children")
        for source, _target, _model in children:
            if not self.record.get(source):
                self.fail(f"{type(self).__name__}: record has no lines at {source}, of which the tests change some")
        return children

    def _change(self, binding, source, change):
        """Change the lines of a record there, import it, and assert that the change is here.

        :param change: function of the list of lines
        """
        external_id = binding.external_id
        change(self.records[external_id][source])
        self.assertTrue(self.differing(external_id), f"The change of {source} changes nothing here")
        self.records[external_id].update(self.changed_there())  # with its date, where it has one
        self.assertDone(self.import_one(external_id))
        self.assertFalse(self.differing(external_id), f"The change of {source} has not arrived")

    def _changed_line(self, model, lines):
        if self.change_of_line:
            return self.change_of_line
        mapper = self.unit(ImportMapper).unit_for(ImportMapper, model)
        for name in self.plain_texts(mapper, lines[0]):
            return {name: f"{lines[0][name]} changed"}
        return self.fail(
            f"{type(self).__name__}: no text of a line is imported as it is, so say what a change is: "
            'change_of_line = {"quantity": 5}'
        )
