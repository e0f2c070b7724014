"""Backends of this connector: the versions of the other Odoo.

A unit that is registered on ``odoo`` serves all versions.
"""

from odoo.addons.connector import Backend

odoo = Backend("odoo")
odoo_19 = Backend(parent=odoo, version="19.0")
odoo_legacy = Backend(parent=odoo, version="legacy")
