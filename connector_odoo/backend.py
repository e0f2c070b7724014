"""The versions of Odoo that this connector speaks with. A unit that is registered on ``odoo`` serves all of them."""

from odoo.addons.connector import Backend

odoo = Backend("odoo")
odoo_19 = Backend(parent=odoo, version="19.0")
odoo_legacy = Backend(parent=odoo, version="legacy")
