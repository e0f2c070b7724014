{
    "name": "Connector Base Product",
    "summary": "The page of the product forms where connectors show their bindings",
    "version": "19.0.1.0.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "product"],
    "data": ["views/product_views.xml"],
}
