"""The search box of jobs: it finds the jobs of a record by its numbers, and others by words, by indexes alone, also where there is nothing.

A number is found by its beginning, in capitals or not, as a list of a million jobs cannot be read for what stands in the midst of a text.
So are the words of descriptions that jobs have of their own. Functions are few: what stands anywhere in their names is looked for here.
"""

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

# What people know a record by
_NUMBERS = ("external_id", "record_name")
_WORDS = "regexp_replace(lower({text}), '[^[:alnum:]]+', ' ', 'g')"
# Without the rules of a language: descriptions are in many
_WORDS_OF_DESCRIPTION = f"to_tsvector('simple', {_WORDS.format(text='{column}')})"
# "order 42" becomes order:* & 42:*; nothing if there is no word
_BEGINNINGS = f"to_tsquery('simple', replace(NULLIF(trim({_WORDS.format(text='%s')}), ''), ' ', ':* & ') || ':*')"


class QueueJob(models.Model):
    _inherit = "queue.job"

    _external_id_idx = models.Index("(lower(external_id) text_pattern_ops) WHERE external_id IS NOT NULL")
    _record_name_idx = models.Index("(lower(record_name) text_pattern_ops) WHERE record_name IS NOT NULL")
    # Few jobs have a description of their own
    _description_idx = models.Index(
        f"USING gin ({_WORDS_OF_DESCRIPTION.format(column='description')}) WHERE description IS NOT NULL"
    )

    def _search_name(self, operator, value):
        if operator == "in":
            named = Domain.OR([(name, "in", value)] for name in ("description", "function"))
            return Domain.OR(self._has_number(name, list(filter(None, value)), exact=True) for name in _NUMBERS) | named
        if operator not in ("like", "ilike", "=like", "=ilike") or not isinstance(value, str):
            # of a negative one Odoo asks for the positive one, and takes the others
            return NotImplemented
        text = value.strip().strip("%")
        if not text:
            return Domain.TRUE
        record = self._of_record(text, exact=True)
        if self.search_count(record, limit=1):
            return record
        return self._of_record(text) | self._with_words(text) | self._as_shown(text)

    def _of_record(self, text, exact=False):
        """Return the domain of the jobs about a record with that number, or with one that begins so."""
        return Domain.OR(self._has_number(name, [text], exact) for name in _NUMBERS)

    def _has_number(self, name, texts, exact=False):
        patterns = [text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").lower() for text in texts]
        patterns = patterns if exact else [f"{pattern}%" for pattern in patterns]
        if not patterns:
            return Domain.FALSE
        # LIKE for each, as a list of patterns is compared with each entry of the index
        return Domain.OR(
            Domain.custom(
                to_sql=lambda job, alias, query, pattern=pattern: SQL(
                    "lower(%s) LIKE %s", job._field_to_sql(alias, name, query), pattern
                )
            )
            for pattern in patterns
        )

    def _with_words(self, text):
        """Return the domain of the jobs that have words with these beginnings in their own description, or whose function has the text."""

        def in_description(job, alias, query):
            column = job._field_to_sql(alias, "description", query)
            words, beginnings = SQL(_WORDS_OF_DESCRIPTION.format(column="%s"), column), SQL(_BEGINNINGS, text)
            return SQL("(%s IS NOT NULL AND %s @@ %s)", column, words, beginnings)

        return Domain.custom(to_sql=in_description) | self._of_functions(text, ("name", "description"))

    def _as_shown(self, text):
        """Return the domain of the jobs that the list shows with this text, such as “Export an order: S00007”."""
        function, colon, number = text.partition(": ")
        if not colon:
            return Domain.FALSE
        return self._of_functions(function, ("description",)) & self._of_record(number.strip())

    def _of_functions(self, text, names):
        functions = self.env["queue.job.function"].sudo().search(Domain.OR([(name, "ilike", text)] for name in names))
        return Domain("function", "in", functions.mapped("name") + self._methods_like(text))

    def _methods_like(self, text):
        """Return the methods that begin so, as ``res.partner.wri`` does: those that are no job functions have no record."""
        model, _dot, beginning = text.rpartition(".")
        methods = dir(type(self.env[model])) if model in self.env else ()
        return [f"{model}.{method}" for method in methods if method.startswith(beginning)]
