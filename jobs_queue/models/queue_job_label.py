"""Texts by which people find a job.

They are in a table of their own. In the table of jobs, each change of a job's state would write
their indexes again.
"""

from odoo import fields, models

WORDS = "regexp_replace(lower({text}), '[^[:alnum:]]+', ' ', 'g')"
# Without the rules of one language, as descriptions are in many
WORDS_OF_DESCRIPTION = f"to_tsvector('simple', {WORDS.format(text='description')})"


class QueueJobLabel(models.Model):
    """The texts of one job, in a row with the id of the job; without texts there is no row."""

    _name = "queue.job.label"
    _description = "Texts to Find a Job"
    _log_access = False
    _rec_name = "record_name"

    external_id = fields.Char(readonly=True)
    record_name = fields.Char(readonly=True)
    description = fields.Char(readonly=True)

    _external_id_idx = models.Index("(lower(external_id) text_pattern_ops) WHERE external_id IS NOT NULL")
    _record_name_idx = models.Index("(lower(record_name) text_pattern_ops) WHERE record_name IS NOT NULL")
    _description_idx = models.Index(f"USING gin ({WORDS_OF_DESCRIPTION}) WHERE description IS NOT NULL")
