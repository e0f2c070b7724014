"""The dates in records of other systems."""

from datetime import UTC, datetime
from typing import Any

# Numbers from here on count milliseconds since 1970: as seconds they would be in the year 5138
_MILLISECONDS = 100_000_000_000
_DAY = len("20260131")


def as_datetime(value: Any) -> datetime:
    """Return a date of a record as a naive datetime in UTC.

    :param value: ISO 8601, in UTC unless it names a zone, or seconds or milliseconds since 1970
    :raise ValueError: it is none; or ``OverflowError``, ``OSError``, ``TypeError``
    """
    if isinstance(value, str):
        value = value.strip()
        if value.isdecimal() and len(value) != _DAY:  # else some numbers would be read as days of a year
            return as_datetime(int(value))
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            value = float(value)
        else:
            return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)
    if isinstance(value, bool):
        raise TypeError
    return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC).replace(tzinfo=None)
