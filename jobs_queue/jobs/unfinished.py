"""Look up by identity keys how long work has waited, and which work has failed.

The work of a failed job is unfinished until a later job with its key is done. It counts as long as
ended jobs are kept.
"""

from collections.abc import Iterable

from odoo.api import Environment

from .. import store
from . import buffer
from .keys import stored_key


def seconds_waiting(env: Environment, identity_keys: Iterable[str]) -> dict[str, float]:
    """Return how long jobs with some identity keys have been unfinished.

    Unfinished jobs wait, run or have failed.

    :return: identity key to the seconds since its oldest unfinished job was delayed; keys without
        such a job are left out
    """
    buffer.flush(env.cr)
    stored = {key: stored_key(key) for key in identity_keys}
    seconds = store.keys.seconds_waiting(env.cr, list(stored.values()), _days(env))
    return {key: seconds[name] for key, name in stored.items() if name in seconds}


def keys_of_failed(env: Environment, identity_keys: Iterable[str]) -> set[str]:
    """Return those identity keys of which a job has failed and no later job was done."""
    buffer.flush(env.cr)
    stored = {key: stored_key(key) for key in identity_keys}
    failed = store.keys.of_failed(env.cr, list(stored.values()), _days(env))
    return {key for key, name in stored.items() if name in failed}


def _days(env: Environment) -> float:
    return env["queue.job"]._retention_days()
