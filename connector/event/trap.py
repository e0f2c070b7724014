"""A block of which nothing stays: what it does is rolled back, and nothing leaves it.

- Its changes are rolled back, with a savepoint. So are its locks.
- What is to be done before or after the commit is forgotten: consumers of ``on_record_change``,
  mails, notifications.
- The jobs that it delays are kept in a list, exports among them.
- Mails are not sent, see ``models/ir_mail_server.py``.
- Requests that write in another system are not sent, see
  :mod:`~odoo.addons.connector.unit.backend_adapter.rehearsal`.
- A commit of its code does nothing.

These stay: numbers that it has taken from sequences, files in the filestore (Odoo deletes those
that nobody uses), and what its code sends by ways of its own, such as a text message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn
from weakref import WeakSet

from odoo import api
from odoo.sql_db import BaseCursor
from odoo.tools.misc import Callbacks

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.jobs.handle import Job
from odoo.addons.jobs_queue.jobs.trap import trapped_jobs

_CALLBACKS = ("precommit", "postcommit", "prerollback", "postrollback")

_trapped: WeakSet[BaseCursor] = WeakSet()


def is_trapped(cr: BaseCursor) -> bool:
    """Return whether the transaction of a cursor is in a block of :func:`trapped`."""
    return cr in _trapped


@contextmanager
def trapped(env: api.Environment) -> Iterator[list[Job]]:
    """Let nothing stay of a block.

    ::

        with trapped(env) as jobs:
            importer.run(42)
            name = binding.name
        # the binding is as it was; jobs has what would have been delayed

    :param env: Odoo environment of the transaction
    :return: list of the jobs that the block has delayed
    :raise RuntimeError: the transaction is in such a block already
    """
    cr = env.cr
    cr.flush()  # what comes from before the block is not of it
    with trapped_jobs(cr) as jobs, _own_callbacks(cr), _not_ended(cr):
        savepoint = cr.savepoint()
        _trapped.add(cr)
        try:
            yield jobs
        finally:
            _trapped.discard(cr)
            kept = jobs[:]
            savepoint.close(rollback=True)
            jobs[:] = kept  # the rollback takes them out of the list
            _forget_cached(env)


@contextmanager
def _own_callbacks(cr: BaseCursor) -> Iterator[None]:
    """Have callbacks of the transaction in the block that nobody calls."""
    before = {name: getattr(cr, name) for name in _CALLBACKS}
    for name in _CALLBACKS:
        setattr(cr, name, Callbacks())
    try:
        yield
    finally:
        for name, callbacks in before.items():
            setattr(cr, name, callbacks)


@contextmanager
def _not_ended(cr: BaseCursor) -> Iterator[None]:
    """Let no code of the block end the transaction."""

    def rollback() -> NoReturn:
        raise FailedJobError("It rolls back the transaction by itself, so nobody knows what it would do")

    own = {name: vars(cr)[name] for name in ("commit", "rollback") if name in vars(cr)}
    cr.commit, cr.rollback = cr.flush, rollback
    try:
        yield
    finally:
        del cr.commit, cr.rollback
        vars(cr).update(own)


def _forget_cached(env: api.Environment) -> None:
    """Empty the caches of the process that may have what is rolled back now."""
    if names := list(env.registry.cache_invalidated):
        env.registry.clear_cache(*names)
