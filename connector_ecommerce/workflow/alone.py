"""Do a thing with many records at once, in a way that a record that is refused stops no other."""

from collections.abc import Callable
from typing import TypeAlias

from psycopg2 import OperationalError

from odoo.models import BaseModel

from odoo.addons.connector.exception import JobError

#: A record, and why it was refused.
Refused: TypeAlias = list[tuple[BaseModel, Exception]]


def do_with_each(records: BaseModel, act: Callable[[BaseModel], object]) -> Refused:
    """Call ``act(records)``; if it raises, do so with each half, down to the refused record.

    What was done for a record that is refused is undone.

    :param act: function of a recordset; it has no effect outside of the database
    :return: list of ``(record, exception)``
    :raise OperationalError: another transaction was in the way: the job has to begin again
    """
    if not records:
        return []
    try:
        with records.env.cr.savepoint():
            act(records)
    except (OperationalError, JobError):
        raise
    except Exception as error:
        if len(records) == 1:
            return [(records, error)]
        middle = len(records) // 2
        return do_with_each(records[:middle], act) + do_with_each(records[middle:], act)
    return []
