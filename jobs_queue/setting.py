"""Parse a numeric system parameter, with a default for invalid values."""

from logging import Logger
from typing import Literal

#: No number of days or minutes is larger: what is reckoned with it is a date still.
LARGEST = 100_000


def number_of(text: str | Literal[False] | None, key: str, unit: str, default: float, logger: Logger) -> float:
    """Return the number that a system parameter holds; the default where it has none, or none that can be used, which the log says.

    :param text: its value
    :param key: its name
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
