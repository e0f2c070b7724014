"""The user, the context and the transaction in which a connector works, see :mod:`odoo.addons.jobs_queue.session`."""

from odoo.addons.jobs_queue.session import ConnectorSession, Session, checked_session
