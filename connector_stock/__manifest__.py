{
    "name": "Connector: Stock",
    "summary": "Tell shops how much there is of a product: which quantity, of which warehouses, and when it changes",
    "version": "19.0.1.0.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "stock"],
    "data": ["views/stock_backend_views.xml"],
}
