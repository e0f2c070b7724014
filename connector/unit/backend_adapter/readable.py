"""Format a body for a person: JSON with a line for each value."""

import json

from .decoding import json_value


def readable(text: str | None) -> str | None:
    """Return JSON with a line for each value, and any other text as it is."""
    try:
        value = json_value(text or "")
        shown = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    # JSON may contain half of a surrogate pair, which no screen can show
    return shown.encode(errors="backslashreplace").decode()
