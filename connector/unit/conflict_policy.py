"""The conflict policy of a model: which side wins when a record was changed on both sides.

Exports and imports follow it.
"""

from typing import Any

from .synchronizer import Exporter

CONFLICT_POLICIES = ("odoo_wins", "external_wins", "newest", "ask")


class ConflictPolicy(Exporter):
    """The part of an exporter that defines what happens to a record that was changed on both sides.

    ``_conflict_policy`` is one of

    - ``"odoo_wins"`` (the default): the Odoo record is sent. The external record is not read
      before, which saves a call
    - ``"external_wins"``: the external record is imported, and the Odoo record is not sent
    - ``"newest"``: the record that was changed last wins, by the clocks of both systems. The date
      of the importer's ``_get_external_date`` is compared with the date of change of the Odoo
      record. If both are equal, Odoo wins
    - ``"ask"``: neither side is changed, not by imports either. The binding is in conflict, and a
      checkpoint asks a person to decide

    The result is the same whether the export or an import finds the conflict. See
    :class:`~odoo.addons.connector.unit.exporter.conflict.Conflict` and
    :mod:`~odoo.addons.connector.unit.importer.unsent`.
    """

    _conflict_policy: str = "odoo_wins"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # or a property, if each backend has its own policy
        if isinstance(cls._conflict_policy, str) and cls._conflict_policy not in CONFLICT_POLICIES:
            raise ValueError(
                f"{cls.__qualname__}._conflict_policy is {cls._conflict_policy!r}: it must be one of {', '.join(CONFLICT_POLICIES)}"
            )
