"""Bounded counts of jobs, for screens that must come at once with a million of them."""

import time
from collections.abc import Iterable
from typing import Any

from psycopg2.errors import QueryCanceled

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Nobody needs to know of more: a screen shows “10,000+”.
BOUND = 10_000
#: Up to it the side panel counts each state before it goes on to :data:`BOUND`, so that it has something to say of all of them.
FIRST_BOUND = 1_000
#: What takes longer to count is left out of the side panel.
SECONDS_TO_COUNT = 0.2
# The states in the order in which they are counted, until the time is over
_BY_INTEREST = ("failed", "started", "enqueued", "wait_dependencies", "scheduled", "cancelled", "pending", "done")


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def _search_panel_selection_range(self, field_name: str, **kwargs: Any) -> list[dict[str, Any]]:
        """Count the states up to :data:`BOUND`, each by its index, as counting a million jobs would take longer than people wait.

        Where the server reads from its disk, that is too long already, and a state is counted up to :data:`FIRST_BOUND`.

        A state that no job has stays there: when a button has moved the last of its jobs, the client would show all states as chosen, above
        a list of that one.
        """
        if field_name != "state":
            return super()._search_panel_selection_range(field_name, **kwargs)
        domain = Domain(kwargs.get("model_domain", [])) & Domain(kwargs.get("extra_domain", []))
        # not within the time to count: a server that has just started reads the access rules first
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
        """Return how many jobs a domain has, no more than one above a bound; None if counting them took longer.

        :param until: of the monotonic clock
        """
        # half of what is left, so that one that takes long leaves time to the others
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
        """Return ``{key: number of jobs}`` for the jobs of a domain that the user sees, each counted to one above :data:`BOUND`.

        A jump into an index for each key, and so no more than the bound is read of any.

        :param name: of an indexed field of jobs, such as ``channel_id``
        :param keys: its values that are counted
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
