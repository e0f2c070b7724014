"""The external id and the name of the record that a job is about: by them people find the job."""

from collections import defaultdict
from typing import NamedTuple

from .texts import storable

#: So many characters of a record's number or name are kept with a job.
_LONGEST = 250


class LookUp(NamedTuple):
    """A name that is looked up when its job is stored: once for all the jobs that are stored with it.

    :param names: ``function(env, keys)`` that returns a dict, key to name; what it leaves out has none
    :param key: what it knows the name by; hashable
    """

    names: object
    key: object


def as_number(text):
    """Return a text as an index can have it, None if it is empty; a :class:`LookUp` as it is."""
    if isinstance(text, LookUp):
        return text
    # its beginning, by which it is searched for
    return storable(text[:_LONGEST]) if text else None


def look_up_names(jobs):
    """Give jobs that are stored together the names that are to be looked up."""
    waiting = [job for job in jobs if type(job.record_name) is LookUp]
    keys = defaultdict(set)
    for job in waiting:
        keys[job.record_name.names].add(job.record_name.key)
    found = {names: names(jobs[0].env, wanted) for names, wanted in keys.items()}
    for job in waiting:
        names, key = job.record_name
        job.record_name = as_number(found[names].get(key))
