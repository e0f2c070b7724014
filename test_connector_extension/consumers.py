"""Consumer that exists only where this addon is installed."""

from odoo.addons.connector.event import on_record_write

#: (database, id) of each tag whose change the consumer has received
heard: list[tuple[str, int]] = []


@on_record_write(model_names="test.shop.tag")
def hear(session, model_name, record_id, vals):
    """Note that a tag was written."""
    heard.append((session.cr.dbname, record_id))
