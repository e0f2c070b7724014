"""The kinds of backends of the small shop."""

from odoo.addons.connector import Backend

corner = Backend("corner_shop")
corner_1 = Backend(parent=corner, version="1")
# takes how much there is of articles by another call, which says what it refuses
corner_levels = Backend(parent=corner, version="levels")
