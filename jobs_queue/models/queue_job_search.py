"""Aspect of ``queue.job``: the search box, by external id, by name of the record, and by words.

A number is found by its beginning, in upper or lower case, because a list of a million jobs cannot
be read for text in the middle. The words of descriptions that jobs have of their own are found in
the same way. Both are found by indexes alone, those of ``queue_job_label``, also if nothing
matches. Functions have no such index: there are few, each with any number of jobs. If a text is the
beginning of a function's words, the table is read until there is enough to show.

The meaning of a text does not depend on the jobs that exist. A button on all jobs that were found
searches for the text again and again, while the jobs change.
"""

from collections.abc import Iterable, Sequence
from types import NotImplementedType
from typing import Any

from odoo import api, models, tools
from odoo.fields import Domain
from odoo.tools import SQL

from ..jobs import installed_functions
from .queue_job_label import WORDS, WORDS_OF_DESCRIPTION

# The fields by which people know a record
_NUMBERS = ("external_id", "record_name")
# "order 42" becomes order:* & 42:*; nothing if there is no word
_BEGINNINGS = f"to_tsquery('simple', replace(NULLIF(trim({WORDS.format(text='%s')}), ''), ' ', ':* & ') || ':*')"
# No number is longer, and PostgreSQL refuses words that are much longer
_LONGEST = 250
# If so many jobs among a million match, the last ones are soon found by reading from the end
_MANY = 30_000


class QueueJob(models.Model):
    _inherit = "queue.job"

    def _search_name(self, operator: str, value: Any) -> Domain | NotImplementedType:
        if operator == "in":
            texts = [str(text) for text in value if text]
            named = Domain.OR([(name, "in", texts)] for name in ("description", "function"))
            return self._labelled(_numbers(texts)) | named
        if operator not in ("like", "ilike", "=like", "=ilike") or not isinstance(value, str):
            # for a negative operator, Odoo asks for the positive one and takes the other jobs
            return NotImplemented
        text = value.strip().strip("%")[:_LONGEST]
        if not text:
            return Domain.TRUE
        return (
            self._labelled([*_numbers([text], more="%"), _words(text)])
            | Domain("function", "in", self._functions_with(text))
            | self._as_shown(text)
        )

    @api.model
    def _of_numbers(self, numbers: Iterable[str]) -> Domain:
        """Return the domain of the jobs of records with these external ids or names.

        It is for code that knows the whole number, in upper or lower case.
        """
        return self._labelled(_numbers(numbers))

    def _labelled(self, conditions: Sequence[SQL]) -> Domain:
        """Return the domain of the jobs whose labels fulfil one of some conditions.

        The labels are looked up at once. In the query of the list, PostgreSQL would rather read a
        million jobs from the last one on, because it takes a text that no job has for one that many
        jobs have. If many jobs do have it, PostgreSQL is right.

        :param conditions: an index answers each of them
        """
        if not conditions:
            return Domain.FALSE
        looks = _looks(conditions)
        rows = self.env.execute_query(SQL("SELECT id FROM (%s) AS label LIMIT %s", looks, _MANY))
        if len(rows) < _MANY:
            return Domain("id", "in", [id_ for (id_,) in rows])
        return Domain.custom(
            to_sql=lambda job, alias, query: SQL("%s IN (%s)", job._field_to_sql(alias, "id", query), looks)
        )

    def _as_shown(self, text: str) -> Domain:
        """Return the domain of the jobs that the list shows with this text.

        The list shows a job as “Export an order: S00007”, for example.
        """
        title, _colon, number = text.partition(": ")
        if not number.strip():
            return Domain.FALSE
        numbers = self._labelled(_numbers([number.strip()], more="%"))
        return Domain("function", "in", self._functions_with(title)) & numbers

    def _functions_with(self, text: str) -> list[str]:
        """Return the names of the functions whose title or name has a word that begins so.

        For a text with a dot, any part of the name counts.
        """
        text = text.lower()
        names = [name for name, title in self._titles_of_functions().items() if _begins_a_word(text, name, title)]
        model, _dot, beginning = text.rpartition(".")
        # methods that are no job functions are not in the list of titles
        methods = dir(type(self.env[model])) if model in self.env else ()
        return names + [f"{model}.{method}" for method in methods if method.startswith(beginning)]

    @api.model
    @tools.ormcache()
    def _titles_of_functions(self) -> dict[str, str]:
        """Return the titles of the job functions by their names."""
        functions = installed_functions(self.env)
        titles = {
            name: options.description
            for options in functions.values()
            # jobs keep the name that their function had when they were stored
            for name in (options.name, *options.former_names)
        }
        titles.update(
            (function.name, function.description) for function in self.env["queue.job.function"].sudo().search([])
        )
        return {name: title or "" for name, title in titles.items()}


def _looks(conditions: Iterable[SQL]) -> SQL:
    """Return the query for the ids of jobs whose labels fulfil one of some conditions.

    Each condition is one look-up in an index.
    """
    return SQL(" UNION ALL ").join(SQL("SELECT id FROM queue_job_label WHERE %s", one) for one in conditions)


def _numbers(texts: Iterable[str], more: str = "") -> list[SQL]:
    """Return the conditions of labels with one of these numbers.

    There is a LIKE for each number, because a list of patterns would be compared with each entry of
    the index. PostgreSQL makes both sides lower case.

    :param more: ``%`` for numbers that begin with the text
    """
    escaped = (text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for text in texts)
    return [
        SQL("lower(%s) LIKE lower(%s)", SQL.identifier(name), f"{text}{more}") for text in escaped for name in _NUMBERS
    ]


def _words(text: str) -> SQL:
    """Return the condition of labels with a description that has words with these beginnings."""
    return SQL(f"description IS NOT NULL AND {WORDS_OF_DESCRIPTION} @@ {_BEGINNINGS}", text)


def _begins_a_word(text: str, name: str, title: str) -> bool:
    if "." in text:
        return text in name.lower()
    return name.rpartition(".")[2].lower().startswith(text) or f" {text}" in f" {title.lower()}"
