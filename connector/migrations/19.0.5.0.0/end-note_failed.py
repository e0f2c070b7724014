"""Note of which records the failed jobs of before tell, so that later imports close them."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    api.Environment(cr, SUPERUSER_ID, {})["connector.open.record"]._add_all_failed()
