"""Imaginary shop, which lives in the memory of the process."""

import itertools


class Shop:
    """Records of the shop, and a note of every call that changed one.

    ``records`` is a dict, model name to a dict of id to record. ``calls`` is a list of tuples.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        """Delete all records and notes."""
        self.records = {}
        self.calls = []
        self._ids = itertools.count(1)

    def table(self, model_name):
        return self.records.setdefault(model_name, {})

    def add(self, model_name, external_id, **values):
        """Put a record into the shop, without a note of it."""
        self.table(model_name)[external_id] = {"id": external_id, **values}

    def next_id(self):
        return next(self._ids)


shop = Shop()
