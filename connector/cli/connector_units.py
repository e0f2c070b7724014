"""Command ``odoo connector_units``, which lists the unit classes of a backend."""

import sys

from odoo import SUPERUSER_ID, api
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config


class ConnectorUnits(Command):
    """Show the unit classes that serve a backend in a database, and the addon of each part."""

    name = "connector_units"

    def run(self, args):
        """Parse the arguments and print a list for each model."""
        self.parser.add_argument("-c", "--config", help="configuration file")
        self.parser.add_argument("-d", "--database", help="database (default: the one of the configuration file)")
        self.parser.add_argument(
            "-b", "--backend", required=True, help='service and version of the backend, such as "shop 2.0"'
        )
        options = self.parser.parse_args(args)
        database = self._configure(options)
        with Registry(database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            if "connector.backend" not in env:
                sys.exit(f"The addon “connector” is not installed in the database {database}.")
            self._print(options.backend, env)

    def _configure(self, options):
        """Read Odoo's configuration and return the name of the database."""
        arguments = ["--no-http"]
        if options.config:
            arguments += ["--config", options.config]
        if options.database:
            arguments += ["--database", options.database]
        config.parse_config(arguments, setup_logging=True)
        databases = config["db_name"]
        if len(databases) != 1:
            self.parser.error("name one database with -d")
        return databases[0]

    def _print(self, name, env):
        from odoo.addons.connector.backend import get_backend
        from odoo.addons.connector.exception import InvalidBackend
        from odoo.addons.connector.extension import class_name
        from odoo.addons.connector.unit.unit_list import list_units, list_unused

        service, _, version = name.partition(" ")
        try:
            backend = get_backend(service, version or None)
        except InvalidBackend as error:
            sys.exit(str(error))
        print(f"Backend {backend} in the database {env.cr.dbname}")
        model_name = None
        for unit in list_units(backend, env):
            if unit.model_name != model_name:
                model_name = unit.model_name
                print(f"\n{model_name}")
            lines = [f"{part} [{addon}]" for part, addon in unit.parts] or [f"ERROR {unit.error}"]
            for label, line in zip([unit.kind.__name__, *[""] * len(lines)], lines, strict=False):
                print(f"  {label:<20} {line}")
        if unused := list_unused(backend, env):
            print("\nNot in use")
            for unit_class, why in unused:
                print(f"  {class_name(unit_class)} {why}")
