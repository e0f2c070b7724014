{
    "name": "Benchmark Framework",
    "summary": "A connector to the imaginary system of the benchmarks",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["connector", "product"],
    "data": ["security/ir.model.access.csv"],
}
