from odoo.tests import TransactionCase, tagged

from odoo.addons.jobs_queue.tests.menus import MenusTests


@tagged("post_install", "-at_install")
class TestMenus(MenusTests, TransactionCase):
    root = "connector.menu_connector_root"
    groups = ("connector.group_connector_user", "connector.group_connector_manager")
