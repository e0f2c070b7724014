"""External id and name of the record of a job, cut to length or looked up later.

People find the job by them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from odoo.api import Environment

from ..exception import JobStopped
from ..texts import storable

if TYPE_CHECKING:
    from .handle import Job

_logger = logging.getLogger(__name__)

#: So many characters of a record's external id or name are kept with a job.
_LONGEST = 250


#: Returns names by key.
Names: TypeAlias = Callable[[Environment, set[Any]], Mapping[Any, object]]


class LookUp(NamedTuple):
    """A name that is looked up when its job is stored.

    There is one look-up for all jobs that are stored together.

    :param names: ``function(env, keys)`` that returns a dict, key to name; a record that it leaves
        out has no name
    :param key: identifies the name for this function
    """

    names: Names
    key: Hashable


def as_number(text: object) -> str | LookUp | None:
    """Return a text cut for the index, None if it is empty, or a :class:`LookUp` unchanged.

    :param text: text, None or False; other values are turned into text
    :raise TypeError: the key of a :class:`LookUp` is not hashable
    """
    if isinstance(text, LookUp):
        hash(text)
        return text
    return _kept(text)


def look_up_names(jobs: list[Job]) -> None:
    """Look up the names of jobs that are stored together, each in the language of its job.

    A job is useful without a name too. So an error here is logged, and the jobs are stored.
    """
    waiting: defaultdict[tuple[Names, str | None], list[Job]] = defaultdict(list)
    for job in jobs:
        if type(job.record_name) is LookUp:
            waiting[job.record_name.names, job.env.context.get("lang")].append(job)
    for (names, _lang), together in waiting.items():
        found = _found(names, together[0].env, {job.record_name.key for job in together})
        for job in together:
            job.record_name = found.get(job.record_name.key)


def _found(names: Names, env: Environment, keys: set[Any]) -> dict[Any, str | None]:
    # changes of the caller must not be undone with the savepoint
    env.transaction.flush()
    try:
        with env.cr.savepoint(flush=False):
            return {key: _kept(name) for key, name in names(env, keys).items()}
    except JobStopped:
        raise
    except Exception:
        env.clear()
        _logger.warning(
            "The names of the records that jobs are about could not be looked up by %s", names, exc_info=True
        )
        return {}


def _kept(text: Any) -> str | None:
    # the beginning is kept: people search for it
    return None if text is None or text is False else storable(text)[:_LONGEST] or None
