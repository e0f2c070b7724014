"""What is still to be done, told by the identity keys of its jobs."""

from . import buffer, store


def seconds_waiting(env, identity_keys, failed_keys=()):
    """Return for how long jobs with some identity keys have not been done.

    :param identity_keys: texts, the keys whose jobs count that wait or run
    :param failed_keys: texts, the keys whose jobs count that have failed
    :return: dict, identity key to the seconds since its oldest such job was delayed; keys without such a job are left out
    """
    buffer.flush(env.cr)
    return store.seconds_waiting(env.cr, list(identity_keys), list(failed_keys))
