"""Command ``odoo connector_scaffold``, which writes the addon of a new connector."""

import sys

from odoo.cli import Command


class ConnectorScaffold(Command):
    """Write the addon of a new connector: it installs, passes its tests, and imports records."""

    name = "connector_scaffold"

    def run(self, args):
        """Parse the arguments, write the addon, and print the next steps."""
        self.parser.add_argument(
            "service", help="what the connector speaks with, such as shop: the addon is called connector_shop"
        )
        self.parser.add_argument(
            "directory", nargs="?", default=".", help="where to write it (default: the current one)"
        )
        options = self.parser.parse_args(args)

        from odoo.addons.connector.scaffold import write_connector

        try:
            addon = write_connector(options.service, options.directory)
        except (ValueError, OSError) as error:
            sys.exit(str(error))
        print(
            f"{addon} is written. With {addon.parent} on the addons path, run its tests:\n\n"
            f"    odoo -d a_new_database -i {addon.name} --test-tags /{addon.name} --stop-after-init\n\n"
            "Then begin with its unit/adapter.py and unit/partner.py."
        )
