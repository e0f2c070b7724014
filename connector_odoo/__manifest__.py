{
    "name": "Odoo Connector",
    "summary": "Import partners and products from another Odoo, and keep both in step",
    "version": "19.0.3.0.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "connector_base_product"],
    "external_dependencies": {"python": ["requests"]},
    "data": ["views/odoo_backend_views.xml"],
}
