"""What was sent or received, as a person reads it."""

import json


def readable(text):
    """Return JSON with a line for each value, and any other text as it is."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return text
    return json.dumps(value, indent=2, ensure_ascii=False)
