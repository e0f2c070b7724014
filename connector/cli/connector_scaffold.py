"""Command ``odoo connector_scaffold``: writes a connector, or adds a model to one."""

import argparse
import sys

from odoo.cli import Command


class ConnectorScaffold(Command):
    """Write the addon of a new connector, or add a model to one that was written so."""

    name = "connector_scaffold"

    def run(self, args):
        """Parse the arguments, write the files, and print the next steps."""
        from odoo.addons.connector.scaffold import PROTOCOLS

        self.parser.formatter_class = argparse.RawDescriptionHelpFormatter
        self.parser.description = (
            "Write the addon of a new connector. It installs, passes its tests, and imports customers as partners.\n"
            "With --model, add a model to such an addon: binding, adapter, mapper, screens, tests. If a place\n"
            "to write into is not found, nothing is written."
        )
        self.parser.epilog = (
            "examples:\n"
            "  odoo connector_scaffold shop\n"
            "      write connector_shop in the current folder, for a REST system\n"
            "  odoo connector_scaffold bank /path/of/my/addons --protocol graphql\n"
            "      write connector_bank in that folder, for a GraphQL system\n"
            "  odoo connector_scaffold shop --model product.product --depends product --record article\n"
            "      add products to connector_shop, which calls them articles\n"
            "\n"
            "If the command is not known, tell Odoo where the addons are: odoo --addons-path=... connector_scaffold shop"
        )
        self.parser.add_argument(
            "service", help="what the connector speaks with, such as shop: the addon is called connector_shop"
        )
        self.parser.add_argument(
            "directory", nargs="?", default=".", help="folder of the addon connector_shop (default: the current one)"
        )
        self.parser.add_argument(
            "--protocol", choices=[*PROTOCOLS], help="what the system speaks, for a new connector (default: rest)"
        )
        self.parser.add_argument("--model", help="model of Odoo to add, such as product.product; the addon must exist")
        self.parser.add_argument(
            "--record", help="with --model: what the system calls one of them, such as article (default: its last word)"
        )
        self.parser.add_argument(
            "--depends", metavar="ADDON", help="with --model: the addon of Odoo that has the model, such as product"
        )
        options = self.parser.parse_args(args)
        if options.model and options.protocol:
            self.parser.error("--protocol is for a new connector: a model that is added speaks that of its connector")
        if not options.model and (options.record or options.depends):
            self.parser.error("--record and --depends need --model")
        try:
            addon = self._write(options)
        except (ValueError, OSError) as error:
            sys.exit(str(error))
        what = f"{options.model} is added to {addon}" if options.model else f"{addon} is written"
        record = (options.record or options.model.split(".")[-1]) if options.model else "customer"
        print(
            f"{what}. With {addon.parent} on the addons path, run its tests:\n\n"
            f"    odoo -d a_new_database -i {addon.name} --test-tags /{addon.name} --stop-after-init\n\n"
            f"Then change backend.py and {record}.py: they say what the system is like."
        )

    def _write(self, options):
        from odoo.addons.connector.scaffold import add_model, write_connector

        if options.model:
            return add_model(options.service, options.directory, options.model, options.record, options.depends)
        return write_connector(options.service, options.directory, options.protocol or "rest")
