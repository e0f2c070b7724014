"""What a check of the connection test has found."""

from __future__ import annotations

from dataclasses import dataclass

OK, UNKNOWN, WRONG, NOT_ASKED = "ok", "unknown", "wrong", "not_asked"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    :param subject: what was checked, such as “Address”, for a person
    :param outcome: one of :data:`OK`, :data:`UNKNOWN`, :data:`WRONG` and :data:`NOT_ASKED`
    :param text: the outcome as a sentence, with the way out where something is wrong
    :param check: name of the check in code, such as ``"address"``; ``"rights"``: may our user read
        the records of a model
    """

    subject: str
    outcome: str
    text: str
    check: str = ""
