{
    "name": "Benchmark Jobs",
    "summary": "The bodies of the jobs that the benchmarks run, for any job queue that has with_delay()",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["base"],
    "data": ["security/ir.model.access.csv"],
}
