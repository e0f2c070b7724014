"""What jobs that failed in the same way have in common: function, exception, place in the code, and message but for what varies."""

import hashlib
import re

from .texts import TRACEBACK

# What differs from job to job in one message: identifiers, quoted text, numbers
_VARYING = re.compile(
    r"""[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12} | 0x[0-9a-f]+ | "[^"]*" | “[^”]*” | (?<!\w)'[^']*'(?!\w) | \d+(?:[.,:]\d+)*""",
    re.VERBOSE | re.IGNORECASE,
)
# Characters of a message that are looked at: some patterns take the square of the time where what they open is not closed
_LOOKED_AT = 1_000
_FRAME = re.compile(r'^  File "(.+)", line \d+, in (.+)$', re.MULTILINE)


def normalise(message):
    """Return the first line of a message with ``…`` for what differs from job to job."""
    line = next(iter((message or "")[:_LOOKED_AT].strip().splitlines()), "")
    return _VARYING.sub("…", line)[:200]


def place_of(exc_info):
    """Return where an exception was raised, as ``addon/path.py: function``: the last line of an addon's code in a traceback.

    Without the line's number, which changes when other parts of the file do.
    """
    frames = _FRAME.findall((exc_info or "")[-TRACEBACK:])
    in_addons = [frame for frame in frames if "/addons/" in frame[0]]
    if not frames:
        return ""
    path, function = (in_addons or frames)[-1]
    return f"{path.rpartition('/addons/')[2]}: {function}"


def fingerprint(job):
    """Return what is equal for jobs that failed in the same way, in one company.

    :param job: a :class:`~odoo.addons.connector.queue.store.FailedJob`
    """
    parts = (
        str(job.company_id),
        job.function,
        job.exc_name or "",
        place_of(job.exc_info),
        normalise(job.message),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
