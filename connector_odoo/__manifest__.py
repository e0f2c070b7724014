{
    "name": "Odoo Connector",
    "summary": "Import partners and products from another Odoo, and keep both in step",
    "version": "19.0.1.2.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "connector_base_product"],
    "external_dependencies": {"python": ["requests"]},
    "data": [
        "security/ir.model.access.csv",
        "security/odoo_rules.xml",
        "views/odoo_binding_views.xml",
        "views/odoo_backend_views.xml",
    ],
}
