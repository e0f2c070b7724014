"""What the tests share that import values, then others, and compare with a fresh import.

Hypothesis chooses fields and values: the same each time, or others with
``--hypothesis-profile=thorough``.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from odoo.exceptions import UserError, ValidationError
from odoo.tests import TransactionCase

from odoo.addons.connector.unit.binding.changes import Stored, changed_values
from odoo.addons.connector.unit.binding.kept import written_together
from odoo.addons.connector.unit.binding.writing import write_together

EXAMPLES = settings(
    max_examples=settings().max_examples * 5 // 2, deadline=None, suppress_health_check=list(HealthCheck)
)


def change(required, optional):
    """Choose fields, and two values for each: those imported first, and those that come then."""

    def values_of(names):
        fields = {**required, **{name: optional[name] for name in sorted(names)}}
        before, then = st.fixed_dictionaries(fields), st.fixed_dictionaries(fields)
        # most fields stay as they are
        changed = st.sets(st.sampled_from(sorted(fields)), min_size=1, max_size=3)
        return st.builds(
            lambda old, new, names: (old, {**old, **{name: new[name] for name in names}}), before, then, changed
        )

    return st.sets(st.sampled_from(sorted(optional))).flatmap(values_of)


class FreshImportCase(TransactionCase):
    def ids(self, records, empty=False):
        return st.sampled_from([*records.ids, *([False] if empty else [])])

    def assert_fresh(self, model, old, new, **constants):
        """Import values, then others; the record is as if the others were the only ones."""
        model = self.env[model]
        with self.env.cr.savepoint() as savepoint:
            try:
                expected = self.stored(model.create({**constants, **new}), new)
                record = model.create({**constants, **old})
                self.env.flush_all()
            except (UserError, ValidationError):  # no values for this model
                expected = None
            if expected is not None:
                self.update(record, new)
                self.assertEqual(self.stored(record, new), expected, f"{old} became {new}")
            savepoint.rollback()
        self.env.invalidate_all()

    def update(self, record, values):
        write_together(record, written_together(record, changed_values(record, values), values, {}))

    def stored(self, record, values):
        self.env.flush_all()
        self.env.invalidate_all()
        kept = Stored(record)
        return {name: kept.value(name) for name in values}
