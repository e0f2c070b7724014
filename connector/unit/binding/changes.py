"""Compare values with a record, and write only what differs."""

from collections import defaultdict

from odoo import Command


def changed_values(record, values):
    """Return those of the values that writing them would change.

    Values are compared as the field would store them: rounded to its digits, dates given as text or
    as dates.

    :param record: recordset of one record
    :param values: dict, as for ``write``
    """
    return {name: value for name, value in values.items() if _is_change(record, name, value)}


def _is_change(record, name, value):
    field = record._fields[name]
    if field.inherited:
        # compared in the parent record: once the inheriting record has the field in its cache, each
        # write to the parent searches for the inheriting records whose cache is outdated
        return _is_change(record[_link(field)], name, value)
    if field.type in ("one2many", "many2many"):
        return _commands_change(record[field.name], value)
    return field.convert_to_cache(value, record) != field.convert_to_cache(record[field.name], record, validate=False)


def _commands_change(records, commands):
    """Return whether the commands of an x2many field would change something."""
    ids = set(records.ids)
    for command in commands or ():
        code, record_id, argument = (*command, 0, ())[:3]  # (5,) is a command as (5, 0, 0) is
        if code == Command.LINK:
            ids.add(record_id)
        elif code == Command.UNLINK:
            ids.discard(record_id)
        elif code == Command.CLEAR:
            ids.clear()
        elif code == Command.SET:
            ids = set(argument)
        else:  # create, update, delete
            return True
    return ids != set(records.ids)


def write_inherited(record, values):
    """Write values on a record and the records it inherits from (``_inherits``), by one call each.

    The record itself would write the inherited values one by one, with a call for each field.

    :param record: recordset of one record
    :param values: dict, as for ``write``
    """
    fields = record._fields
    own, inherited = {}, defaultdict(dict)
    for name, value in values.items():
        if fields[name].inherited:
            inherited[_link(fields[name])][name] = value
        else:
            own[name] = value
    for link, its_values in inherited.items():
        write_inherited(record[link], its_values)
    if own:
        record.write(own)


def _link(field):
    """Return the name of the many2one to the record from which a field is inherited."""
    return field.related.partition(".")[0]
