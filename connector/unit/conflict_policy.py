"""The conflict policy of a model: which side wins when a record was changed on both sides.

Exports and imports follow it.
"""

from .synchronizer import Exporter


class ConflictPolicy(Exporter):
    """The part of an exporter that defines what happens to a record that was changed on both sides.

    ``policy("conflict")`` is what people have chosen, or else ``_conflict_policy``: one of

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
