"""Fingerprints of failed jobs: jobs that failed in the same way have the same one.

A fingerprint is a hash of the company, the function, the exception, the place in the code, and the
fields, constraints and models that the message names. The other words of the message are not in it.
They are compared apart, without the parts that vary.

The parts that vary are numbers, identifiers, quoted text, the values of the job's own arguments,
and a word at one place. Messages that differ by no more than that are of one kind, see
:func:`merged`. Names in the code never vary: ``tax_id`` and ``uom_id`` are two causes.
"""

import functools
import hashlib
import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from ..store.failures import FailedJob

VARIES = "…"

#: Characters of a message that are examined; a regular expression on more could take long.
LONGEST_MESSAGE = 1000
LONGEST_TITLE = 200
#: Longer lines of a traceback are skipped.
LONGEST_LINE = 500
LONGEST_ARGUMENTS = 10_000
MOST_ARGUMENTS = 50

_IDENTIFIER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|0x[0-9a-f]+", re.IGNORECASE)
_QUOTED = re.compile(r"""\"([^"]*)\"|“([^”]*)”|(?<!\w)'([^']*)'(?!\w)""")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# A name in the code or a key of a shop: street2, lineItems, EAN, tax-id
_CODE = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
# For text without quotes: only names of several parts can be told from ordinary words
_IN_PARTS = re.compile(r"(?<![\w.])[A-Za-z_][A-Za-z0-9]*(?:[_.][A-Za-z0-9]+)+(?!\w)", re.ASCII)
# A word such as the number of a product, but not street2 or l10n_in_gst
_NUMBERED = re.compile(r"\d{3}|^[A-Za-z]+\d{2,}$")
_NAMES_A_NAME = re.compile(r"\b(?:constraint|column|field|relation|attribute|model|table|index)\s+$", re.IGNORECASE)
#: Exceptions whose message is the name of a key or an attribute.
_OF_NAMES = ("KeyError", "AttributeError", "NameError")


def title(message: str | None) -> str:
    """Return a message as the title of a failure: a real message, on one line."""
    line = " ".join((message or "")[:LONGEST_MESSAGE].split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1] + "…"


def fingerprint(job: FailedJob, place: str, names: Iterable[str]) -> str:
    """Return the hash that jobs of one company share if they failed in the same way.

    It does not contain the words of the message.
    """
    parts = (str(job.company_id), job.function, job.exc_name or "", place, *names)
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


# The message


def names_and_words(
    job: FailedJob, fields: Container[str] = (), known: Container[str] = ()
) -> tuple[list[str], list[str]]:
    """Return ``(names, words)`` of a failed job's message.

    ``names`` are the fields, constraints and models that the message names, sorted. ``words`` are
    the words of its first line, with :data:`VARIES` for the parts that differ from job to job.

    :param fields: names of the fields of the job's model
    :param known: names of several parts: those of the models, fields and constraints of all models
    """
    text = (job.message or "").strip()[:LONGEST_MESSAGE]
    values = _argument_values(job.payload)
    for value in sorted((value for value in values if " " in value), key=len, reverse=True):
        text = text.replace(value, VARIES)
    names: set[str] = set()

    def is_name(word: str, match: re.Match[str]) -> bool:
        before = match.string[max(0, match.start() - 20) : match.start()]
        return (
            word in fields
            or bool(_NAMES_A_NAME.search(before))
            or (word not in values and (word in known or word.endswith(("_id", "_ids"))))
        )

    def without_value(match: re.Match[str]) -> str:
        quoted = next(group for group in match.groups() if group is not None)
        if _CODE.fullmatch(quoted) and (is_name(quoted, match) or _is_missing_name(quoted, job, values)):
            names.add(quoted)
            return f" {quoted} "
        return VARIES

    text = _QUOTED.sub(without_value, _IDENTIFIER.sub(VARIES, text))
    names.update(match[0] for match in _IN_PARTS.finditer(text) if is_name(match[0], match))
    line = next(iter(text.splitlines()), "")
    words = []
    for word in line.split():
        bare = word.strip(".,:;()[]{}!?")
        if bare in names or (word.endswith((":", "=")) and bare in fields):
            names.add(bare)
            words.append(word)
        else:
            words.append(word.replace(bare, VARIES) if bare in values else _NUMBER.sub(VARIES, word))
    return sorted(names), words


def _is_missing_name(quoted: str, job: FailedJob, values: Container[str]) -> bool:
    """Return whether a quoted text is a name that the exception reports as missing.

    That is a key or an attribute, and not a value that was looked for.
    """
    if not (job.exc_name or "").endswith(_OF_NAMES) or quoted.isupper() or _NUMBERED.search(quoted):
        return False
    return quoted not in values or "_" in quoted


