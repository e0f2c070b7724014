{
    "name": "Connector Tests",
    "summary": "Models, a backend and units that exist for the tests of the connector framework only",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector"],
    "data": ["security/ir.model.access.csv", "security/test_connector_rules.xml"],
    "assets": {
        "web.assets_tests": [
            "test_connector/static/tests/tours/**/*",
        ],
    },
}
