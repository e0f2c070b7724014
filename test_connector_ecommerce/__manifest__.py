{
    "name": "Connector Tests: E-Commerce",
    "summary": "A small shop and its connector, which exist for the tests of e-commerce only",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector_ecommerce"],
    "assets": {
        "web.assets_tests": [
            "test_connector_ecommerce/static/tests/tours/**/*",
        ],
    },
}