def _argument_values(payload: str | None) -> set[str]:
    """Return the texts and numbers among the arguments of a stored call, all as text."""
    if not payload or len(payload) > LONGEST_ARGUMENTS:
        return set()
    try:
        waiting: list[Any] = [json.loads(payload)]
    except ValueError:
        return set()
    values: set[str] = set()
    while waiting and len(values) < MOST_ARGUMENTS:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            text = str(value).strip()
            if 0 < len(text) < LONGEST_TITLE:
                values.add(text)
    return values


def merged(pattern: list[str], words: list[str]) -> list[str] | None:
    """Return the common part of a pattern and a message's words; None if they differ in kind.

    They are of one kind in three cases:

    - They differ at one place, by a word.
    - They differ at a place that is known to vary, by up to three words.
    - They have as many words, and differ in at most a quarter of them.

    Over time, no more than half of the words of a pattern come to vary. With fewer fixed words,
    messages of other kinds would join it.

    :param pattern: words with :data:`VARIES`
    """
    if pattern == words:
        return pattern
    shorter = min(len(pattern), len(words))
    start = 0
    while start < shorter and pattern[start] == words[start]:
        start += 1
    end = 0
    while end < shorter - start and pattern[-1 - end] == words[-1 - end]:
        end += 1
    gap, other = pattern[start : len(pattern) - end], words[start : len(words) - end]
    same = [word for word in pattern[:start] + pattern[len(pattern) - end :] if word != VARIES]
    if same and (max(len(gap), len(other)) <= 1 or (gap == [VARIES] and len(other) <= 3)):
        return _unless_all_varies(pattern[:start] + [VARIES] + pattern[len(pattern) - end :], pattern)
    if len(pattern) == len(words):
        common = [word if word == other else VARIES for word, other in zip(pattern, words, strict=True)]
        if 4 * (common.count(VARIES) - pattern.count(VARIES)) <= len(words):
            return _unless_all_varies(common, pattern)
    return None


def _unless_all_varies(common: list[str], pattern: list[str]) -> list[str] | None:
    return common if common.count(VARIES) <= max(pattern.count(VARIES), len(common) // 2) else None


# The place


class Places:
    """Finder of the places where exceptions were raised, with a cache of the files' modules.

    :param ranks: ``{name of an installed addon: rank}``; the lowest rank counts first
    """

    def __init__(self, ranks: Mapping[str, int]) -> None:
        self._module_of = functools.cache(functools.partial(_module_of, ranks))

    def of(self, exc_info: str | None) -> str:
        """Return the place of an exception, such as ``odoo.addons.shop.models.order: export``.

        It is the last line, in the traceback, of the addons of the lowest rank. It has no line
        number, because that changes when other parts of the file change. It has no path, because
        that is the server's own.
        """
        best: int | None
        best, place = None, ("", "")
        for line in (exc_info or "").splitlines():
            if not line.startswith(_FRAME) or len(line) > LONGEST_LINE:
                continue
            path, _quote, rest = line[len(_FRAME) :].partition('"')
            rank, module = self._module_of(path)
            if best is None or rank <= best:
                best, place = rank, (module, rest)
        module, rest = place
        return module and f"{module}: {rest.rpartition(' in ')[2]}"


_FRAME = '  File "'

# The ranks of files of no installed addon. A file in a folder of addons is somebody's own, the
# others are Python's
_OWN, _PYTHON_S = 0, 99


def _module_of(ranks: Mapping[str, int], path: str) -> tuple[int, str]:
    """Return ``(rank, dotted name)`` of the module of a file.

    The folder tells whether the file belongs to an addon. If not, the name is that in its package.
    """
    parts = path.replace("\\", "/").split("/")
    name = [*parts[:-1], parts[-1].removesuffix(".py")]
    if addon := _index_of_addon(parts[:-1], ranks):
        return ranks.get(parts[addon], _OWN), ".".join(["odoo", "addons", *name[addon:]])
    for index in range(len(parts) - 1, 0, -1):
        if parts[index - 1] in ("site-packages", "dist-packages"):
            return _PYTHON_S, ".".join(name[index:])
    return _PYTHON_S, name[-1]


def _index_of_addon(folders: Sequence[str], ranks: Container[str]) -> int | None:
    """Return the index of the folder that is the file's addon, or None.

    It is the last one in a folder such as ``addons``, or else the first one with an addon's name.
    """
    for index in range(len(folders) - 1, 0, -1):
        if folders[index - 1].endswith("addons"):
            return index
    return next((index for index, folder in enumerate(folders) if folder in ranks), None)
