"""Aspect of ``queue.job``: bounded counts, so that screens open at once with a million jobs."""

import time
from collections.abc import Iterable
from typing import Any

from psycopg2.errors import QueryCanceled

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Counts stop here, as nobody needs to know more: a screen shows “10,000+”.
BOUND = 10_000
#: The side panel first counts each state up to this bound, so that it can show something for all of
#: them. Then it goes on to :data:`BOUND`.
FIRST_BOUND = 1_000
#: Counts that take longer are left out of the side panel.
SECONDS_TO_COUNT = 0.2
# The states in the order in which they are counted, until the time is over
_BY_INTEREST = ("failed", "started", "enqueued", "wait_dependencies", "scheduled", "cancelled", "pending", "done")


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def _search_panel_selection_range(self, field_name: str, **kwargs: Any) -> list[dict[str, Any]]:
        """Count the jobs in each state for the side panel, up to :data:`BOUND`.

        Each state is counted by its index, as counting a million jobs would take longer than people
        wait. If the server reads from its disk, even that takes too long. The state is then counted
        up to :data:`FIRST_BOUND`.

        A state without jobs stays in the panel. If it were left out when a button has moved the
        last of its jobs, the client would show all states as chosen, above a list of that one.
        """
        if field_name != "state":
            return super()._search_panel_selection_range(field_name, **kwargs)
        domain = Domain(kwargs.get("model_domain", [])) & Domain(kwargs.get("extra_domain", []))
        # this is not part of the time to count: a server that has just started reads the access
        # rules first
        self._search(domain)
        until = time.monotonic() + SECONDS_TO_COUNT
        counts = self._count_states(domain, FIRST_BOUND, _BY_INTEREST, until)
        many = [state for state, count in counts.items() if count and count > FIRST_BOUND]
        counted_on = self._count_states(domain, BOUND, many, until)
        values = []
        for state, label in self._fields["state"]._description_selection(self.env):
            count, bound = counts[state], FIRST_BOUND
            if counted_on.get(state):
                count, bound = counted_on[state], BOUND
            if count and count <= bound:
                values.append({"id": state, "display_name": label, "__count": count})
            else:
                # the client shows no 0
                more = "" if count is None else f" ({self._bounded(count, bound)})"
                values.append({"id": state, "display_name": label + more})
        return values

    @api.model
    def _count_states(self, domain: Domain, bound: int, states: Iterable[str], until: float) -> dict[str, int | None]:
        return {state: self._count_until(domain & Domain("state", "=", state), bound, until) for state in states}

    @api.model
    def _count_until(self, domain: Domain, bound: int, until: float) -> int | None:
        """Count the jobs of a domain up to one above a bound; None if that takes longer.

        :param until: of the monotonic clock
        """
        # half of the time that is left, so that a slow count leaves time to the others
        milliseconds = int(1000 * (until - time.monotonic()) / 2)
        if milliseconds <= 0:
            return None
        cr = self.env.cr
        cr.execute("SELECT current_setting('statement_timeout')")
        (before,) = cr.fetchone()
        try:
            with cr.savepoint(flush=False):
                cr.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))
                # not search_count(), which would log that the time was over
                jobs = self._search(domain, limit=bound + 1).subselect()
                self.env.flush_query(jobs)
                cr.execute(SQL("SELECT count(*) FROM (%s) AS bounded", jobs), log_exceptions=False)
                (count,) = cr.fetchone()
                cr.execute("SELECT set_config('statement_timeout', %s, true)", (before,))
        except QueryCanceled:
            # the end of the savepoint has undone the setting
            return None
        return count

    @api.model
    def _bounded(self, count: int, bound: int) -> str:
        """Return a number as a person reads it, such as “10,000+” above the bound."""
        number = min(count, bound)
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        text = self.env["res.lang"].browse(lang.id).format("%d", number, grouping=True) if lang else str(number)
        return text + "+" * (count > bound)

    @api.model
    def _count_by(self, name: str, keys: Iterable[Any], domain: api.DomainType) -> dict[Any, int]:
        """Return ``{key: number of jobs}`` for the jobs of a domain that the user sees.

        Each key is counted to one above :data:`BOUND`. There is one look-up in an index for each
        key, so no more rows than the bound are read for any key.

        :param name: of an indexed field of jobs, such as ``channel_id``
        :param keys: values of the field that are counted
        """
        query = self._search(domain)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT key, (
                    SELECT count(*) FROM (SELECT FROM %(jobs)s WHERE %(field)s = key AND %(condition)s LIMIT %(limit)s) AS bounded
                ) FROM unnest(%(keys)s::%(type)s[]) AS key
                """,
                jobs=query.from_clause,
                field=SQL.identifier(self._table, name),
                condition=query.where_clause or SQL("true"),
                limit=BOUND + 1,
                keys=list(keys),
                type=SQL(self._fields[name].column_type[0]),
            )
        )
        return dict(rows)
