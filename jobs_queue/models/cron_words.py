"""Describe cron expressions in the words of a language."""

import calendar
import functools
import re
from pathlib import Path

#: A list with the last or the n-th of something, which cron-descriptor gets wrong: L,15 or 1#1,3#2
_SPECIAL_IN_LIST = re.compile(r"(?=\S*,)\S*(#|\bL\d?\b)")


def in_words(expression: str, lang: str, has_24_hours: bool) -> str:
    """Return when a cron expression comes, such as “Every 15 minutes”.

    :param lang: code of the language, such as ``de_DE``. English is used if it has no words.
    :param has_24_hours: write 14:00, not 02:00 PM
    :return: a sentence without a full stop; the expression itself if it has no words
    """
    # a worker, which shows no schedules, starts without them
    from cron_descriptor import ExpressionDescriptor, FormatException, MissingFieldException, Options
    from croniter import croniter

    locale = _locale(lang)
    try:
        times = croniter(expression)
        # croniter has written @daily and the like out
        fields = " ".join(times.expressions).upper()
        # “*/90” of the minutes is no more often than “0”
        has_long_step = any("/" in field and len(times.expanded[n]) == 1 for n, field in enumerate(times.expressions))
        if has_long_step or _SPECIAL_IN_LIST.search(fields):
            return expression
        options = Options(locale_code=locale, use_24hour_time_format=has_24_hours)
        words = ExpressionDescriptor(fields, options).get_description()
    except (FormatException, MissingFieldException, ValueError):
        return expression
    names = _names(locale)
    return re.sub("|".join(names), lambda match: names[match[0]], words)


@functools.cache
def _locale(lang: str) -> str:
    """Return the locale with words that is nearest to a language."""
    import cron_descriptor

    known = sorted(file.stem for file in Path(cron_descriptor.__file__).with_name("locale").glob("*.mo"))
    related = [locale for locale in known if locale.partition("_")[0] == lang.partition("_")[0]]
    return lang if lang in known else (related or ["en_US"])[0]


@functools.cache
def _names(locale: str) -> dict[str, str]:
    """Return the names of days and months, by those of the process, which the words contain."""
    from babel.dates import get_day_names, get_month_names

    days = get_day_names(locale=locale)
    months = get_month_names(context="stand-alone", locale=locale)
    names = {calendar.day_name[number]: days[number] for number in range(7)}
    return names | {calendar.month_name[number]: months[number] for number in range(1, 13)}
