{
    "name": "Odoo Connector: Stock",
    "summary": "Tell another Odoo how much there is of the products that both know",
    "version": "19.0.3.0.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector_odoo", "connector_stock"],
    "data": ["views/odoo_backend_views.xml"],
}
