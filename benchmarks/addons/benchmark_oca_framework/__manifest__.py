{
    "name": "Benchmark of OCA's Connector",
    "summary": "A connector to the imaginary system of the benchmarks, built on OCA's connector",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "product"],
    "data": ["security/ir.model.access.csv"],
}
