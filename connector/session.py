"""Public import path of ``ConnectorSession``, see :mod:`odoo.addons.jobs_queue.session`.

A session has the user, the context and the transaction in which a connector works.
"""

from odoo.addons.jobs_queue.session import ConnectorSession, Session, checked_session

__all__ = ["ConnectorSession", "Session", "checked_session"]
