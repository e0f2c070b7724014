"""Parse a numeric system parameter, with a default for invalid values."""

from logging import Logger
from typing import Literal

#: The largest number of days or minutes: dates can still be calculated with it.
LARGEST = 100_000


def number_of(text: str | Literal[False] | None, key: str, unit: str, default: float, logger: Logger) -> float:
    """Return the number in a system parameter, or the default if it holds no valid number.

    An invalid value is logged.

    :param text: value of the parameter
    :param key: name of the parameter
    :param unit: such as ``days``
    """
    if text in (None, False, ""):
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1
    if 0 <= number <= LARGEST:
        return number
    logger.warning("The system parameter %s is %r, not a number of %s: %s is used", key, text, unit, default)
    return default
