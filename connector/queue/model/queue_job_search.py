"""The search box of jobs: it finds the jobs of a record by its numbers, and others by words.

A number is found by its beginning, in capitals or not, as a list of a million jobs cannot be read for what stands in the midst of a text;
so are the words of descriptions that jobs have of their own. Both are found by indexes alone, also where there is nothing. Functions have
none: there are few, each with any number of jobs. Where a text is the beginning of a function's words the table is read, until there is
enough to show.

What a text means does not depend on which jobs there are: a button on all that were found asks for it again and again while they change.
"""

from odoo import api, models, tools
from odoo.fields import Domain
from odoo.tools import SQL

from ..job import installed_functions

# What people know a record by
_NUMBERS = ("external_id", "record_name")
_WORDS = "regexp_replace(lower({text}), '[^[:alnum:]]+', ' ', 'g')"
# Without the rules of a language: descriptions are in many
_WORDS_OF_DESCRIPTION = f"to_tsvector('simple', {_WORDS.format(text='{column}')})"
# "order 42" becomes order:* & 42:*; nothing if there is no word
_BEGINNINGS = f"to_tsquery('simple', replace(NULLIF(trim({_WORDS.format(text='%s')}), ''), ' ', ':* & ') || ':*')"
# No number is longer, and PostgreSQL refuses words that are much longer
_LONGEST = 250
# Of so many jobs among a million the last ones are found soon by reading from the end
_MANY = 30_000


class QueueJob(models.Model):
    _inherit = "queue.job"

    _external_id_idx = models.Index("(lower(external_id) text_pattern_ops) WHERE external_id IS NOT NULL")
    _record_name_idx = models.Index("(lower(record_name) text_pattern_ops) WHERE record_name IS NOT NULL")
    _description_idx = models.Index(
        f"USING gin ({_WORDS_OF_DESCRIPTION.format(column='description')}) WHERE description IS NOT NULL"
    )

    def _search_name(self, operator, value):
        if operator == "in":
            texts = [str(text) for text in value if text]
            named = Domain.OR([(name, "in", texts)] for name in ("description", "function"))
            return self._has_number(texts) | named
        if operator not in ("like", "ilike", "=like", "=ilike") or not isinstance(value, str):
            # of a negative one Odoo asks for the positive one, and takes the others
            return NotImplemented
        text = value.strip().strip("%")[:_LONGEST]
        if not text:
            return Domain.TRUE
        return (
            self._found(self._has_number([text], more="%") | self._with_words(text))
            | Domain("function", "in", self._functions_with(text))
            | self._as_shown(text)
        )

    def _found(self, domain):
        """Return the domain of the jobs that a domain finds by indexes.

        It asks for them at once. In the list, PostgreSQL would rather read a million jobs from the last one on: it takes a text that no job
        has for one that many have. Where many have it indeed, it is right.
        """
        ids = self.sudo()._search(domain, limit=_MANY).get_result_ids()
        return Domain("id", "in", ids) if len(ids) < _MANY else domain

    def _has_number(self, texts, more=""):
        """Return the domain of the jobs about a record with one of these numbers.

        :param more: ``%`` for numbers that begin so
        """
        escaped = (text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for text in texts)
        return Domain.OR(
            # LIKE for each, as a list of patterns is compared with each entry of the index; small letters are PostgreSQL's on both sides
            Domain.custom(
                to_sql=lambda job, alias, query, name=name, pattern=pattern: SQL(
                    "lower(%s) LIKE lower(%s)", job._field_to_sql(alias, name, query), pattern
                )
            )
            for pattern in (f"{text}{more}" for text in escaped)
            for name in _NUMBERS
        )

    def _with_words(self, text):
        """Return the domain of the jobs that have words with these beginnings in their own description."""

        def in_description(job, alias, query):
            column = job._field_to_sql(alias, "description", query)
            words, beginnings = SQL(_WORDS_OF_DESCRIPTION.format(column="%s"), column), SQL(_BEGINNINGS, text)
            return SQL("(%s IS NOT NULL AND %s @@ %s)", column, words, beginnings)

        return Domain.custom(to_sql=in_description)

    def _as_shown(self, text):
        """Return the domain of the jobs that the list shows with this text, such as “Export an order: S00007”."""
        title, _colon, number = text.partition(": ")
        if not number.strip():
            return Domain.FALSE
        functions = self._functions_with(title)
        return self._found(Domain("function", "in", functions) & self._has_number([number.strip()], more="%"))

    def _functions_with(self, text):
        """Return the names of the functions whose title or name has words that begin so; of a text with a dot, any part of the name."""
        text = text.lower()
        names = [name for name, title in self._titles_of_functions().items() if _begins_a_word(text, name, title)]
        model, _dot, beginning = text.rpartition(".")
        # methods that are no job functions are not listed
        methods = dir(type(self.env[model])) if model in self.env else ()
        return names + [f"{model}.{method}" for method in methods if method.startswith(beginning)]

    @api.model
    @tools.ormcache()
    def _titles_of_functions(self):
        """Return the titles of the job functions by their names."""
        titles = {name: options.description for name, options in installed_functions(self.env).items()}
        titles.update(
            (function.name, function.description) for function in self.env["queue.job.function"].sudo().search([])
        )
        return {name: title or "" for name, title in titles.items()}


def _begins_a_word(text, name, title):
    if "." in text:
        return text in name.lower()
    return name.rpartition(".")[2].lower().startswith(text) or f" {text}" in f" {title.lower()}"
