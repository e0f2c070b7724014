{
    "name": "Odoo Connector: Sale Orders",
    "summary": "Import the confirmed orders of another Odoo, with their lines, customers and products",
    "version": "19.0.3.0.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector_odoo", "sale"],
}
