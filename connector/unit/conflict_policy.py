"""The conflict policy: which side wins when a record was changed on both. Exports and imports obey it."""

from .synchronizer import Exporter

CONFLICT_POLICIES = ("odoo_wins", "external_wins", "newest", "ask")


class ConflictPolicy(Exporter):
    """The part of an exporter that says what happens to a record that was changed on both sides.

    ``_conflict_policy`` is one of

    - ``"odoo_wins"`` (the default): ours is sent; nobody looks at the record there, which saves a call
    - ``"external_wins"``: the record there is imported, and ours is not sent
    - ``"newest"``: the one that was changed last wins, by the clocks of both systems: the importer's ``_get_external_date`` against the
      date of change of our record. Ours, if both are equal
    - ``"ask"``: nothing is changed on either side, by imports neither. The binding is in conflict, and a checkpoint asks for a decision

    Whether the export or an import finds the conflict, the outcome is the same: see
    :class:`~odoo.addons.connector.unit.exporter.conflict.ConflictResolution` and :mod:`~odoo.addons.connector.unit.importer.unsent`.
    """

    _conflict_policy = "odoo_wins"

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # or a property, where each backend has a policy of its own
        if isinstance(cls._conflict_policy, str) and cls._conflict_policy not in CONFLICT_POLICIES:
            raise ValueError(
                f"{cls.__qualname__}._conflict_policy is {cls._conflict_policy!r}: it must be one of {', '.join(CONFLICT_POLICIES)}"
            )
