{
    "name": "Connector Tests: Extension",
    "summary": "Extends the units, mixins and consumers of the addon of tests, as another addon of a connector would",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["test_connector"],
}
