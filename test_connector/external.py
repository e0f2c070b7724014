"""The imaginary shop itself: it lives in the memory of the process."""

import itertools


class Shop:
    """Records by model and id, and a note of every call that changed one.

    ``records`` is a dict, model name to a dict of id to record; ``calls`` a list of tuples.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget everything."""
        self.records = {}
        self.calls = []
        self._ids = itertools.count(1)

    def table(self, model_name):
        return self.records.setdefault(model_name, {})

    def add(self, model_name, external_id, **values):
        """Put a record into the shop, without a note."""
        self.table(model_name)[external_id] = {"id": external_id, **values}

    def next_id(self):
        return next(self._ids)


shop = Shop()
